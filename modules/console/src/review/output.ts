// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What is being edited: a tree, or the text of the JSON editor, which may be faulty
// at the moment. And whether a payload has the shape that its project promises.

import type { OutputType } from '../api.ts';
import { JsonError, member, parseJson, printJson, sameJson, textOf, type Json } from '../json.ts';

export interface Edit {
    as: 'json' | 'raw';
    /** as json */
    value: Json;
    /** as raw */
    text: string;
    /** Why it cannot be submitted. */
    problem: string | null;
}

export const startEdit = (value: Json): Edit => ({ as: 'json', value, text: '', problem: null });

export function fits(type: OutputType, output: Json): boolean {
    if (type === 'text') return textOf(member(output, 'content')) !== undefined;
    if (type === 'classification') return textOf(member(output, 'label')) !== undefined;
    return output.kind === 'object';
}

export type RawFault = { line: number; column: number; expected: string } | 'object' | null;

/** Where JSON text is wrong. */
export function rawFault(text: string): RawFault {
    try {
        return parseJson(text).kind === 'object' ? null : 'object';
    } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        const before = text.slice(0, error.at).split('\n');
        return { line: before.length, column: before[before.length - 1].length + 1, expected: error.message };
    }
}

export function isChanged(edit: Edit, original: Json): boolean {
    if (edit.as === 'json') return !sameJson(edit.value, original);
    try {
        return !sameJson(parseJson(edit.text), original);
    } catch {
        return true;
    }
}

/** The corrected output as it is sent; null while it is faulty. */
export function outgoing(edit: Edit): string | null {
    if (edit.problem) return null;
    if (edit.as === 'json') return printJson(edit.value);
    return rawFault(edit.text) === null ? printJson(parseJson(edit.text)) : null;
}

/** The same object with one member changed, in its place; added at the end if it is new. */
export function withMember(of: Json, key: string, value: Json): Json {
    if (of.kind !== 'object') return of;
    const at = of.members.findLastIndex((one) => one.key === key);
    if (at < 0) return { kind: 'object', members: [...of.members, { key, raw: JSON.stringify(key), value }] };
    return { kind: 'object', members: of.members.map((one, index) => (index === at ? { ...one, value } : one)) };
}

/** Everything but some members; null if nothing is left. */
export function rest(of: Json, keys: string[]): Json | null {
    if (of.kind !== 'object') return null;
    const members = of.members.filter((one) => !keys.includes(one.key));
    return members.length ? { kind: 'object', members } : null;
}

/** The labels to choose from: the predicted one first, then the alternatives. */
export function labels(output: Json): string[] {
    const found: string[] = [];
    const label = textOf(member(output, 'label'));
    if (label !== undefined) found.push(label);
    const alternatives = member(output, 'alternatives');
    if (alternatives?.kind === 'array') {
        for (const one of alternatives.items) {
            const text = textOf(one) ?? textOf(member(one, 'label'));
            if (text !== undefined && !found.includes(text)) found.push(text);
        }
    }
    return found;
}
