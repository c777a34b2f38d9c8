// Licensed under the Apache License, Version 2.0; see LICENSE.

import '../audit/audit.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, get, query } from '../api.ts';
import type { FeedEvent } from '../traces/rows.ts';
import { EventLine } from '../audit/line.tsx';
import { pageOf, TYPES, type FeedPage } from '../audit/sentence.ts';
import { periodOf } from '../filters.ts';
import { formatTime, t, type TextKey } from '../i18n.ts';
import { useAction, useLoad } from '../load.ts';
import { useNames } from '../names.ts';
import { BASE, go, withQuery } from '../router.ts';
import { can, useSession } from '../session.ts';
import type { ScreenProps } from '../shell.tsx';
import { Empty, ErrorNote, Field, Glyph, Skeleton } from '../ui/index.tsx';

const PAGE = 50;
/** Pages without a match that are looked through before the reader is asked. */
const PATIENCE = 5;
const POLL = 5000;

interface Person { id: string; name: string }

export default function Audit({ place }: ScreenProps) {
    const { me, everyProject, tags } = useSession();
    const names = useNames();
    const text = (name: string) => place.query.get(name)?.trim() ?? '';
    const filter = { types: text('type'), project_id: text('project'), actor_id: text('actor'), trace_id: text('trace') };
    const period = { from: text('from'), to: text('to') };
    const narrowed = [...Object.values(filter), ...Object.values(period)].some(Boolean);
    const parameters = query({ ...filter, ...periodOf(period), limit: PAGE });
    const path = (before: string) => `/v1/events${parameters}&before=${encodeURIComponent(before)}`;

    const read = async (from: string, signal?: AbortSignal): Promise<FeedPage> => {
        let page = pageOf((await ask(path(from), { signal })).text);
        for (let round = 0; round < PATIENCE && page.events.length === 0 && page.more; round++) page = pageOf((await ask(path(page.cursor), { signal })).text);
        return page;
    };
    const load = useLoad((signal) => read('latest', signal), [parameters]);
    const more = useAction(async () => {
        const old = load.value!;
        const next = await read(old.cursor);
        load.set({ ...next, events: [...old.events, ...next.events] });
    });
    const people = useLoad((signal) => (can(me, 'admin') ? everybody(signal) : Promise.resolve([{ id: me.id, name: me.name ?? me.login }])), [me.id]);
    const fresh = useNews(filter.types, (one) => (!filter.project_id || one.project_id === filter.project_id) && (!filter.actor_id || one.actor_id === filter.actor_id)
        && (!filter.trace_id || one.trace_id === filter.trace_id) && !period.to, `${parameters} ${load.loading}`);
    const set = (name: string, value: string) => go(withQuery({ [name]: value || null }));
    const events = load.value?.events ?? [];
    const known = [...(people.value ?? [])];
    if (filter.actor_id && !known.some((one) => one.id === filter.actor_id)) known.push({ id: filter.actor_id, name: filter.actor_id });
    return (
        <div class="page audit">
            <header><h1>{t('shell.audit')}</h1></header>
            <form class="filters" aria-label={t('traces.filter')} onSubmit={(event) => event.preventDefault()}>
                <Field label={t('audit.what')}>{(props) => (
                    <select {...props} value={filter.types} onChange={(event) => set('type', event.currentTarget.value)}>
                        <option value="">{t('audit.everything')}</option>
                        <option value="review.approved,review.corrected,review.rejected">{t('audit.verdicts')}</option>
                        {TYPES.map((one) => <option key={one} value={one}>{t(`audit.types.${one.replace('.', '_')}` as TextKey)}</option>)}
                    </select>
                )}</Field>
                <Field label={t('shell.project')}>{(props) => (
                    <select {...props} value={filter.project_id} onChange={(event) => set('project', event.currentTarget.value)}>
                        <option value="">{t('shell.allProjects')}</option>
                        {everyProject.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
                    </select>
                )}</Field>
                <Field label={t('audit.who')}>{(props) => (
                    <select {...props} value={filter.actor_id} onChange={(event) => set('actor', event.currentTarget.value)}>
                        <option value="">{t('audit.anybody')}</option>
                        {known.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
                    </select>
                )}</Field>
                <Field label={t('audit.trace')}>{(props) => <input {...props} value={filter.trace_id} placeholder="trace_…" spellcheck={false} autocomplete="off" onChange={(event) => set('trace', event.currentTarget.value.trim())} />}</Field>
                <Field label={t('traces.filters.from')}>{(props) => <input {...props} type="date" value={period.from} onChange={(event) => set('from', event.currentTarget.value)} />}</Field>
                <Field label={t('traces.filters.to')}>{(props) => <input {...props} type="date" value={period.to} onChange={(event) => set('to', event.currentTarget.value)} />}</Field>
                {narrowed && <a class="button plain" href={`${BASE}audit`}>{t('traces.clearFilters')}</a>}
            </form>
            <ErrorNote error={load.error} retry={load.reload} />
            {fresh > 0 && <button type="button" class="fresh" onClick={load.reload}><Glyph name="reset" />{t(fresh >= 500 ? 'audit.freshMany' : 'audit.fresh', { count: fresh })}</button>}
            {!load.value && load.slow && <Skeleton lines={10} />}
            {load.value && events.length === 0 && !load.value.more && <Empty title={t('audit.none')}>{t(narrowed ? 'audit.noneMatch' : 'audit.noneYet')}</Empty>}
            {events.length > 0 && (
                <ol class="events" aria-busy={load.loading}>
                    {events.map((event) => (
                        <EventLine key={event.event_id} event={event} mine={event.actor_id === me.id} who={event.actor_id ? names(event.actor_id) : null}
                            project={everyProject.find((one) => one.id === event.project_id)?.name ?? null} tag={tags.find((one) => one.id === event.tag_id)} />
                    ))}
                </ol>
            )}
            {load.value && (events.length > 0 || load.value.more) && (
                <div class="row end">
                    {!load.value.more ? <span class="quiet">{t('audit.all', { count: events.length })}</span> : <>
                        {events.length > 0 && <span class="quiet">{t('audit.until', { time: formatTime(events[events.length - 1].occurred_at) })}</span>}
                        <button type="button" disabled={more.busy} onClick={() => void more.run()}>{t(events.length > 0 ? 'common.loadMore' : 'audit.further')}</button>
                    </>}
                    <ErrorNote error={more.error} />
                </div>
            )}
        </div>
    );
}

async function everybody(signal: AbortSignal): Promise<Person[]> {
    const [members, keys] = await Promise.all([
        get<{ user_id: string; login: string; name: string | null }[]>('/v1/members', signal), get<{ id: string; name: string }[]>('/v1/api-keys', signal),
    ]);
    return [...members.map((one) => ({ id: one.user_id, name: one.name ?? one.login })), ...keys.map((one) => ({ id: one.id, name: t('audit.key', { name: one.name }) }))]
        .sort((a, b) => a.name.localeCompare(b.name));
}

/** How much happened since the list was read; nothing moves until the reader asks. */
function useNews(types: string, wanted: (event: FeedEvent) => boolean, round: string): number {
    const [count, setCount] = useState(0);
    const asked = useRef({ types, wanted });
    asked.current = { types, wanted };
    useEffect(() => {
        setCount(0);
        let cursor = 'latest';
        let gone = false;
        let timer: ReturnType<typeof setTimeout>;
        const look = async () => {
            try {
                if (!document.hidden) {
                    const page = await get<{ events: FeedEvent[]; cursor: string }>(`/v1/events${query({ after: cursor, types: asked.current.types, limit: 500 })}`);
                    if (gone) return;
                    cursor = page.cursor;
                    const count = page.events.filter((one) => asked.current.wanted(one)).length;
                    if (count > 0) setCount((old) => Math.min(500, old + count));
                }
            } catch { /* the shell says when the server is away */ }
            if (!gone) timer = setTimeout(look, POLL);
        };
        void look();
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, [round]);
    return count;
}
