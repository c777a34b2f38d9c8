// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Where the traces come from: the list that somebody filtered, or the queue (queue.ts).

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, listTraces, query, type Page, type Trace } from '../api.ts';
import { BASE, go } from '../router.ts';
import { append, current, newer, older, open, prepend, type List, type Order } from './order.ts';
import { traces } from './traces.ts';
import type { Progress } from './queue.ts';

export interface Walk {
    kind: 'list' | 'queue';
    order: Order;
    /** Shows another one. */
    move: (change: (order: Order) => Order) => void;
    /** More may come behind the last one. */
    more: boolean;
    error: ApiError | null;
    retry: () => void;
    /** Somebody judged this one, or took it back. */
    judged: (id: string, yes: boolean) => void;
    progress?: Progress | null;
    /** Back to where one came from. */
    back: string;
}

/** What the list filters by, as /v1/traces/ calls it. */
export function filters(search: URLSearchParams): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [ours, theirs] of [['project', 'project_id'], ['status', 'status'], ['tag', 'tag'], ['model', 'model'], ['prompt_version_id', 'prompt_version_id'], ['internal_run_id', 'internal_run_id'], ['from_date', 'from_date'], ['to_date', 'to_date']]) {
        const value = search.get(ours);
        if (value) found[theirs] = value;
    }
    return found;
}

const LIGHT = 'model_input,model_output,trace_config,corrected_output,final_output';

export function useListWalk(id: string, search: URLSearchParams): Walk {
    const text = search.toString();
    const [order, setOrder] = useState<Order>({ ids: [id], at: 0 });
    const [error, setError] = useState<ApiError | null>(null);
    const [round, setRound] = useState(0);
    const next = useRef<string | null | undefined>(undefined);
    const head = useRef<Pick<Trace, 'id' | 'created_at'> | null>(null);
    const busy = useRef(false);
    const filter = filters(search);
    const list: List = (range) => listTraces(`/v1/traces/${query({ ...filter, ...range, from_date: latest(range.from_date, filter.from_date), to_date: earliest(range.to_date, filter.to_date), exclude_fields: LIGHT })}`) as Promise<Page<Trace>>;

    // The address leads; an id that is not in the order yet comes in at its place.
    const shown = current(order) === id || order.at >= order.ids.length ? order : open(order, id);
    useEffect(() => { if (order.at < order.ids.length && current(order) !== id) setOrder((old) => open(old, id)); }, [id]);
    useEffect(() => {
        setOrder({ ids: [id], at: 0 });
        next.current = undefined;
        head.current = null;
    }, [text]);

    useEffect(() => {
        if (busy.current || error) return;
        const nearEnd = shown.at >= shown.ids.length - 4 && next.current !== null;
        const nearHead = shown.at <= 1 && head.current?.id !== 'none';
        if (!nearEnd && !nearHead) return;
        busy.current = true;
        (async () => {
            const here = next.current === undefined || head.current === null ? traces.peek(id) ?? await traces.load(id) : null;
            if (nearEnd) {
                const page = next.current ? await listTraces(next.current) : await older(list, here!);
                next.current = page.next;
                setOrder((old) => append(old, page.items.map((one) => one.id)));
            }
            if (nearHead) {
                const found = await newer(list, head.current ?? here!, Date.now());
                head.current = found[0] ?? { id: 'none', created_at: '' };
                if (found.length) setOrder((old) => prepend(old, found.map((one) => one.id)));
            }
            setRound((old) => old + 1);
        })().catch((problem: unknown) => {
            // A trace that is not there is said where it would be shown.
            if (problem instanceof ApiError && problem.status === 404) next.current = null;
            else setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
        }).finally(() => { busy.current = false; });
    }, [shown.at, round, text, id]);

    const move = (change: (old: Order) => Order) => {
        const to = change(shown);
        setOrder(to);
        const target = current(to);
        if (target) go(`${BASE}review/${target}${text ? `?${text}` : ''}`);
    };
    return {
        kind: 'list', order: shown, move, more: next.current !== null, error, back: `${BASE}traces${text ? `?${text}` : ''}`,
        retry: () => { setError(null); setRound((old) => old + 1); }, judged: () => {},
    };
}

const latest = (a?: string, b?: string) => (a && b ? (Date.parse(a) > Date.parse(b) ? a : b) : a ?? b);
const earliest = (a?: string, b?: string) => (a && b ? (Date.parse(a) < Date.parse(b) ? a : b) : a ?? b);
