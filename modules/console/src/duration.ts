// Licensed under the Apache License, Version 2.0; see LICENSE.

import { language } from './i18n.ts';

const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]] as const;

/** Seconds as people say them: '0.4 sec', '12 min', '3 hr 20 min', '2 days'; '–' for null. */
export function formatDuration(seconds: number | null): string {
    if (seconds === null) return '–';
    const say = (value: number, unit: string, digits = 0) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
    if (seconds < 10) return say(seconds, 'second', 1);
    const rounded = Math.round(seconds);
    const at = UNITS.findIndex(([, size]) => rounded >= size);
    const [unit, size] = UNITS[at];
    const next = UNITS[at + 1];
    // Ten of the bigger unit say enough alone.
    if (!next || rounded >= 10 * size) {
        const whole = Math.round(rounded / size);
        return at > 0 && whole * size >= UNITS[at - 1][1] ? say(1, UNITS[at - 1][0]) : say(whole, unit);
    }
    const small = Math.round((rounded % size) / next[1]);
    if (small * next[1] >= size) return say(Math.floor(rounded / size) + 1, unit);
    return `${say(Math.floor(rounded / size), unit)}${small ? ` ${say(small, next[0])}` : ''}`;
}
