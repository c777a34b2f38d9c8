// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Whether a text was laid out with spaces: then it is read in a face whose letters
// are all as wide.

/** Enough to judge by, of a text of megabytes. */
const LOOKED_AT = 100_000;
const GAP = /\S(?: {3,}|[ \t]*\t[ \t]*)\S/;
/** Lines and corners of tables: U+2500 to U+259F. */
const BOX = /[\u2500-\u259f]/;
/** |----|, +----+ and the like: rules that ASCII tables have. */
const RULE = /^\s*[|+][-=+|: ]{3,}[|+]\s*$/;

/** Two lines with gaps within them, or one with a table's characters. */
export function hasColumns(text: string): boolean {
    let gaps = 0;
    for (const line of text.slice(0, LOOKED_AT).split('\n')) {
        if (BOX.test(line) || RULE.test(line)) return true;
        if (GAP.test(line) && ++gaps === 2) return true;
    }
    return false;
}
