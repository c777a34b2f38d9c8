// Licensed under the Apache License, Version 2.0; see LICENSE.

import '../traces/traces.css';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, query } from '../api.ts';
import { filterOf, filterQuery, NARROWING, periodOf } from '../filters.ts';
import { t } from '../i18n.ts';
import { useShortcuts } from '../keys.ts';
import { useLoad } from '../load.ts';
import { useNames } from '../names.ts';
import { BASE, go } from '../router.ts';
import { can, useSession } from '../session.ts';
import { useStored } from '../settings.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { announce, Empty, ErrorNote, Glyph, Skeleton } from '../ui/index.tsx';
import { BulkBar } from '../traces/bulkbar.tsx';
import { ColumnsMenu, FilterBar, Saved, StatusTabs } from '../traces/filterbar.tsx';
import { FirstRun, SendOne } from '../traces/firstrun.tsx';
import { countsOf, useLeases, useTraces, type Figures } from '../traces/list.ts';
import { all, among, nothing, range, toggle, type Selection } from '../traces/selection.ts';
import { TraceTable } from '../traces/table.tsx';

export default function Traces({ place }: ScreenProps) {
    const session = useSession();
    const fallback = currentProject(session, place);
    const nowhere = session.everyProject.length === 0;
    // The first steps stay until the reader goes on: the new key is shown there, and only there.
    const [first, setFirst] = useState(nowhere);
    useEffect(() => { if (nowhere) setFirst(true); }, [nowhere]);
    if (nowhere || first) return <FirstRun project={fallback} onTrace={() => setFirst(false)} />;
    return <List search={place.query} fallback={fallback} onFirst={() => setFirst(true)} />;
}

