// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A text of any length: in pieces, of which only those in sight are laid out. The
// browser's own search finds what is out of sight, too.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import { chunkAt, chunks, type Chunk } from './chunks.ts';
import { matches, type Match } from './search.ts';

export function TextView({ text, class: name = '' }: { text: string; class?: string }) {
    const pieces = useMemo(() => chunks(text), [text]);
    const box = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const view: View = { box: box.current!, text, pieces };
        views.add(view);
        return () => {
            views.delete(view);
        };
    }, [text, pieces]);
    // What is copied are the text's own characters, whatever the pieces put between them.
    const onCopy = (event: ClipboardEvent) => {
        const range = getSelection()?.rangeCount ? getSelection()!.getRangeAt(0) : null;
        const start = range && placeOf(box.current!, pieces, range.startContainer, range.startOffset);
        const end = range && placeOf(box.current!, pieces, range.endContainer, range.endOffset);
        if (start == null || end == null || pieces.length === 1) return;
        event.clipboardData?.setData('text/plain', text.slice(start, end));
        event.preventDefault();
    };
    if (pieces.length < 2) return <div class={`text ${name}`} ref={box} onCopy={onCopy}><div>{text}</div></div>;
    return (
        <div class={`text long ${name}`} ref={box} onCopy={onCopy}>
            {pieces.map((piece) => <div key={piece.start} style={{ containIntrinsicBlockSize: `auto ${piece.lines * 1.6}em` }}>{piece.text}</div>)}
        </div>
    );
}

function placeOf(box: HTMLElement, pieces: Chunk[], node: Node, offset: number): number | null {
    if (!box.contains(node) || node === box) return null;
    let piece: Node = node;
    while (piece.parentNode !== box) piece = piece.parentNode!;
    const at = Array.prototype.indexOf.call(box.children, piece);
    return pieces[at].start + (node.nodeType === Node.TEXT_NODE ? offset : offset ? pieces[at].text.length : 0);
}

// --------------------------------------------------------------------- search

interface View { box: HTMLElement; text: string; pieces: Chunk[] }
const views = new Set<View>();
let last: { pattern: string; at: number } = { pattern: '', at: -1 };

export function clearFound(): void {
    CSS.highlights?.delete('found');
    CSS.highlights?.delete('found-current');
    last = { pattern: '', at: -1 };
}

/** Marks every place of the first pattern that is found, and scrolls to the next one. */
export function findInTexts(patterns: string[]): { count: number; at: number } {
    const shown = [...views].sort((a, b) => a.box.compareDocumentPosition(b.box) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
    for (const pattern of patterns) {
        const found = shown.flatMap((view) => matches(view.text, pattern).map((match) => ({ view, match })));
        if (!found.length) continue;
        last = { pattern, at: last.pattern === pattern ? (last.at + 1) % found.length : 0 };
        const ranges = found.map(({ view, match }) => rangeOf(view, match));
        const current = ranges[last.at];
        if (CSS.highlights) {
            CSS.highlights.set('found', new Highlight(...ranges));
            const one = new Highlight(current);
            one.priority = 1;
            CSS.highlights.set('found-current', one);
        } else getSelection()?.setBaseAndExtent(current.startContainer, current.startOffset, current.endContainer, current.endOffset);
        reveal(current);
        return { count: found.length, at: last.at };
    }
    clearFound();
    return { count: 0, at: -1 };
}

function rangeOf(view: View, match: Match): Range {
    const range = new Range();
    for (const [set, place] of [['setStart', match.start], ['setEnd', match.end]] as const) {
        const at = chunkAt(view.pieces, set === 'setEnd' ? place - 1 : place);
        range[set](view.box.children[at].firstChild!, place - view.pieces[at].start);
    }
    return range;
}

// Twice: a piece that was out of sight gets its real height only as it comes into sight.
function reveal(range: Range): void {
    const piece = range.startContainer.parentElement!;
    const details = piece.closest('details');
    if (details) details.open = true;
    piece.scrollIntoView({ block: 'nearest' });
    const centre = () => {
        let scroller = piece.parentElement;
        while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
        if (!scroller) return;
        const place = range.getBoundingClientRect(), frame = scroller.getBoundingClientRect();
        if (place.top < frame.top + 24 || place.bottom > frame.bottom - 24) scroller.scrollTop += place.top - frame.top - frame.height / 3;
    };
    centre();
    requestAnimationFrame(() => requestAnimationFrame(centre));
}
