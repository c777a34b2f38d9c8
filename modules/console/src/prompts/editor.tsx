// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A new version: written from the active one, its draft kept in this browser.

import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { formatNumber, t } from '../i18n.ts';
import { useShortcuts } from '../keys.ts';
import { useAction } from '../load.ts';
import { store, stored } from '../settings.ts';
import { announce, ErrorNote, Field, Key, Time } from '../ui/index.tsx';
import { bytesOf, listPrompts, MOST_BYTES, savePrompt, type Prompt } from './api.ts';
import { Changes, ViewSwitch, type View } from './comparison.tsx';

interface Draft { content: string; base: string | null; at: string }

const draftName = (project: string) => `prompt-draft.${project}`;
export const hasDraft = (project: string): boolean => stored(draftName(project)) !== null;

function draftOf(project: string): Draft | null {
    try {
        return JSON.parse(stored(draftName(project)) ?? 'null') as Draft | null;
    } catch {
        return null;
    }
}

export function Editor({ project, active, versions, onSaved, onCancel, reload }: {
    project: string; active: Prompt | null; versions: Prompt[]; onSaved: (saved: Prompt) => void; onCancel: () => void; reload: () => void;
}) {
    const [draft] = useState(() => draftOf(project));
    // What the text was written from: it stays while others save newer versions.
    const [base, setBase] = useState(draft ? draft.base : active?.id ?? null);
    const [text, setText] = useState(draft?.content ?? active?.content ?? '');
    const [overtaken, setOvertaken] = useState(false);
    const from = versions.find((one) => one.id === base)?.content ?? '';
    const change = (content: string) => {
        setText(content);
        store(draftName(project), content === from ? null : JSON.stringify({ content, base, at: new Date().toISOString() }));
    };
    const { run: save, busy, error } = useAction(async () => {
        const now = (await listPrompts(project)).active;
        if ((now?.id ?? null) !== base && !overtaken) {
            setOvertaken(true);
            reload();
            return;
        }
        const saved = await savePrompt(project, text);
        store(draftName(project), null);
        announce(t('prompts.savedAs', { version: t('prompts.version', { number: String(saved.version) }) }));
        onSaved(saved);
    });
    const discard = () => {
        store(draftName(project), null);
        onCancel();
    };
    const bytes = bytesOf(text);
    const ready = !busy && bytes > 0 && bytes <= MOST_BYTES && text !== from;
    useShortcuts([{ keys: ['mod+s', 'mod+Enter'], does: t('prompts.save'), inFields: true, off: !ready, run: () => void save(), group: t('shell.prompts') }]);
    return (
        <form class="stack editor" onSubmit={(event) => { event.preventDefault(); if (ready) void save(); }}>
            {draft && <p class="note"><span class="grow">{t('prompts.draftKept')} <Time at={draft.at} /></span></p>}
            <ContentField text={text} onText={change} error={error} label={t(active ? 'prompts.newVersion' : 'prompts.firstVersion')} />
            {overtaken && active && active.id !== base && (
                <div class="note warn" role="alert">
                    <span class="grow">{t('prompts.overtaken', { version: t('prompts.version', { number: String(active.version) }) })}</span>
                    <button type="button" onClick={() => { setBase(active.id); setOvertaken(false); }}>{t('prompts.compareWithIt')}</button>
                </div>
            )}
            <ErrorNote error={error && error.fields.length === 0 ? error : null} />
            <div class="row wrap actions">
                <button type="submit" class="primary" disabled={!ready}>{t(overtaken ? 'prompts.saveAnyway' : 'prompts.save')} <Key keys="mod+Enter" /></button>
                <button type="button" onClick={onCancel}>{t('common.close')}</button>
                {text !== from && <button type="button" class="plain" onClick={discard}>{t('prompts.discard')}</button>}
                <small class="grow">{t('prompts.activeAtOnce')}</small>
            </div>
            {from && <LiveChanges before={from} after={text} names={[t('prompts.version', { number: String(versions.find((one) => one.id === base)?.version ?? '') }), t('prompts.yours')]} />}
        </form>
    );
}

/** The text of a prompt with its counter of bytes. */
export function ContentField({ text, onText, error, label }: { text: string; onText: (text: string) => void; error: ApiError | null; label: string }) {
    const bytes = bytesOf(text);
    const over = bytes > MOST_BYTES;
    return (
        <Field label={label} name="content" error={over ? t('prompts.tooLong', { over: formatNumber(bytes - MOST_BYTES) }) : error}
            hint={<span class="row"><meter min={0} max={MOST_BYTES} high={MOST_BYTES * 0.9} value={Math.min(bytes, MOST_BYTES)} aria-label={t('prompts.size')} />{t('prompts.bytes', { bytes, most: MOST_BYTES })}</span>}>
            {(props) => <textarea {...props} class="mono" rows={18} spellcheck={false} value={text} onInput={(event) => onText(event.currentTarget.value)} />}
        </Field>
    );
}

/** The changes so far, a moment after the last keystroke. */
export function LiveChanges({ before, after, names }: { before: string; after: string; names: [string, string] }) {
    const [shown, setShown] = useState(after);
    const [view, setView] = useState<View>(() => (matchMedia('(max-width: 760px)').matches ? 'joined' : 'sides'));
    useEffect(() => {
        const timer = setTimeout(() => setShown(after), 300);
        return () => clearTimeout(timer);
    }, [after]);
    return (
        <section class="stack tight">
            <div class="row wrap"><h2 id="changes" class="grow">{t('prompts.changes')}</h2><ViewSwitch view={view} onView={setView} /></div>
            {shown === before ? <p class="quiet">{t('prompts.sameText')}</p> : <Changes before={before} after={shown} view={view} names={names} />}
        </section>
    );
}
