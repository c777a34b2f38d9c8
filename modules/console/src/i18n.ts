// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Every text of the console stands in texts/en.ts; other languages have a file of
// the same shape, which the type checker compares. A text with {name} in it takes
// values; one that is {one, other} chooses by count.

import { en } from './texts/en.ts';
import { stored, store } from './settings.ts';

export type Texts = typeof en;
type Leaf = string | { one: string; other: string };
type Paths<T> = { [K in keyof T & string]: T[K] extends Leaf ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
export type TextKey = Paths<Texts>;

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

let texts: Texts = en;
export let language: Language = 'en';

export async function loadLanguage(): Promise<void> {
    const wanted = stored('language') ?? navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in LANGUAGES);
    language = wanted === 'de' ? 'de' : 'en';
    if (language === 'de') texts = (await import('./texts/de.ts')).de;
    leaves.clear();
    document.documentElement.lang = language;
}
export function chooseLanguage(to: Language): void {
    store('language', to);
    location.reload();
}

export type Values = Record<string, string | number>;

// Looking a text up and making a format cost more than using them, and a screen does both hundreds of times.
const leaves = new Map<string, Leaf>();
function leaf(key: string): Leaf {
    let found: unknown = texts;
    for (const part of key.split('.')) found = (found as Record<string, unknown> | undefined)?.[part];
    const known = (found as Leaf | undefined) ?? key;
    leaves.set(key, known);
    return known;
}
const once = <T>(make: () => T): (() => T) => {
    let made: T | undefined;
    return () => (made ??= make());
};
const plural = once(() => new Intl.PluralRules(language));
const percent = once(() => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }));
const moment = once(() => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }));
const day = once(() => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }));
const relative = once(() => new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }));
const numbers = new Map<number, Intl.NumberFormat>();

/** t('shell.signOut'), t('queue.left', {count: 3}) */
export function t(key: TextKey, values: Values = {}): string {
    const found = leaves.get(key) ?? leaf(key);
    const text = typeof found === 'string' ? found : plural().select(Number(values.count)) === 'one' ? found.one : found.other;
    if (!text.includes('{')) return text;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
        const value = values[name];
        return value === undefined ? whole : typeof value === 'number' ? formatNumber(value) : value;
    });
}

export function formatNumber(value: number, digits = 0): string {
    let format = numbers.get(digits);
    if (!format) numbers.set(digits, format = new Intl.NumberFormat(language, { maximumFractionDigits: digits }));
    return format.format(value);
}
export function formatPercent(value: number): string {
    return percent().format(value);
}
/** The exact time, for titles and tables. */
export function formatTime(iso: string): string {
    return moment().format(new Date(iso));
}
export function formatDay(iso: string): string {
    return day().format(new Date(iso));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

/** At most a few hundred: the counts stay below the next unit's size. */
const agoTexts = new Map<string, string>();

/** '3 min. ago' */
export function ago(iso: string): string {
    const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[UNITS.length - 1];
    const count = Math.round(seconds / size);
    const known = agoTexts.get(`${count} ${unit}`);
    if (known !== undefined) return known;
    const text = relative().format(count, unit);
    agoTexts.set(`${count} ${unit}`, text);
    return text;
}
