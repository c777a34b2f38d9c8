// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The right pane: what the model gave, and what a person makes of it.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Project, Trace } from '../api.ts';
import { t } from '../i18n.ts';
import { parseJson, printJson, type Json } from '../json.ts';
import { keyLabel, keysEnabled, useShortcuts } from '../keys.ts';
import { memo, useStateOf } from '../memo.ts';
import { announce, Glyph, Key, Time } from '../ui/index.tsx';
import type { Acts } from './actions.tsx';
import { Conflict } from './conflict.tsx';
import type { Judgement } from './desk.tsx';
import { choose, draftKey, type Autosave, type Draft } from './drafts.ts';
import { Editor } from './editors.tsx';
import { find } from './find.ts';
import { Outcome } from './history.tsx';
import { objectOf } from './merge.ts';
import { isChanged, outgoing, rawFault, startEdit, type Edit } from './output.ts';
import type { Post } from './post.ts';
import { useHolder } from './queue.ts';
import { useSession } from '../session.ts';
import { useStored } from '../settings.ts';
import { traces } from './traces.ts';
import type { Entry } from './verdicts.ts';

interface CaseProps {
    /** The trace, its version, and how often it was begun anew. */
    of: string;
    trace: Trace;
    project: Project;
    post: Post;
    autosave: Autosave;
    saved: Set<(kept: boolean, error: unknown) => void>;
    /** A verdict on it that is not sent yet. */
    waiting: Entry | null;
    /** One that the server did not take. */
    trouble: Entry | null;
    allowed: boolean;
    /** Another trace is under way: this one is only looked at. */
    loading: boolean;
    onActs: (acts: Acts | null) => void;
    onSide: (side: 'input' | 'output') => void;
    decide: (of: Trace, judgement: Judgement) => void;
    /** Starts this trace anew, from its draft. */
    again: () => void;
    undo: () => void;
    kind: 'list' | 'queue';
}

function editOf(draft: Draft | null, original: Json): Edit {
    if (draft?.as === 'raw') return { as: 'raw', value: original, text: draft.text, problem: rawFault(draft.text) === null ? null : t('review.notJson') };
    const tree = draft && objectOf(draft.text);
    return startEdit(tree ?? original);
}

/**
 * From trace to trace the elements stay, since making them takes most of the time; those that somebody had
 * a hand in are made anew, so that no text to be undone, no focus and no place in a text comes along.
 */
