// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What a tree shows of a value, before anybody asks for more.

import type { Json } from '../json.ts';

/** So many members of a branch at first. */
export const PART = 100;
const LONG = 400;

export interface Child { name: string; index: boolean; value: Json }

export function childrenOf(value: Json): Child[] {
    if (value.kind === 'object') return value.members.map((one) => ({ name: one.key, index: false, value: one.value }));
    if (value.kind === 'array') return value.items.map((one, at) => ({ name: String(at), index: true, value: one }));
    return [];
}

/** A branch with many members stays closed until somebody opens it. */
export function opensFirst(size: number): boolean { return size > 0 && size <= 50; }

/** The beginning of a long text; the text itself if it is short. */
export function cutText(text: string): string {
    if (text.length <= LONG) return text;
    const last = text.charCodeAt(LONG - 1);
    return text.slice(0, last >= 0xd800 && last <= 0xdbff ? LONG - 1 : LONG);
}
