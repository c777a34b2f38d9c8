// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Text outputs: a plain textarea, its counts, and what differs from the model's text.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { JsonTree } from '../inputs/tree.tsx';
import { member, stringNode, textOf } from '../json.ts';
import { memo } from '../memo.ts';
import { useDifferences, type Differences } from './differ.ts';
import type { EditorProps } from './editors.tsx';
import { rest, startEdit, withMember } from './output.ts';
import { contexts, counts } from './words.ts';

const PAUSE = 60;
const LONGEST = 600;

export function TextEditor({ original, edit, onEdit, readOnly }: EditorProps) {
    const node = member(original, 'content')!;
    const before = textOf(node)!;
    const [start] = useState(() => textOf(member(edit.value, 'content')) ?? '');
    const [text, setText] = useState(start);
    const [value] = useState(edit.value);
    const differences = useDifferences(before, text);
    const others = rest(value, ['content']);
    const counted = useMemo(() => counts(text), [text]);
    const then = useMemo(() => counts(before), [before]);
    const area = useRef<HTMLTextAreaElement>(null);
    const pause = useRef<{ timer: ReturnType<typeof setTimeout> | undefined; first: number }>({ timer: undefined, first: 0 });
    useEffect(() => () => clearTimeout(pause.current.timer), []);
    // The field itself holds what is typed; what is said about it follows when the hand rests, or now and then.
    const typed = (next: string) => {
        const now = Date.now();
        if (pause.current.timer === undefined) pause.current.first = now;
        clearTimeout(pause.current.timer);
        pause.current.timer = setTimeout(() => {
            pause.current.timer = undefined;
            setText(area.current!.value);
        }, Math.max(0, Math.min(PAUSE, pause.current.first + LONGEST - now)));
        keep(next);
    };
    const reset = () => {
        area.current!.value = before;
        typed(before);
    };
    const keep = (next: string) => {
        onEdit(startEdit(withMember(value, 'content', next === before ? node : stringNode(next))));
    };
    const much = (now: number, old: number) => (now === old ? '' : ` (${now > old ? '+' : '−'}${Math.abs(now - old)})`);
    return (
        <div class="text-editor">
            {readOnly ? <pre class="text">{text}</pre> : (
                <textarea class="text" data-first aria-label={t('review.text')} aria-describedby="text-counts" spellcheck ref={area} defaultValue={start} onInput={(event) => typed(event.currentTarget.value)} />
            )}
            <div class="row wrap">
                <small id="text-counts" class="grow">{t('review.words', { count: counted.words })}{much(counted.words, then.words)} · {t('review.characters', { count: counted.characters })}{much(counted.characters, then.characters)}</small>
                {!readOnly && text !== before && <button type="button" class="link" onClick={reset}>{t('review.resetText')}</button>}
            </div>
            {text !== before && <Difference title={t(readOnly ? 'review.whatChanged' : 'review.difference')} differences={differences} />}
            {others && <details><summary>{t('review.otherMembers')}</summary><JsonTree value={others} label={t('review.otherMembers')} /></details>}
        </div>
    );
}

export const Difference = memo(({ title, differences: { pieces, by } }: { title: string; differences: Differences }) => {
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
});
