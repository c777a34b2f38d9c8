// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What changed between two texts, word by word or line by line.
//
// A text is cut into tokens, each distinct token becomes one character, and the two
// strings of these characters are compared (Myers, by fast-diff): words are never
// cut in two, and a text of 20 000 characters is a string of some 6 000. The
// characters leave out the surrogates, which fast-diff would keep in pairs; that
// bounds the distinct tokens. A text with more of them is compared line by line, and
// one with more distinct lines than that as a whole.
//
// Pure, and so at home in a worker as well as in a component.

import fastDiff from 'fast-diff';

/** 'same' and 'removed' together are the text before, 'same' and 'added' the text after. */
export interface WordChange { kind: 'same' | 'added' | 'removed'; text: string }

const SURROGATES = 0xd800;
const BEHIND_SURROGATES = 0xe000;
const MOST_TOKENS = 0x10000 - (BEHIND_SURROGATES - SURROGATES);

// A character of a script that sets no spaces is a word by itself; so is every line end and every sign. The first
// alternative is only the usual case, tried before the slow ones.
const WORDS = /\w+(?!\w|[^\0-\x7f])|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]\p{M}*|[\p{L}\p{N}\p{M}_]+|\r\n|\n|[^\S\n]+|[^]/gu;
const LINES = /[^\n]*\n|[^\n]+/g;

/** Word by word; changes with only a space between them are one change. */
export function wordDiff(before: string, after: string): WordChange[] {
    const changes = compare(before, after, WORDS);
    return changes ? joined(changes) : lineDiff(before, after);
}

/** Line by line; a line's end belongs to it. */
export function lineDiff(before: string, after: string): WordChange[] {
    return compare(before, after, LINES) ?? ordered([{ kind: 'removed', text: before }, { kind: 'added', text: after }]);
}

/** null: more distinct tokens than there are characters for them. */
function compare(before: string, after: string, pattern: RegExp): WordChange[] | null {
    if (before === after) return before ? [{ kind: 'same', text: before }] : [];
    const codes = new Map<string, number>();
    const tokens: string[] = [];
    const encode = (text: string): string => {
        let out = '';
        for (const token of text.match(pattern) ?? []) {
            let code = codes.get(token);
            if (code === undefined) {
                code = tokens.push(token) - 1;
                codes.set(token, code);
            }
            out += String.fromCharCode(code < SURROGATES ? code : code - SURROGATES + BEHIND_SURROGATES);
        }
        return out;
    };
    const from = encode(before);
    const to = encode(after);
    if (tokens.length > MOST_TOKENS) return null;
    const decode = (text: string): string => {
        const words: string[] = [];
        for (let at = 0; at < text.length; at++) {
            const code = text.charCodeAt(at);
            words.push(tokens[code < SURROGATES ? code : code - BEHIND_SURROGATES + SURROGATES]);
        }
        return words.join('');
    };
    return ordered(fastDiff(from, to).map(([kind, text]) => ({ kind: kind === 0 ? 'same' : kind > 0 ? 'added' : 'removed', text: decode(text) })));
}

/** Between two unchanged pieces at most one removal, then at most one addition; none of them empty. */
function ordered(changes: WordChange[]): WordChange[] {
    const out: WordChange[] = [];
    let removed = '';
    let added = '';
    const flush = () => {
        if (removed) out.push({ kind: 'removed', text: removed });
        if (added) out.push({ kind: 'added', text: added });
        removed = added = '';
    };
    for (const { kind, text } of changes) {
        if (kind === 'removed') removed += text;
        else if (kind === 'added') added += text;
        else if (text) {
            flush();
            const last = out[out.length - 1];
            if (last?.kind === 'same') last.text += text;
            else out.push({ kind, text });
        }
    }
    flush();
    return out;
}

/** 'old new', 'words here' instead of four changes around one space: people read phrases. */
function joined(changes: WordChange[]): WordChange[] {
    return ordered(changes.flatMap((change, at) => {
        const between = at > 0 && at < changes.length - 1 && change.kind === 'same' && /^[^\S\n]+$/.test(change.text);
        const twoSided = (one: number, step: number) => changes[one].kind !== 'same' && changes[one + step]?.kind !== 'same' && changes[one + step] !== undefined;
        return between && twoSided(at - 1, -1) && twoSided(at + 1, 1)
            ? [{ kind: 'removed', text: change.text }, { kind: 'added', text: change.text }] as WordChange[]
            : [change];
    }));
}
