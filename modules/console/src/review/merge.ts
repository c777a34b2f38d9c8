// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two people corrected the same output. What only one of them touched is taken from
// that one; where both did and differ, somebody has to choose.

import { member, parseJson, printJson, sameJson, type Json, type Member } from '../json.ts';

export interface Clash { path: string; original: Json | undefined; theirs: Json | undefined; mine: Json | undefined }
export type Choice = 'theirs' | 'mine';
export interface Merge { clashes: Clash[]; taken: { theirs: string[]; mine: string[] } ; result: (choices: Record<string, Choice>) => Json }

type Maybe = Json | undefined;
const same = (a: Maybe, b: Maybe): boolean => (a && b ? sameJson(a, b) : a === b);

/** As correction_diff writes a path. */
export function pathOf(parent: string, key: string | number): string {
    if (typeof key === 'number') return `${parent}[${key}]`;
    if (key === '' || /[.[\]"]/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
    return parent ? `${parent}.${key}` : key;
}

export function merge(original: Json, theirs: Json, mine: Json): Merge {
    const clashes: Clash[] = [];
    const taken = { theirs: [] as string[], mine: [] as string[] };
    // Walks the three at once; the answer is what comes of it under certain choices.
    const walk = (path: string, o: Maybe, t: Maybe, m: Maybe): ((choices: Record<string, Choice>) => Maybe) => {
        if (same(t, m)) return () => m;
        if (t?.kind === 'object' && m?.kind === 'object' && (o === undefined || o.kind === 'object')) {
            const members = [o, t, m].flatMap((one) => (one?.kind === 'object' ? one.members : []));
            const keys = [...new Set(members.map((one) => one.key))];
            const parts = keys.map((key) => ({
                raw: members.findLast((one) => one.key === key)!.raw, key,
                value: walk(pathOf(path, key), member(o, key), member(t, key), member(m, key)),
            }));
            return (choices) => ({ kind: 'object', members: parts.flatMap(({ key, raw, value }): Member[] => {
                const got = value(choices);
                return got ? [{ key, raw, value: got }] : [];
            }) });
        }
        if (o?.kind === 'array' && t?.kind === 'array' && m?.kind === 'array' && o.items.length === t.items.length && t.items.length === m.items.length) {
            const parts = o.items.map((item, at) => walk(pathOf(path, at), item, t.items[at], m.items[at]));
            return (choices) => ({ kind: 'array', items: parts.map((part) => part(choices)!) });
        }
        if (same(o, t)) {
            taken.mine.push(path);
            return () => m;
        }
        if (same(o, m)) {
            taken.theirs.push(path);
            return () => t;
        }
        clashes.push({ path, original: o, theirs: t, mine: m });
        return (choices) => ((choices[path] ?? 'mine') === 'mine' ? m : t);
    };
    const result = walk('', original, theirs, mine);
    return { clashes, taken, result: (choices) => result(choices) ?? mine };
}

export interface Change { path: string; from: Maybe; to: Maybe }

/** The leaves that differ, as the server's correction_diff has them. */
export function changes(from: Json, to: Json): Change[] {
    const found: Change[] = [];
    const walk = (path: string, a: Maybe, b: Maybe): void => {
        if (same(a, b)) return;
        if (a?.kind === 'object' && b?.kind === 'object' && a.members.length > 0 && b.members.length > 0) {
            for (const key of new Set([...a.members, ...b.members].map((one) => one.key))) walk(pathOf(path, key), member(a, key), member(b, key));
        } else if (a?.kind === 'array' && b?.kind === 'array' && a.items.length > 0 && b.items.length > 0) {
            for (let at = 0; at < Math.max(a.items.length, b.items.length); at++) walk(pathOf(path, at), a.items[at], b.items[at]);
        } else {
            found.push({ path, from: a, to: b });
        }
    };
    walk('', from, to);
    return found;
}

/** A draft's text as a tree; null if it is no JSON object. */
export function objectOf(text: string): Json | null {
    try {
        const node = parseJson(text);
        return node.kind === 'object' ? node : null;
    } catch {
        return null;
    }
}

export const short = (node: Maybe): string => (node ? printJson(node) : '');
