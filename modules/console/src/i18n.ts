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
    document.documentElement.lang = language;
}
export function chooseLanguage(to: Language): void {
    store('language', to);
    location.reload();
}

export type Values = Record<string, string | number>;

/** t('shell.signOut'), t('queue.left', {count: 3}) */
export function t(key: TextKey, values: Values = {}): string {
    let found: unknown = texts;
    for (const part of key.split('.')) found = (found as Record<string, unknown> | undefined)?.[part];
    let text = '';
    if (typeof found === 'string') text = found;
    else if (found) {
        const forms = found as { one: string; other: string };
        text = new Intl.PluralRules(language).select(Number(values.count)) === 'one' ? forms.one : forms.other;
    } else text = key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
        const value = values[name];
        return value === undefined ? whole : typeof value === 'number' ? formatNumber(value) : value;
    });
}

export function formatNumber(value: number, digits = 0): string {
    return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}
export function formatPercent(value: number): string {
    return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(value);
}
/** The exact time, for titles and tables. */
export function formatTime(iso: string): string {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
}
export function formatDay(iso: string): string {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(iso));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

/** '3 min. ago' */
export function ago(iso: string): string {
    const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[UNITS.length - 1];
    return new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(Math.round(seconds / size), unit);
}