function List({ search, fallback, onFirst }: { search: URLSearchParams; fallback: string | null; onFirst: () => void }) {
    const session = useSession();
    const { me, tags } = session;
    const filter = useMemo(() => filterOf(search, fallback), [search.toString(), fallback]);
    const project = session.everyProject.find((one) => one.id === filter.project) ?? null;
    const list = useTraces(me.organization.id, filter, tags);
    const leases = useLeases(filter.project, me.id);
    const names = useNames(filter.project);
    const [dense, setDense] = useStored('traces.density', 'comfortable');
    const [columns, setColumns] = useStored('traces.columns', 'output model tags created reviewer');
    const [selection, setSelection] = useState<Selection>(nothing);
    const [current, setCurrent] = useState<string | null>(list.place.current);
    const [find, setFind] = useState('');
    const [hits, setHits] = useState(0);
    const finder = useRef<HTMLInputElement>(null);
    const page = useRef<HTMLDivElement>(null);

    const scope = filter.project ? [filter.project] : session.projects.map((one) => one.id).slice(0, 12);
    const figures = useLoad((signal) => Promise.all(scope.map((id) => get<Figures>(`/v1/projects/${id}/analytics${query(periodOf(filter))}`, signal))),
        [scope.join(), filter.from, filter.to, list.tick]);
    const counts = figures.value && (filter.project || scope.length === session.projects.length) ? countsOf(figures.value, filter) : null;
    const named = (id: string) => names(id) ?? figures.value?.flatMap((one) => one.by_reviewer).find((one) => one.actor_id === id)?.name ?? null;

    const rows = list.rows ?? [];
    const order = rows.map((one) => one.id);
    useEffect(() => setSelection((old) => among(old, order)), [order.join()]);
    useEffect(() => {
        setSelection(nothing);
        setCurrent(list.place.current);
    }, [filterQuery(filter)]);

    // Where one was: kept when one leaves, found again when one comes back.
    const scroller = () => page.current?.closest('main') ?? null;
    const where = useRef({ scroll: 0, current: null as string | null });
    where.current.current = current;
    useLayoutEffect(() => {
        const main = scroller();
        if (!main) return;
        const { scroll } = list.place;
        where.current.scroll = scroll;
        // With the frame that shows it: the page is laid out once, not here and there.
        const frame = requestAnimationFrame(() => { main.scrollTop = scroll; });
        const follow = () => { where.current.scroll = main.scrollTop; };
        main.addEventListener('scroll', follow, { passive: true });
        const { leave } = list;
        return () => {
            cancelAnimationFrame(frame);
            main.removeEventListener('scroll', follow);
            leave(where.current);
        };
    }, [filterQuery(filter)]);

    const href = (id: string) => `${BASE}review/${encodeURIComponent(id)}${filterQuery(filter)}`;
    const focus = (id: string) => page.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"] a`)?.focus();
    const move = (by: number) => {
        const at = current === null ? -1 : order.indexOf(current);
        const id = order[at < 0 ? 0 : Math.max(0, Math.min(order.length - 1, at + by))];
        if (!id) return;
        setCurrent(id);
        focus(id);
    };
    const choose = (id: string, far: boolean) => {
        setCurrent(id);
        setSelection((old) => (far ? range(old, id, order) : toggle(old, id)));
    };
    const showFresh = async () => {
        await list.show.run();
        scroller()?.scrollTo({ top: 0 });
    };
    const group = t('shell.traces');
    useShortcuts([
        { keys: ['j', 'ArrowDown'], does: t('traces.keyNext'), group, run: () => move(1), off: rows.length === 0 },
        { keys: ['k', 'ArrowUp'], does: t('traces.keyPrevious'), group, run: () => move(-1), off: rows.length === 0 },
        { keys: 'Enter', does: t('traces.keyOpen'), group, run: () => current && go(href(current)), off: !current },
        { keys: 'x', does: t('traces.keySelect'), group, run: () => current && choose(current, false), off: !current },
        { keys: 'X', does: t('traces.keyRange'), group, run: () => current && choose(current, true), off: !current },
        { keys: 'mod+a', does: t('traces.keyAll'), group, run: () => setSelection(all(order)), off: rows.length === 0 },
        { keys: 'Escape', does: t('traces.keyNone'), group, run: () => setSelection(nothing), off: selection.chosen.size === 0 },
        { keys: '/', does: t('traces.keyFind'), group, run: () => finder.current?.focus() },
        { keys: 'n', does: t('traces.keyFresh'), group, run: () => void showFresh(), off: list.fresh === 0 },
    ]);
    useEffect(() => { if (list.fresh > 0) announce(t('traces.fresh', { count: list.fresh })); }, [list.fresh]);
    useEffect(() => {
        const count = find ? page.current?.querySelectorAll('tbody mark').length ?? 0 : 0;
        setHits(count);
    }, [find, list.rows]);

    const narrowed = NARROWING.some((name) => filter[name] !== '');
    const empty = list.current && list.rows?.length === 0;
    const untouched = empty && !narrowed && !filter.status;
    if (untouched && can(me, 'admin')) {
        return <Beginning project={filter.project ?? session.projects[0]?.id ?? null} onFirst={onFirst} />;
    }
    return (
        <div class="page traces" ref={page}>
            <header>
                <h1>{t('shell.traces')}</h1>
                <Saved organization={me.organization.id} />
                <ColumnsMenu columns={columns} setColumns={setColumns} dense={dense === 'compact'} setDense={(yes) => setDense(yes ? 'compact' : 'comfortable')} />
                {can(me, 'reviewer') && <a class="button primary" href={`${BASE}review${query({ project: filter.project ?? 'all', tag: filter.tag })}`}>{t('traces.start')}</a>}
            </header>
            <StatusTabs filter={filter} counts={counts} />
            {selection.chosen.size > 0
                ? <BulkBar rows={rows.filter((one) => selection.chosen.has(one.id))} onChange={list.change} onClear={() => setSelection(nothing)} />
                : <FilterBar filter={filter} figures={figures.value ?? []} find={find} setFind={setFind} finder={finder} hits={hits} />}
            <ErrorNote error={list.error} retry={list.reload} />
            {list.fresh > 0 && (
                <button type="button" class="fresh" onClick={() => void showFresh()} disabled={list.show.busy}>
                    <Glyph name="down" />{t(list.fresh >= 100 ? 'traces.freshMany' : 'traces.fresh', { count: list.fresh })}
                </button>
            )}
            {!list.rows && list.slow && <Skeleton lines={10} />}
            {empty && (untouched
                ? <Empty title={t('traces.none')}>{t('traces.noneYet')}</Empty>
                : <Empty title={t('traces.none')} action={<a class="button" href={`${BASE}traces${query({ project: filter.project ?? 'all' })}`}>{t('traces.clearFilters')}</a>}>
                    {t(filter.status === 'pending' && !narrowed ? 'traces.allDone' : 'traces.noneMatch')}
                </Empty>)}
            {rows.length > 0 && (
                <TraceTable whole={list.place.scroll > 0} rows={rows} columns={columns.split(' ')} dense={dense === 'compact'} everyProject={filter.project === null} project={project}
                    selection={selection} current={current} find={find} href={href} named={named} leases={leases} stale={!list.current}
                    onChoose={choose} onChooseAll={(yes) => setSelection(yes ? all(order) : nothing)} onCurrent={setCurrent} mayReview={can(me, 'reviewer')} />
            )}
            {rows.length > 0 && (
                <div class="row end">
                    <span class="quiet" role="status">{t(list.next ? 'traces.loaded' : 'traces.loadedAll', { count: rows.length })}</span>
                    {list.next && <button type="button" onClick={() => void list.more.run()} disabled={list.more.busy}>{t('common.loadMore')}</button>}
                    <ErrorNote error={list.more.error ?? list.show.error} />
                </div>
            )}
        </div>
    );
}

/** An empty project: the first steps if the organization has no trace at all, else how to send one here. */
function Beginning({ project, onFirst }: { project: string | null; onFirst: () => void }) {
    const { everyProject } = useSession();
    const any = useLoad(async (signal) => (await get<unknown[]>('/v1/traces/?limit=1&exclude_fields=model_input,model_output,trace_config,corrected_output,final_output', signal)).length > 0, [project]);
    useEffect(() => { if (any.value === false) onFirst(); }, [any.value]);
    if (!any.value) return <div class="page"><ErrorNote error={any.error} retry={any.reload} /></div>;
    const name = everyProject.find((one) => one.id === project)?.name ?? '';
    return (
        <div class="page">
            <header><h1>{t('shell.traces')}</h1></header>
            <Empty title={t('traces.noneIn', { project: name })}>{t('traces.sendFirst')}</Empty>
            {project && <SendOne project={project} />}
        </div>
    );
}
