// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The metadata of a trace in one line: what made it, when, its tags; the rest behind
// a button.

import { useState } from 'preact/hooks';
import { ask, changeTrace, traceOf, type Project, type Tag, type Trace } from '../api.ts';
import { t } from '../i18n.ts';
import { JsonTree } from '../inputs/tree.tsx';
import { member, parseJson, shown } from '../json.ts';
import { useShortcuts } from '../keys.ts';
import { useAction } from '../load.ts';
import { memo } from '../memo.ts';
import { BASE } from '../router.ts';
import { can, useSession } from '../session.ts';
import { Confirm, Dialog, ErrorNote, Glyph, Id, Menu, StatusMark, TagChip, Time, type MenuItem } from '../ui/index.tsx';
import { History } from './history.tsx';
import { useNarrow } from './panes.tsx';
import { traces } from './traces.ts';
import { useVersion } from './versions.ts';

/** loading: another trace is under way, this one is only looked at. */
export const Strip = memo(({ trace, project, loading, onReset, onDeleted }: { trace: Trace; project: Project; loading: boolean; onReset: (id: string) => void; onDeleted: (trace: Trace) => void }) => {
    const { me } = useSession();
    const narrow = useNarrow();
    const [more, setMore] = useState(false);
    const [history, setHistory] = useState(false);
    const [confirm, setConfirm] = useState<'delete' | 'reset' | null>(null);
    useShortcuts([{ keys: 'h', does: t('review.history'), group: t('review.groupMove'), run: () => setHistory(true) }]);
    const reset = useAction(async () => {
        const next = await changeTrace(trace.id, 'reset', trace.version);
        setConfirm(null);
        onReset(trace.id);
        traces.put(next);
    });
    const remove = useAction(async () => {
        const next = await changeTrace(trace.id, 'delete', trace.version);
        setConfirm(null);
        traces.forget(trace.id);
        onDeleted(next);
    });
    const menu: MenuItem[] = loading ? [] : [
        ...(narrow ? [{ label: t('review.history'), run: () => setHistory(true) }, { label: t('review.details'), run: () => setMore(true) }] : []),
        ...(trace.status !== 'pending' && can(me, 'reviewer') ? [{ label: t('review.reset'), run: () => setConfirm('reset') }] : []),
        ...(can(me, 'admin') ? [{ label: t('review.delete'), run: () => setConfirm('delete') }] : []),
    ];
    const config = trace.trace_config ?? null;
    const value = (key: string) => {
        const node = member(config, key);
        return node && node.kind !== 'null' ? shown(node) : null;
    };
    const model = value('model');
    const prompt = value('prompt_version_id');
    const run = value('internal_run_id');
    const version = useVersion(trace.project_id, prompt);
    return (
        <header class="strip">
            <h1 class="unseen">{t('review.title', { id: trace.id })}</h1>
            <div class="made row">
            {trace.status !== 'pending' && !narrow && <StatusMark status={trace.status} />}
            {model && <span class="clip" title={model}><span class="unseen">{t('review.model')} </span>{model}</span>}
            {prompt && <a class="clip" href={`${BASE}prompts?project=${trace.project_id}&version=${encodeURIComponent(prompt)}`} title={prompt} aria-label={narrow && version !== null ? `${t('review.prompt')} ${t('prompts.version', { number: String(version) })}` : undefined}>{!(narrow && version !== null) && <>{t('review.prompt')} </>}{version !== null ? t('prompts.version', { number: String(version) }) : prompt.length > 14 ? `${prompt.slice(0, 8)}…${prompt.slice(-3)}` : prompt}</a>}
            {run && !narrow && <span class="clip mono" title={run}><span class="unseen">{t('review.run')} </span>{run.length > 18 ? `${run.slice(0, 10)}…${run.slice(-4)}` : run}</span>}
            <span class="quiet"><Time at={trace.created_at} /></span>
            {!narrow && <button type="button" class="plain tiny" onClick={() => setMore(true)}>{t('review.details')}</button>}
            </div>
            <Tags trace={trace} />
            {!narrow && <button type="button" class="plain" onClick={() => setHistory(true)}>{t('review.history')}</button>}
            {menu.length > 0 && <Menu name={t('review.more')} label={<Glyph name="menu" />} items={menu} />}
            {history && <History trace={trace} project={project} onClose={() => setHistory(false)} />}
            {confirm === 'reset' && <Confirm title={t('review.reset')} text={t('review.resetText2')} action={t('review.reset')} busy={reset.busy} error={reset.error} onYes={() => void reset.run()} onClose={() => setConfirm(null)} />}
            {confirm === 'delete' && <Confirm danger title={t('review.delete')} text={t('review.deleteText')} action={t('review.delete')} busy={remove.busy} error={remove.error} onYes={() => void remove.run()} onClose={() => setConfirm(null)} />}
            {more && (
                <Dialog panel title={t('review.details')} onClose={() => setMore(false)}>
                    <dl class="facts">
                        <dt>{t('review.traceId')}</dt><dd><Id id={trace.id} whole /></dd>
                        <dt>{t('review.created')}</dt><dd><Time at={trace.created_at} /> {trace.created_by && <Id id={trace.created_by} />}</dd>
                        <dt>{t('review.version')}</dt><dd>{trace.version}</dd>
                        {trace.last_reviewed_at && <><dt>{t('review.reviewed')}</dt><dd><Time at={trace.last_reviewed_at} /> {trace.last_reviewed_by && <Id id={trace.last_reviewed_by} />}</dd></>}
                    </dl>
                    <h3>{t('review.config')}</h3>
                    {config ? <JsonTree value={config} label={t('review.config')} /> : <p class="quiet">{t('review.noConfig')}</p>}
                </Dialog>
            )}
        </header>
    );
});

function Tags({ trace }: { trace: Trace }) {
    const { me, tags } = useSession();
    const allowed = can(me, 'reviewer');
    const base = `/v1/traces/${encodeURIComponent(trace.id)}/tags`;
    const take = (text: string) => traces.put(traceOf(parseJson(text)));
    const adding = useAction(async (tag: Tag) => take((await ask(base, { method: 'POST', body: { tag_ids: [tag.id] } })).text));
    const removing = useAction(async (tag: Tag) => take((await ask(`${base}/${tag.id}`, { method: 'DELETE' })).text));
    const free = tags.filter((one) => !trace.tags.some((there) => there.id === one.id));
    return (
        <span class={`row wrap tags ${trace.tags.length > 0 ? 'some' : ''}`}>
            {trace.tags.map((tag) => (
                <TagChip tag={tag} key={tag.id}>
                    {allowed && <button type="button" class="plain tiny" aria-label={t('review.removeTag', { name: tag.name })} onClick={() => void removing.run(tag)}><Glyph name="rejected" /></button>}
                </TagChip>
            ))}
            {allowed && free.length > 0 && trace.tags.length < 10 && <Menu label={<><Glyph name="plus" />{t('review.tag')}</>} name={t('review.addTag')} items={free.map((tag) => ({ label: tag.name, run: () => void adding.run(tag) }))} />}
            <ErrorNote error={adding.error ?? removing.error} />
        </span>
    );
}