export const Case = memo((props: CaseProps) => {
    const { of, trace, project, post, autosave, waiting, trouble, allowed, loading, decide } = props;
    const { me } = useSession();
    const [hint, setHint] = useStored('hint.keys', 'new');
    const original = trace.model_output!;
    const key = draftKey(post.who, trace.id, trace.version);
    const pending = trace.status === 'pending';
    const open = pending && !waiting;
    const [found] = useStateOf(of, () => choose([...post.allDrafts.values()], post.who, trace.id, trace.version));
    const [draft, setDraft] = useStateOf(of, () => (open ? found.draft : null));
    const [start, setStart] = useStateOf(of, () => (waiting?.corrected ? startEdit(parseJson(waiting.corrected)) : open ? editOf(found.draft, original) : startEdit(trace.corrected_output ?? original)));
    const [round, setRound] = useStateOf(of, () => 0);
    // What is edited now, of this trace alone: a draft may still be written when the next one is shown.
    const [now] = useStateOf(of, () => ({ edit: start, comment: found.draft?.comment ?? waiting?.comment ?? '' }));
    const [changed, setChanged] = useStateOf(of, () => open && isChanged(start, original));
    const [problem, setProblem] = useStateOf(of, () => start.problem);
    const [comment, setComment] = useStateOf(of, () => now.comment);
    const [saved, setSaved] = useStateOf<'no' | 'yes' | 'failed'>(of, () => 'no');
    const holder = useHolder(props.kind === 'list' && allowed && open && !loading ? trace.id : null, project.id, me.id);
    const right = useRef<HTMLDivElement>(null);
    const hand = useRef({ of, touched: false, made: 0 });
    if (hand.current.of !== of) hand.current = { of, touched: false, made: hand.current.made + (hand.current.touched ? 1 : 0) };
    const touch = () => { hand.current.touched = true; };
    const made = hand.current.made;

    const earlier = trouble ? null : found.earlier;
    const conflict = trouble?.state === 'conflict' || Boolean(earlier);
    const readOnly = !allowed || !open || loading || conflict;

    useEffect(() => {
        const tell = (kept: boolean, error: unknown) => setSaved(error ? 'failed' : kept ? 'yes' : 'no');
        props.saved.add(tell);
        return () => {
            props.saved.delete(tell);
            void autosave.now();
        };
    }, [of]);
    const keep = () => {
        setSaved('no');
        autosave.later(key, () => {
            const dirty = isChanged(now.edit, original);
            if (!dirty && now.comment === '') {
                post.allDrafts.delete(key);
                return null;
            }
            const made: Draft = {
                key, who: post.who, trace: trace.id, version: trace.version, as: now.edit.as, text: now.edit.as === 'raw' ? now.edit.text : printJson(now.edit.value), comment: now.comment, saved: Date.now(),
            };
            post.allDrafts.set(key, made);
            return made;
        });
    };
    const onEdit = (next: Edit) => {
        now.edit = next;
        setChanged(isChanged(next, original));
        setProblem(next.problem);
        keep();
    };
    const dropDrafts = () => {
        for (const one of post.allDrafts.values()) {
            if (one.trace !== trace.id) continue;
            post.allDrafts.delete(one.key);
            autosave.drop(one.key);
        }
    };
    const restart = (value: Edit) => {
        now.edit = value;
        setStart(value);
        setRound(round + 1);
        setChanged(isChanged(value, original));
        setProblem(value.problem);
    };
    const discard = () => {
        setDraft(null);
        setComment('');
        now.comment = '';
        restart(startEdit(original));
        keep();
    };

    // ---------------------------------------------------------------- verdicts
    const able = allowed && open && !loading && !conflict;
    const judge = (action: Judgement['action'], corrected?: string) => decide(trace, { action, version: trace.version, corrected, comment: now.comment.trim() || undefined });
    const submit = () => {
        if (!able) return;
        if (!isChanged(now.edit, original)) {
            announce(t('review.nothingChanged'));
            return;
        }
        const text = outgoing(now.edit);
        if (text === null) announce(now.edit.problem ?? t('review.notJson'));
        else judge('correct', text);
    };
    const why = !allowed ? t('review.viewerWhy') : waiting ? null : !pending ? t('review.reviewedWhy') : conflict ? t('review.conflictWhy') : null;
    const acts: Acts = { of: trace.id, canDecide: able, why, changed, problem, approve: () => judge('approve'), reject: () => judge('reject'), submit };

    useLayoutEffect(() => props.onActs(loading ? null : acts), [of, able, changed, problem, why, loading]);

    const focusEditor = () => {
        props.onSide('output');
        requestAnimationFrame(() => {
            const target = right.current?.querySelector<HTMLElement>('[data-first]:not([disabled]), [data-col="1"], [data-add]');
            target?.focus();
            if (target instanceof HTMLTextAreaElement && target.matches('.cell')) target.select();
            if (target) announce(t('review.editing'));
        });
    };
    const focusComment = () => {
        props.onSide('output');
        requestAnimationFrame(() => right.current?.querySelector<HTMLElement>('#review-comment')?.focus());
    };
    const inDialog = () => document.querySelector('dialog:modal') !== null;
    const decideGroup = t('review.groupDecide');
    const editGroup = t('review.groupEdit');
    useShortcuts([
        { keys: 'a', does: t('review.approve'), group: decideGroup, off: !able || changed, run: (event) => { if (!event.repeat) acts.approve(); } },
        { keys: 'a', does: t('review.approveChanged'), group: '', off: !able || !changed, run: () => announce(t('review.approveChanged')) },
        { keys: 'x', does: t('review.reject'), group: decideGroup, off: !able, run: (event) => { if (!event.repeat) acts.reject(); } },
        { keys: 'mod+Enter', does: t('review.submit'), group: decideGroup, off: !able, inFields: true, run: () => { if (!inDialog()) submit(); } },
        { keys: ['e', 'Enter'], does: t('review.edit'), group: editGroup, off: readOnly, run: focusEditor },
        { keys: 'c', does: t('review.writeComment'), group: editGroup, off: readOnly, run: focusComment },
        { keys: 'mod+s', does: t('review.saveDraft'), group: editGroup, off: readOnly, inFields: true, run: () => void autosave.now().then(() => announce(t('review.draftSaved'))) },
        { keys: 'mod+g', does: t('review.findFocused'), group: editGroup, inFields: true, run: () => {
            const field = document.activeElement as HTMLTextAreaElement | null;
            const text = field?.value ? field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0) || field.value : getSelection()?.toString() ?? '';
            if (text) {
                props.onSide('input');
                void find(text);
            }
        } },
    ]);

    // ---------------------------------------------------------------- conflict
    const mine: Json | null = trouble ? (trouble.corrected ? objectOf(trouble.corrected) : null) : earlier ? objectOf(earlier.text) : null;
    const forget = async () => {
        if (trouble) await post.outbox.undo(trouble.key);
        dropDrafts();
    };
    const merged = async (result: Json) => {
        if (pending) {
            const made: Draft = { key, who: post.who, trace: trace.id, version: trace.version, as: 'json', text: printJson(result), comment: trouble?.comment ?? earlier?.comment ?? '', saved: Date.now() };
            await post.drafts.change(key, () => made);
            await forget();
            await post.drafts.change(key, () => made);
            post.allDrafts.set(key, made);
            props.again();
            return;
        }
        const kept = trouble?.comment ?? (earlier ? earlier.comment : '');
        const base = { trace: trace.id, project: trace.project_id };
        await post.outbox.add({ ...base, version: trace.version, action: 'reset' }, 0);
        await post.outbox.add({ ...base, version: trace.version + 1, action: 'correct', corrected: printJson(result), comment: kept || undefined }, 0);
        await forget();
        announce(t('review.done.correct'));
    };
    const sameAgain = async () => {
        if (!trouble) return;
        const base = { trace: trace.id, project: trace.project_id };
        if (!pending) await post.outbox.add({ ...base, version: trace.version, action: 'reset' }, 0);
        await post.outbox.add({ ...base, version: pending ? trace.version : trace.version + 1, action: trouble.action, comment: trouble.comment }, 0);
        await forget();
    };
    // What others did meanwhile is looked at first.
    useEffect(() => { if (trouble) void traces.load(trace.id).catch(() => {}); }, [trouble?.key]);

    return (
        <div class="case stack" ref={right} onInput={touch} onFocusIn={touch} onScrollCapture={touch}>
            {hint === 'new' && able && keysEnabled() && (
                <p class="note keys-hint"><span class="grow">{t('review.hintKeys')}</span><button type="button" onClick={() => setHint('seen')}>{t('review.hintDone')}</button></p>
            )}
            {holder && <p class="note"><Glyph name="lock" /><span class="grow">{holder.own ? t('review.heldByYou') : t('review.heldBy', { name: holder.name })}</span></p>}
            {trouble?.state === 'refused' && (
                <div class="note wrong" role="alert"><Glyph name="warn" /><span class="grow">{t('review.refused', { what: t(`review.done.${trouble.action}`), why: trouble.problem ?? '' })}</span>
                    <button type="button" onClick={() => { void post.outbox.undo(trouble.key).then(props.again); }}>{t('review.openAgain')}</button></div>
            )}
            {draft && !conflict && <p class="note"><span class="grow">{t('review.draftRestored')} <Time at={new Date(draft.saved).toISOString()} /></span><button type="button" onClick={discard}>{t('review.discardDraft')}</button></p>}
            {waiting && <p class="note"><span class="grow">{t(`review.done.${waiting.action}`)} · {t(waiting.tries > 0 ? 'review.waitsForServer' : 'review.notSentYet')}</span>{waiting.state === 'waiting' && <button type="button" onClick={props.undo}>{t('review.undo')}<Key keys="z" /></button>}</p>}
            {conflict
                ? <Conflict key={of} trace={trace} type={project.output_type} mine={mine} entry={trouble} onMerged={(result) => void merged(result)} onKeepTheirs={() => void forget().then(props.again)} onAgain={() => void sameAgain()} />
                : (
                    <>
                        {!pending && <Outcome key={of} trace={trace} project={project} />}
                        <Editor key={made} of={`${of} ${round}`} type={project.output_type} original={original} edit={start} onEdit={onEdit} readOnly={readOnly} onSide={props.onSide} />
                    </>
                )}
            {project.guidelines && <details class="guidelines" key={project.id}><summary>{t('review.guidelines')}</summary><pre class="text">{project.guidelines}</pre></details>}
            {!readOnly && (
                <div class="field" key={made}>
                    <label for="review-comment">{t('review.comment')} <small>{t('common.optional')}</small> <Key keys="c" /></label>
                    <textarea id="review-comment" rows={comment.includes('\n') || comment.length > 60 ? 4 : 1} maxLength={4000} value={comment} onInput={(event) => {
                        setComment(event.currentTarget.value);
                        now.comment = event.currentTarget.value;
                        keep();
                    }} />
                </div>
            )}
            {!readOnly && <small class={`saved ${changed || saved !== 'no' ? 'busy' : ''}`} role="status">{saved === 'yes' ? t('review.draftKept') : saved === 'failed' ? t('review.draftFailed') : changed ? '…' : t('review.hint', { edit: keyLabel('e') })}</small>}
        </div>
    );
});
