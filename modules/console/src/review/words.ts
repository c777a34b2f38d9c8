// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What differs between two texts, by words: each distinct word becomes one character,
// and the strings of these are compared, which is ten times faster than comparing the
// letters and reads better.

import diff from 'fast-diff';

/** [-1 only before, 0 both, 1 only after; the text] */
export type Piece = [-1 | 0 | 1, string];

const WORDS = /\s+|[\p{L}\p{N}_'’]+|[^\s\p{L}\p{N}_]/gu;
const LINES = /[^\n]*\n|[^\n]+$/g;
/** As many as there are characters to stand for them, but for the surrogates. */
const MOST = 0xd800 - 1 + (0x10000 - 0xe000);

/** null: more distinct tokens than characters. */
export function compare(before: string, after: string, by: 'words' | 'lines'): Piece[] | null {
    const tokens: string[] = [];
    const known = new Map<string, string>();
    const encode = (text: string): string | null => {
        let out = '';
        for (const token of text.match(by === 'words' ? WORDS : LINES) ?? []) {
            let character = known.get(token);
            if (character === undefined) {
                if (tokens.length >= MOST) return null;
                const code = tokens.length + 1;
                character = String.fromCharCode(code < 0xd800 ? code : code + 0x800);
                known.set(token, character);
                tokens.push(token);
            }
            out += character;
        }
        return out;
    };
    const a = encode(before);
    const b = a === null ? null : encode(after);
    if (a === null || b === null) return null;
    const decode = (text: string) => {
        let out = '';
        for (let at = 0; at < text.length; at++) {
            const code = text.charCodeAt(at);
            out += tokens[(code < 0xd800 ? code : code - 0x800) - 1];
        }
        return out;
    };
    return diff(a, b).map(([side, text]) => [side, decode(text)]);
}

export interface Counts { words: number; characters: number }
/** Characters as people count them need a segmenter; code points come close and are quick. */
export function counts(text: string): Counts {
    let words = 0;
    let characters = 0;
    let inside = false;
    for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        if (code < 0xdc00 || code > 0xdfff) characters++;
        const space = code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0x3000 || code === 0x2028 || code === 0x2029;
        if (!space && !inside) words++;
        inside = !space;
    }
    return { words, characters };
}

/** Long runs of what is the same, cut to some context; '' marks what was left out. */
export function contexts(pieces: Piece[], keep = 120): (Piece | null)[] {
    return pieces.flatMap((piece, at): (Piece | null)[] => {
        const [side, text] = piece;
        if (side !== 0 || text.length <= keep * 2 + 40) return [piece];
        const head: (Piece | null)[] = at > 0 ? [[0, text.slice(0, keep)]] : [];
        const tail: (Piece | null)[] = at < pieces.length - 1 ? [[0, text.slice(-keep)]] : [];
        return [...head, null, ...tail];
    });
}
