// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Text outputs: a plain textarea, its counts, and what differs from the model's text.

import { useMemo, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { JsonTree } from '../inputs/tree.tsx';
import { member, stringNode, textOf } from '../json.ts';
import { useDifferences, type Differences } from './differ.ts';
import type { EditorProps } from './editors.tsx';
import { rest, startEdit, withMember } from './output.ts';
import { contexts, counts } from './words.ts';

export function TextEditor({ original, edit, onEdit, readOnly }: EditorProps) {
    const node = member(original, 'content')!;
    const before = textOf(node)!;
    const [text, setText] = useState(() => textOf(member(edit.value, 'content')) ?? '');
    const [value] = useState(edit.value);
    const differences = useDifferences(before, text);
    const others = rest(value, ['content']);
    const counted = useMemo(() => counts(text), [text]);
    const then = useMemo(() => counts(before), [before]);
    const change = (next: string) => {
        setText(next);
        onEdit(startEdit(withMember(value, 'content', next === before ? node : stringNode(next))));
    };
    const much = (now: number, old: number) => (now === old ? '' : ` (${now > old ? '+' : '−'}${Math.abs(now - old)})`);
    return (
        <div class="text-editor">
            {readOnly ? <pre class="text">{text}</pre> : (
                <textarea class="text" data-first aria-label={t('review.text')} aria-describedby="text-counts" spellcheck value={text} onInput={(event) => change(event.currentTarget.value)} />
            )}
            <div class="row wrap">
                <small id="text-counts" class="grow">{t('review.words', { count: counted.words })}{much(counted.words, then.words)} · {t('review.characters', { count: counted.characters })}{much(counted.characters, then.characters)}</small>
                {!readOnly && text !== before && <button type="button" class="link" onClick={() => change(before)}>{t('review.resetText')}</button>}
            </div>
            {text !== before && <Difference title={t(readOnly ? 'review.whatChanged' : 'review.difference')} differences={differences} />}
            {others && <details><summary>{t('review.otherMembers')}</summary><JsonTree value={others} label={t('review.otherMembers')} /></details>}
        </div>
    );
}

export function Difference({ title, differences: { pieces, by } }: { title: string; differences: Differences }) {
    const [whole, setWhole] = useState(false);
    const shown = useMemo(() => (pieces ? (whole ? pieces : contexts(pieces)) : []), [pieces, whole]);
    const cut = pieces !== null && contexts(pieces).includes(null);
    return (
        <section class="difference" aria-label={title}>
            <div class="row"><h2 class="grow minor">{title}{by === 'lines' && <> · {t('review.byLines')}</>}</h2>
                {(cut || whole) && <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>{whole ? t('review.changedPartsOnly') : t('review.wholeText')}</button>}</div>
            {pieces === null ? <p class="quiet">{t('review.tooDifferent')}</p> : (
                <pre class="text">{shown.map((piece, at) => {
                    if (piece === null) return <span class="gap" key={at}>{' … '}</span>;
                    const [side, text] = piece;
                    return side === 0 ? <span key={at}>{text}</span> : side < 0 ? <del key={at}>{text}</del> : <ins key={at}>{text}</ins>;
                })}</pre>
            )}
        </section>
    );
}
