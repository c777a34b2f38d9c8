// Licensed under the Apache License, Version 2.0; see LICENSE.

/** Where an axis for whole numbers from 0 to max has its lines: steps of 1, 2 or 5 times ten; the last is at least max. */
export function ticks(max: number, about = 4): number[] {
    if (max <= 0) return [0, 1];
    const rough = Math.max(1, max / about);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough - 1e-9)!;
    const out: number[] = [];
    for (let at = 0; at < max + step; at += step) out.push(at);
    return out;
}

/** Every how many columns one is labelled so that labels do not touch. */
export function labelEvery(columns: number, width: number, label: number): number {
    return Math.max(1, Math.ceil(label / (width / Math.max(1, columns))));
}

/** A name that fits into a width, cut in the middle: ids differ at their ends. */
export function clipped(text: string, width: number, character = 7.2): string {
    const most = Math.max(5, Math.floor(width / character));
    if (text.length <= most) return text;
    const tail = Math.floor((most - 1) / 3);
    return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}
