// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Somebody else decided first: what the model gave, theirs and mine side by side; what
// only one of us touched is merged, the rest is for a person to choose.

import { useMemo, useState } from 'preact/hooks';
import type { OutputType, Trace } from '../api.ts';
import { t } from '../i18n.ts';
import { printJson, shown, textOf, type Json } from '../json.ts';
import { Glyph, StatusMark, Time } from '../ui/index.tsx';
import { useDifferences } from './differ.ts';
import { changes, merge, type Choice, type Clash } from './merge.ts';
import { usePeople } from '../names.ts';
import { Difference } from './text.tsx';
import type { Entry } from './verdicts.ts';

export function Conflict({ trace, mine, entry, onMerged, onKeepTheirs, onAgain }: {
    /** As the server has it now. */
    trace: Trace;
    type: OutputType;
    /** What I had corrected; null: I approved or rejected. */
    mine: Json | null;
    entry: Entry | null;
    /** merged: to be sent, or to be edited further if the trace is pending again. */
    onMerged: (merged: Json) => void;
    onKeepTheirs: () => void;
    onAgain: () => void;
}) {
    const nameOf = usePeople(trace.project_id);
    const original = trace.model_output!;
    const theirs = trace.corrected_output ?? original;
    const merged = useMemo(() => (mine ? merge(original, theirs, mine) : null), [original, theirs, mine]);
    const [choices, setChoices] = useState<Record<string, Choice>>({});
    const open = merged?.clashes.filter((one) => choices[one.path] === undefined).length ?? 0;
    const result = merged?.result(choices);
    const pending = trace.status === 'pending';
    return (
        <section class="conflict stack" aria-label={t('review.conflict')}>
            <div class="note warn" role="alert"><Glyph name="warn" /><span class="grow">{pending ? t('review.conflictPending') : t('review.conflictText', { name: nameOf(trace.last_reviewed_by) })}</span></div>
            <div class="row wrap">
                <StatusMark status={trace.status} /><span class="quiet">{nameOf(trace.updated_by ?? trace.last_reviewed_by)} · <Time at={trace.updated_at} /></span>
                {entry && <span>{t('review.youDecided', { what: t(`review.done.${entry.action}`) })}</span>}
            </div>
            {merged && (
                <>
                    {merged.taken.theirs.length > 0 && <p>{t('review.takenTheirs', { fields: merged.taken.theirs.join(', ') })}</p>}
                    {merged.taken.mine.length > 0 && <p>{t('review.takenMine', { fields: merged.taken.mine.join(', ') })}</p>}
                    {merged.clashes.map((clash) => <Choose key={clash.path} clash={clash} chosen={choices[clash.path]} onChoose={(choice) => setChoices((old) => ({ ...old, [clash.path]: choice }))} />)}
                    {merged.clashes.length === 0 && result && <Summary original={original} result={result} />}
                </>
            )}
            <div class="row wrap">
                <button type="button" onClick={onKeepTheirs}>{pending ? t('review.dropMine') : t('review.keepTheirs')}</button>
                <span class="grow" />
                {merged && result
                    ? <button type="button" class="primary" disabled={open > 0} onClick={() => onMerged(result)}>{pending ? t('review.editMerged') : t('review.sendMerged')}</button>
                    : <button type="button" class="primary" onClick={onAgain}>{pending ? t('review.again') : t('review.resetAndAgain')}</button>}
            </div>
            {open > 0 && <small>{t('review.stillToChoose', { count: open })}</small>}
            {!pending && <small>{t('review.resetNote')}</small>}
        </section>
    );
}

function Choose({ clash, chosen, onChoose }: { clash: Clash; chosen: Choice | undefined; onChoose: (choice: Choice) => void }) {
    const before = clash.original ? textOf(clash.original) : undefined;
    const side = (choice: Choice, node: Json | undefined) => (
        <label class={`option ${chosen === choice ? 'on' : ''}`}>
            <input type="radio" name={`clash-${clash.path}`} checked={chosen === choice} onChange={() => onChoose(choice)} />
            <span class="grow stack"><strong>{t(choice === 'mine' ? 'review.mine' : 'review.theirs')}</strong><Text before={before} node={node} /></span>
        </label>
    );
    return (
        <fieldset class="clash">
            <legend>{clash.path || t('review.wholeOutput')}</legend>
            <div class="three">
                <div class="option"><span class="stack"><strong>{t('review.original')}</strong><span>{clash.original ? shown(clash.original) : t('review.nothing')}</span></span></div>
                {side('theirs', clash.theirs)}
                {side('mine', clash.mine)}
            </div>
        </fieldset>
    );
}

function Text({ before, node }: { before: string | undefined; node: Json | undefined }) {
    const after = node ? textOf(node) : undefined;
    if (before !== undefined && after !== undefined && after.length > 60) return <Words before={before} after={after} />;
    return <span>{node ? shown(node) : t('review.removed')}</span>;
}
function Words({ before, after }: { before: string; after: string }) {
    return <Difference title={t('review.difference')} differences={useDifferences(before, after)} />;
}

function Summary({ original, result }: { original: Json; result: Json }) {
    const found = changes(original, result);
    return (
        <div class="table"><table class="dense diff">
            <thead><tr><th>{t('review.fieldName')}</th><th>{t('review.before')}</th><th>{t('review.merged')}</th></tr></thead>
            <tbody>{found.map((one) => <tr key={one.path}><th scope="row" class="mono">{one.path}</th><td>{one.from ? <del>{shown(one.from)}</del> : '–'}</td><td>{one.to ? <ins>{one.to.kind === 'object' ? printJson(one.to) : shown(one.to)}</ins> : t('review.removed')}</td></tr>)}</tbody>
        </table></div>
    );
}
