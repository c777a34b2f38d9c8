// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// How a value of the output may stand in the document that it was read from:
// 1250.45 is printed as 1,250.45 or 1.250,45, 2026-05-15 as May 15, 2026.

const MONTHS = ['January|Januar', 'February|Februar', 'March|März', 'April', 'May|Mai', 'June|Juni', 'July|Juli', 'August', 'September', 'October|Oktober', 'November', 'December|Dezember'];
const MOST = 1000;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** Any white space for white space: a line may end there. */
const spaced = (text: string) => text.trim().split(/\s+/).map(escaped).join('\\s+');
/** Not within a longer number or word. */
const alone = (pattern: string) => `(?<![\\p{L}\\p{N}]|\\d[.,])(?:${pattern})(?![\\p{L}\\p{N}]|[.,]\\d)`;

/** What somebody types into a search box: these letters, in any case. '' if there is nothing to look for. */
export function typed(text: string): string { return spaced(text); }

/** Patterns for a value, the strictest first; the first that is found counts. */
export function valuePatterns(value: string): string[] {
    const text = value.trim().slice(0, 2000);
    if (!text) return [];
    const all = [alone(spaced(text))];
    const number = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
    if (number) all.push(alone(numberPattern(number[1], number[2], number[3] ?? '')));
    const date = /^(\d{4})-(\d\d)-(\d\d)(?:T.*)?$/.exec(text);
    if (date) all.push(alone(datePattern(date[1], date[2], date[3])));
    if (text.length > 2 && !number) all.push(spaced(text));
    return all;
}

// Groups of three with any separator, a point or a comma before the decimals, zeros at the end or none.
function numberPattern(sign: string, whole: string, decimals: string): string {
    const groups = whole.replace(/\B(?=(\d{3})+$)/g, '§').split('§').join("[.,'’\\s\\u00a0\\u202f]?");
    const kept = decimals.replace(/0+$/, '');
    const tail = kept ? `[.,]${kept}0*` : '(?:[.,]0{1,2}|[.,]-)?';
    return `${sign ? '[-−–(]\\s?' : ''}${groups}${tail}`;
}

function datePattern(year: string, month: string, day: string): string {
    const d = `0?${Number(day)}`, m = `0?${Number(month)}`, y = `(?:${year}|${year.slice(2)})`;
    const names = (MONTHS[Number(month) - 1] ?? '').split('|').flatMap((name) => [name, `${name.slice(0, 3)}\\.?`]).join('|') || '(?!)';
    return [`${year}[-./]${m}[-./]${d}`, `${d}[-./]\\s?${m}[-./]\\s?${y}`, `${m}[-./]${d}[-./]${y}`,
        `${d}(?:\\.|st|nd|rd|th)?\\s+(?:${names})\\s*,?\\s+${year}`, `(?:${names})\\s+${d}(?:st|nd|rd|th)?\\s*,?\\s+${year}`].join('|');
}

/** As it stands in the search box of the PDF's frame. */
export const findableText = (value: string) => value.trim().replace(/\s+/g, ' ').slice(0, 200);

export interface Match { start: number; end: number }

/** Where a pattern is found, at most a thousand places. */
export function matches(text: string, pattern: string, most = MOST): Match[] {
    const found: Match[] = [];
    if (!pattern) return found;
    for (const one of text.matchAll(new RegExp(pattern, 'giu'))) {
        if (one[0]) found.push({ start: one.index, end: one.index + one[0].length });
        if (found.length >= most) break;
    }
    return found;
}
