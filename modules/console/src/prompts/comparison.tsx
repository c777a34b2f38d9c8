// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two versions beside each other: why, what came of it, and what changed.

import { useMemo, useState } from 'preact/hooks';
import { formatDuration } from '../duration.ts';
import { formatNumber, formatPercent, t } from '../i18n.ts';
import { useNames } from '../names.ts';
import { Diff } from '../ui/diff.tsx';
import { Copy, Glyph, Id, Time } from '../ui/index.tsx';
import type { Prompt, PromptStats } from './api.ts';
import { Evidence } from './evidence.tsx';
import { fieldShares } from './shares.ts';
import { folded, sideBySide, together, type Line, type Row } from './sides.ts';
import { rate, VersionName } from './versions.tsx';

export type View = 'sides' | 'joined';

export function Comparison({ before, after, versions, stats, view, onChoose, onView }: {
    before: Prompt | null; after: Prompt; versions: Prompt[]; stats: Map<string, PromptStats>; view: string | null;
    onChoose: (side: 'before' | 'after', id: string) => void; onView: (view: View) => void;
}) {
    const names = useNames(after.project_id);
    const shown: View = view === 'joined' || view === 'sides' ? view : matchMedia('(max-width: 760px)').matches ? 'joined' : 'sides';
    const select = (side: 'before' | 'after', chosen: Prompt, label: string) => (
        <label class="row"><span>{label}</span>
            <select value={chosen.id} onChange={(event) => onChoose(side, event.currentTarget.value)}>
                {versions.map((one) => <option key={one.id} value={one.id}>{t('prompts.version', { number: String(one.version) })}{one.is_active ? ` · ${t('prompts.active')}` : ''}</option>)}
            </select>
        </label>
    );
    return (
        <>
            <section class="stack tight">
                <div class="row wrap">
                    <h2 id="about"><VersionName prompt={after} /></h2>
                    <span class="quiet">{t(after.source === 'refinement' ? 'prompts.refined' : 'prompts.byHand')} · {names(after.created_by) ?? <Id id={after.created_by} />} · <Time at={after.created_at} /></span>
                    <Id id={after.id} />
                </div>
                {after.rationale && <div class="card stack tight"><h3>{t('prompts.why')}</h3><p class="prose">{after.rationale}</p><Evidence key={after.id} project={after.project_id} ids={after.lineage_event_ids} since={versions.find((one) => one.id === after.parent_id)?.created_at} until={after.created_at} /></div>}
            </section>
            {before && <Rates before={before} after={after} stats={stats} />}
            <section class="stack tight">
                <div class="row wrap">
                    <h2 id="changes" class="grow">{t(before ? 'prompts.changes' : 'prompts.content')}</h2>
                    {before && select('before', before, t('prompts.before'))}
                    {before && select('after', after, t('prompts.after'))}
                    {before && <ViewSwitch view={shown} onView={onView} />}
                    <Copy text={after.content} what={t('prompts.version', { number: String(after.version) })}>{t('prompts.copyContent')}</Copy>
                </div>
                {before
                    ? <Changes before={before.content} after={after.content} view={shown} names={[t('prompts.version', { number: String(before.version) }), t('prompts.version', { number: String(after.version) })]} />
                    : <pre class="card content">{after.content}</pre>}
            </section>
        </>
    );
}

export function ViewSwitch({ view, onView }: { view: View; onView: (view: View) => void }) {
    return (
        <span class="row" role="group" aria-label={t('prompts.view')}>
            {(['sides', 'joined'] as const).map((one) => <button type="button" key={one} aria-pressed={view === one} onClick={() => onView(one)}>{t(one === 'sides' ? 'prompts.sides' : 'prompts.joined')}</button>)}
        </span>
    );
}

/** The change from one text to another, in either view. */
export function Changes({ before, after, view, names }: { before: string; after: string; view: View; names: [string, string] }) {
    if (before === after) return <><p class="quiet">{t('prompts.sameText')}</p><pre class="card content">{after}</pre></>;
    return view === 'sides' ? <Sides before={before} after={after} names={names} /> : <Joined before={before} after={after} />;
}

function Joined({ before, after }: { before: string; after: string }) {
    const changes = useMemo(() => together(before, after), [before, after]);
    return <div class="card content mono"><Diff changes={changes} /></div>;
}

