// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which trace comes next. In the list's order (newest first) the neighbours of a
// trace are found through the list itself; in a queue they come as the server hands
// them out. What was judged stays in the order, so that one can go back.

import type { Page, Trace, Verdict } from '../api.ts';

export interface Order {
    ids: string[];
    /** The one that is shown; ids.length means: behind the last. */
    at: number;
}

export const empty: Order = { ids: [], at: 0 };
export const current = (order: Order): string | null => order.ids[order.at] ?? null;

export function append(order: Order, ids: string[]): Order {
    const fresh = ids.filter((id) => !order.ids.includes(id));
    return fresh.length ? { ...order, ids: [...order.ids, ...fresh] } : order;
}
export function prepend(order: Order, ids: string[]): Order {
    const fresh = ids.filter((id) => !order.ids.includes(id));
    return fresh.length ? { ids: [...fresh, ...order.ids], at: order.at + fresh.length } : order;
}
export function without(order: Order, id: string): Order {
    const at = order.ids.indexOf(id);
    if (at < 0) return order;
    return { ids: order.ids.filter((one) => one !== id), at: order.at > at ? order.at - 1 : order.at };
}
/** Shows this one, in front of the one shown now if it is new. */
export function open(order: Order, id: string): Order {
    const at = order.ids.indexOf(id);
    if (at >= 0) return { ...order, at };
    return { ids: [...order.ids.slice(0, order.at), id, ...order.ids.slice(order.at)], at: order.at };
}
export function step(order: Order, by: 1 | -1): Order {
    return { ...order, at: Math.max(0, Math.min(order.ids.length, order.at + by)) };
}
/** After a verdict: the next one that is not judged; at the end, one that was passed over. */
export function advance(order: Order, judged: ReadonlySet<string>): Order {
    const open = (at: number) => !judged.has(order.ids[at]);
    for (let at = order.at + 1; at < order.ids.length; at++) if (open(at)) return { ...order, at };
    return { ...order, at: order.ids.length };
}
/** Passed over on the way here. */
export function skipped(order: Order, judged: ReadonlySet<string>): string[] {
    return order.ids.slice(0, order.at).filter((id) => !judged.has(id));
}
/** Those to have ready: the next two and the one before. */
export function near(order: Order, judged: ReadonlySet<string>): string[] {
    const ahead = order.ids.slice(order.at + 1).filter((id) => !judged.has(id)).slice(0, 2);
    const before = order.at > 0 ? [order.ids[order.at - 1]] : [];
    return [...ahead, ...before];
}

// ------------------------------------------------------------- neighbours in a list

type Light = Pick<Trace, 'id' | 'created_at'>;
export type List = (range: { from_date?: string; to_date?: string; limit: number }) => Promise<Page<Light>>;

/** A microsecond later, which Date cannot say: 2026-05-20T10:00:00.123456Z. */
export function justAfter(iso: string): string {
    const [, head, fraction] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [null, iso.replace(/Z$/, ''), ''];
    const micros = Number((fraction ?? '').padEnd(6, '0').slice(0, 6)) + 1;
    if (micros < 1_000_000) return `${head}.${String(micros).padStart(6, '0')}Z`;
    return `${new Date(Date.parse(`${head}Z`) + 1000).toISOString().slice(0, 19)}.000000Z`;
}

/** Those behind a trace in the list: older ones, nearest first. */
export async function older(list: List, of: Light, limit = 20): Promise<Page<Light>> {
    const page = await list({ to_date: justAfter(of.created_at), limit });
    return { ...page, items: page.items.filter((one) => one.id !== of.id) };
}

/** Those before a trace: newer ones, in the list's order, so the nearest comes last. The list begins with the newest, so a span of time is sought that holds a few. */
export async function newer(list: List, of: Light, now: number, limit = 20): Promise<Light[]> {
    const from = Date.parse(of.created_at);
    let span = 60_000;
    let nothing = 0;
    let tooMany = Infinity;
    for (let round = 0; round < 60; round++) {
        const last = from + span > now + 60_000;
        const page = await list({ from_date: of.created_at, to_date: last ? undefined : new Date(from + span).toISOString(), limit: limit * 5 });
        const items = page.items.filter((one) => one.id !== of.id);
        if (page.next && span - nothing > 1) tooMany = span;
        else if (items.length > 0 || last) return items.slice(-limit);
        else nothing = span;
        span = tooMany === Infinity ? span * 8 : nothing === 0 ? Math.ceil(span / 4) : Math.ceil((nothing + tooMany) / 2);
    }
    return [];
}

// -------------------------------------------------------------------- decisions

export interface Decision { trace: string; action: Verdict | 'reset'; at: number }

/** The last ten, newest first; one for each trace. */
export function remember(list: Decision[], decision: Decision): Decision[] {
    return [decision, ...list.filter((one) => one.trace !== decision.trace)].slice(0, 10);
}
