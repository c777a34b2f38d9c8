// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Asking the refiner, and what it answered. The server hands a suggestion out once,
// so it is kept in this browser until it is accepted or discarded.

import { useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { formatNumber, t } from '../i18n.ts';
import { useShortcuts } from '../keys.ts';
import { useAction } from '../load.ts';
import { go } from '../router.ts';
import { store, stored } from '../settings.ts';
import { announce, Dialog, Empty, ErrorNote, Key, Time } from '../ui/index.tsx';
import { acceptSuggestion, bytesOf, MOST_BYTES, refine, type Prompt, type Suggestion } from './api.ts';
import { ContentField, LiveChanges } from './editor.tsx';
import { Evidence } from './evidence.tsx';

interface Kept { suggestion: Suggestion; content: string }

const keptName = (project: string) => `suggestion.${project}`;

function keptOf(project: string): Kept | null {
    try {
        return JSON.parse(stored(keptName(project)) ?? 'null') as Kept | null;
    } catch {
        return null;
    }
}

const suggestionHref = (project: string) => `prompts/suggestion?project=${project}`;

/** Asks for a suggestion, or opens the one that waits; says why there is none. */
export function RefineButton({ project, active }: { project: string; active: Prompt }) {
    const { run, busy, error, clear } = useAction(async () => {
        const suggestion = await refine(project);
        store(keptName(project), JSON.stringify({ suggestion, content: suggestion.content } satisfies Kept));
        go(suggestionHref(project));
    });
    const waiting = keptOf(project)?.suggestion.parent_id === active.id;
    return (
        <>
            {waiting
                ? <button type="button" onClick={() => go(suggestionHref(project))}>{t('prompts.openSuggestion')}</button>
                : <button type="button" disabled={busy} aria-busy={busy} onClick={() => void run()}>{t(busy ? 'prompts.refining' : 'prompts.refine')}</button>}
            {error && <Dialog title={t('prompts.noSuggestion')} onClose={clear}><WhyNot error={error} active={active} again={() => void run()} /></Dialog>}
        </>
    );
}

/** What to do about a refusal: review more, ask the administrator, or try again. */
function WhyNot({ error, active, again }: { error: ApiError; active: Prompt; again: () => void }) {
    const { reviewed_count: count, required } = error.body as { reviewed_count?: number; required?: number };
    if (error.status === 409 && typeof count === 'number' && typeof required === 'number') {
        const left = Math.max(required - count, 0);
        return (
            <>
                <p>{t('prompts.tooFew', { count: left, version: t('prompts.version', { number: String(active.version) }) })}</p>
                <div class="stack tight">
                    <progress max={required} value={count} aria-label={t('prompts.reviewed')} />
                    <span>{t('prompts.progress', { count, required })}</span>
                </div>
                <a class="button primary start" href={`/console/review?project=${active.project_id}`}>{t('prompts.startReviewing')}</a>
            </>
        );
    }
    if (error.status === 503 && /TuorRefiner/.test(error.message)) {
        return <><p>{t('prompts.noRefiner')}</p><pre class="card">TuorRefiner builtin</pre><p class="quiet">{t('prompts.noRefinerHow')}</p></>;
    }
    if (error.status === 502) {
        return (
            <>
                <p>{t('prompts.refinerFailed')}</p>
                <ErrorNote error={new ApiError(400, error.message)} />
                <button type="button" class="start" onClick={again}>{t('common.tryAgain')}</button>
            </>
        );
    }
    return <ErrorNote error={error} retry={error.passing ? again : undefined} />;
}

export function SuggestionView({ project, versions, onAccepted, onGone }: {
    project: string; versions: Prompt[]; onAccepted: (saved: Prompt) => void; onGone: () => void;
}) {
    const [kept, setKept] = useState(() => keptOf(project));
    const [editing, setEditing] = useState(false);
    const { run: accept, busy, error } = useAction(async () => {
        if (!kept) return;
        const saved = await acceptSuggestion(kept.suggestion, kept.content);
        store(keptName(project), null);
        announce(t('prompts.savedAs', { version: t('prompts.version', { number: String(saved.version) }) }));
        onAccepted(saved);
    });
    const bytes = bytesOf(kept?.content ?? '');
    const ready = kept !== null && !busy && bytes > 0 && bytes <= MOST_BYTES;
    useShortcuts([{ keys: 'mod+Enter', does: t('prompts.accept'), inFields: true, off: !ready, run: () => void accept(), group: t('shell.prompts') }]);
    if (!kept) return <Empty title={t('prompts.suggestionGone')} action={<button type="button" class="primary" onClick={onGone}>{t('prompts.toVersions')}</button>}>{t('prompts.suggestionGoneText')}</Empty>;

    const { suggestion, content } = kept;
    const parent = versions.find((one) => one.id === suggestion.parent_id);
    const stale = parent !== undefined && !parent.is_active;
    const change = (text: string) => {
        const next = { suggestion, content: text };
        setKept(next);
        store(keptName(project), JSON.stringify(next));
    };
    const discard = () => {
        store(keptName(project), null);
        onGone();
    };
    const version = t('prompts.version', { number: String(parent?.version ?? '') });
    return (
        <div class="stack">
            <div class="stack tight">
                <h2>{t('prompts.suggestion')}</h2>
                <p class="quiet">{t('prompts.suggestionFrom', { count: suggestion.reviewed_count, version })} · <Time at={suggestion.created_at} /></p>
            </div>
            {suggestion.rationale && <div class="card stack tight"><h3>{t('prompts.why')}</h3><p class="prose">{suggestion.rationale}</p><Evidence project={project} ids={suggestion.lineage_event_ids} since={parent?.created_at} until={suggestion.created_at} /></div>}
            {stale && <div class="note warn" role="alert"><span class="grow">{t('prompts.stale', { version })}</span></div>}
            {error?.status === 409 && !stale && <div class="note warn" role="alert"><span class="grow">{t('prompts.staleNow')}</span><button type="button" onClick={onGone}>{t('prompts.toVersions')}</button></div>}
            {editing && <ContentField text={content} onText={change} error={error} label={t('prompts.suggestion')} />}
            <ErrorNote error={error && error.status !== 409 && error.fields.length === 0 ? error : null} />
            <div class="row wrap actions">
                <button type="button" class="primary" disabled={!ready || stale} onClick={() => void accept()}>{t(content === suggestion.content ? 'prompts.accept' : 'prompts.acceptEdited')} <Key keys="mod+Enter" /></button>
                <button type="button" aria-pressed={editing} onClick={() => setEditing(!editing)}>{t('prompts.editSuggestion')}</button>
                {content !== suggestion.content && <button type="button" onClick={() => change(suggestion.content)}>{t('prompts.undoEdits')}</button>}
                <button type="button" class="plain" onClick={discard}>{t('prompts.discardSuggestion')}</button>
                <small class="grow">{t('prompts.activeAtOnce')} {editing ? '' : t('prompts.bytes', { bytes: formatNumber(bytes), most: formatNumber(MOST_BYTES) })}</small>
            </div>
            <LiveChanges before={parent?.content ?? ''} after={content} names={[version, t('prompts.suggestion')]} />
        </div>
    );
}