function Sides({ before, after, names }: { before: string; after: string; names: [string, string] }) {
    const stretches = useMemo(() => folded(sideBySide(before, after)), [before, after]);
    const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
    return (
        <div class="table" tabIndex={0} role="region" aria-label={t('prompts.changes')}>
            <table class="sides">
                <colgroup><col class="line" /><col /><col class="line" /><col /></colgroup>
                <thead><tr><th scope="col" colSpan={2}>{names[0]}</th><th scope="col" colSpan={2}>{names[1]}</th></tr></thead>
                {stretches.map((stretch, at) => (
                    <tbody key={at}>
                        {stretch.hidden && !open.has(at)
                            ? <tr class="fold"><td colSpan={4}><button type="button" class="link" onClick={() => setOpen(new Set(open).add(at))}>{t('prompts.unchangedLines', { count: stretch.rows.length })}</button></td></tr>
                            : stretch.rows.map((row, line) => <SideRow key={line} row={row} />)}
                    </tbody>
                ))}
            </table>
        </div>
    );
}

function SideRow({ row }: { row: Row }) {
    const cells = (line: Line | null, side: 'before' | 'after') => [
        <td class="line" key={`${side}-n`}>{line?.number}</td>,
        <td key={side} class={line ? '' : 'absent'}>{line && <Diff changes={line.changes} side={side} />}</td>,
    ];
    return <tr class={row.same ? '' : 'changed'}>{cells(row.before, 'before')}{cells(row.after, 'after')}</tr>;
}

/** What reviewers said about the outputs of each version. */
function Rates({ before, after, stats }: { before: Prompt; after: Prompt; stats: Map<string, PromptStats> }) {
    const was = stats.get(before.id);
    const is = stats.get(after.id);
    if (!was || !is) return null;
    const fields = fieldShares(was, is).slice(0, 6);
    const change = (from: number | null, to: number | null, better: 'more' | 'less') => <Change from={from} to={to} better={better} />;
    return (
        <section class="stack tight">
            <h2 id="effect">{t('prompts.effect')}</h2>
            {is.reviewed === 0 && <p class="quiet">{t('prompts.noReviewsYet', { version: t('prompts.version', { number: String(after.version) }) })}</p>}
            <div class="table" tabIndex={0} role="region" aria-labelledby="effect">
                <table class="dense effect">
                    <thead><tr><th scope="col">{t('prompts.ofReviewed')}</th>{[before, after].map((one) => <th scope="col" class="number" key={one.id}>{t('prompts.version', { number: String(one.version) })}</th>)}<th scope="col" class="number">{t('prompts.change')}</th></tr></thead>
                    <tbody>
                        <tr><th scope="row">{t('prompts.reviewed')}</th><td class="number">{formatNumber(was.reviewed)}</td><td class="number">{formatNumber(is.reviewed)}</td><td /></tr>
                        {(['approved', 'corrected', 'rejected'] as const).map((verdict) => (
                            <tr key={verdict}><th scope="row"><span class="row"><Glyph name={verdict} />{t(`status.${verdict}`)}</span></th><td class="number">{rate(was.rates[verdict])}</td><td class="number">{rate(is.rates[verdict])}</td>
                                <td class="number">{change(was.rates[verdict], is.rates[verdict], verdict === 'approved' ? 'more' : 'less')}</td></tr>
                        ))}
                        <tr><th scope="row">{t('prompts.median')}</th><td class="number">{formatDuration(was.time_to_review.p50)}</td><td class="number">{formatDuration(is.time_to_review.p50)}</td><td /></tr>
                        {fields.length > 0 && <tr class="part"><th scope="rowgroup" colSpan={4}>{t('prompts.correctedFields')}</th></tr>}
                        {fields.map(({ path, before: from, after: to }) => (
                            <tr key={path}><th scope="row"><code>{path}</code></th><td class="number">{rate(from)}</td><td class="number">{rate(to)}</td><td class="number">{change(from, to, 'less')}</td></tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

/** In points of percent, with a sign and a word, never by colour alone. */
function Change({ from, to, better }: { from: number | null; to: number | null; better: 'more' | 'less' }) {
    if (from === null || to === null) return <span class="quiet">–</span>;
    const points = Math.round((to - from) * 1000) / 1000;
    if (points === 0) return <span class="quiet">{t('prompts.noChange')}</span>;
    const good = points > 0 === (better === 'more');
    const text = `${points > 0 ? '+' : '−'}${formatPercent(Math.abs(points))}`;
    return <span class={good ? 'good' : 'bad'}>{text} <small>{t(good ? 'prompts.better' : 'prompts.worse')}</small></span>;
}
