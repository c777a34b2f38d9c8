// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two texts as the rows of a table with a side for each: lines that stayed stand
// beside each other, a changed line beside what became of it, word by word.

import { lineDiff, wordDiff, type WordChange } from '../diff.ts';

/** A line of each side, numbered from 1; null where the side has none. */
export interface Row { before: Line | null; after: Line | null; same: boolean }
export interface Line { number: number; changes: WordChange[] }

export function sideBySide(before: string, after: string): Row[] {
    const rows: Row[] = [];
    let left = 0;
    let right = 0;
    const one = (text: string | undefined, kind: WordChange['kind']): WordChange[] | null => (text === undefined ? null : text ? [{ kind, text }] : []);
    const push = (from: WordChange[] | null, to: WordChange[] | null, same: boolean) =>
        rows.push({ before: from && { number: ++left, changes: from }, after: to && { number: ++right, changes: to }, same });
    const replaced = (from: string[], to: string[]) => {
        for (let at = 0; at < Math.max(from.length, to.length); at++) {
            if (from[at] !== undefined && to[at] !== undefined) {
                const changes = words(from[at], to[at]);
                push(changes, changes, false);
            } else push(one(from[at], 'removed'), one(to[at], 'added'), false);
        }
    };
    let removed: string[] = [];
    for (const { kind, text } of lineDiff(ended(before), ended(after))) {
        const lines = text.replace(/\n$/, '').split('\n');
        if (kind === 'removed') {
            removed = lines;
            continue;
        }
        replaced(removed, kind === 'added' ? lines : []);
        removed = [];
        if (kind === 'same') for (const line of lines) push(one(line, 'same'), one(line, 'same'), true);
    }
    replaced(removed, []);
    return rows;
}

/** Both in one text: word by word within what changed of its lines. */
export function together(before: string, after: string): WordChange[] {
    const out: WordChange[] = [];
    for (const change of lineDiff(before, after)) {
        const last = out[out.length - 1];
        if (change.kind === 'added' && last?.kind === 'removed') out.push(...words(out.pop()!.text, change.text));
        else out.push(change);
    }
    return out;
}

/** Comparing two long texts that have little in common takes seconds: they are shown as a whole. */
const MOST_WORK = 4000 * 4000;

function words(before: string, after: string): WordChange[] {
    return before.length * after.length <= MOST_WORK ? wordDiff(before, after) : [{ kind: 'removed', text: before }, { kind: 'added', text: after }];
}

/** A missing last line end is no change that a reader of prompts looks for. */
function ended(text: string): string { return text === '' || text.endsWith('\n') ? text : `${text}\n`; }

/** Rows to show, and runs of unchanged ones to hide: all but context rows around each change. */
export interface Stretch { hidden: boolean; rows: Row[] }

export function folded(rows: Row[], context = 3): Stretch[] {
    const near = new Uint8Array(rows.length);
    rows.forEach((row, at) => { if (!row.same) near.fill(1, Math.max(0, at - context), at + context + 1); });
    const out: Stretch[] = [];
    rows.forEach((row, at) => {
        const last = out[out.length - 1];
        if (last && last.hidden === !near[at]) last.rows.push(row);
        else out.push({ hidden: !near[at], rows: [row] });
    });
    // A fold that saves two lines costs more than it saves; where nothing changed all is shown.
    const changed = rows.some((row) => !row.same);
    return out.map((stretch) => ({ ...stretch, hidden: changed && stretch.hidden && stretch.rows.length > 2 }));
}
