// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The queue: the server hands out traces, each to one reviewer at a time. A lease is
// kept alive while the trace is at hand and given back when somebody leaves.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, ask, get, query, traceOf, type Trace } from '../api.ts';
import { member, parseJson, plain } from '../json.ts';
import { append, empty, without, type Order } from './order.ts';
import { tabToken } from './post.ts';
import { traces } from './traces.ts';
import type { Walk } from './walk.ts';

export interface Lease {
    trace_id: string; project_id: string; holder: { type: string; id: string; name: string | null };
    client: string | null; mine: boolean; leased_at: string; expires_at: string;
}
export interface Progress { pending: number; leased: number; reviewed: { mine: number; all: number }; leases: Lease[] }

/** Shown, two ahead, and some that were passed over. */
const AHEAD = 2;
const KEEP_SKIPPED = 5;
const BEAT = 20_000;

export async function takeNext(project: string, tag: string | null): Promise<{ trace: Trace; lease: Lease } | null> {
    const body: Record<string, string> = { project_id: project, client: tabToken() };
    if (tag) body.tag_id = tag;
    const answer = await ask('/v1/queue/next', { method: 'POST', body });
    if (answer.status === 204 || answer.text === '') return null;
    const node = parseJson(answer.text);
    const trace = member(node, 'trace');
    const lease = member(node, 'lease');
    if (trace?.kind !== 'object' || !lease) return null;
    return { trace: traceOf(trace), lease: plain(lease) as Lease };
}
const progressOf = (project: string, tag: string | null, mine: boolean) => get<Progress>(`/v1/queue${query({ project_id: project, tag_id: tag, client: mine ? tabToken() : null })}`);
const leasePath = (id: string) => `/v1/queue/leases/${encodeURIComponent(id)}`;

/** Who else holds this trace. */
export async function holderOf(trace: Trace): Promise<Lease | null> {
    try {
        const { leases } = await progressOf(trace.project_id, null, false);
        return leases.find((one) => one.trace_id === trace.id && one.client !== tabToken()) ?? null;
    } catch {
        return null;
    }
}

export function useQueueWalk(project: string, tag: string | null, decided: ReadonlySet<string>): Walk {
    const [order, setOrder] = useState<Order>(empty);
    const [more, setMore] = useState(true);
    const [error, setError] = useState<ApiError | null>(null);
    const [round, setRound] = useState(0);
    const [progress, setProgress] = useState<Progress | null>(null);
    const held = useRef(new Map<string, Lease>());
    const busy = useRef(false);
    const resumed = useRef(false);
    const state = useRef({ order, decided });
    state.current = { order, decided };

    const count = async () => {
        try {
            setProgress(await progressOf(project, tag, false));
        } catch { /* the bar keeps its last figures */ }
    };

    // Keeps two ahead; the first time, what this tab held before it was loaded anew.
    useEffect(() => {
        if (busy.current || error || !more) return;
        const open = order.ids.slice(order.at).filter((id) => !decided.has(id));
        if (resumed.current && open.length > AHEAD) return;
        busy.current = true;
        (async () => {
            if (!resumed.current) {
                const { leases } = await progressOf(project, tag, true);
                const mine = leases.filter((one) => one.mine && one.client === tabToken()).sort((a, b) => (a.leased_at < b.leased_at ? -1 : 1));
                mine.forEach((one) => held.current.set(one.trace_id, one));
                resumed.current = true;
                if (mine.length) setOrder((old) => append(old, mine.map((one) => one.trace_id)));
                void count();
            }
            else {
                const got = await takeNext(project, tag);
                if (!got) setMore(false);
                else {
                    held.current.set(got.trace.id, got.lease);
                    traces.put(got.trace);
                    setOrder((old) => append(old, [got.trace.id]));
                }
            }
            setRound((old) => old + 1);
        })().catch((problem: unknown) => setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)))).finally(() => { busy.current = false; });
    }, [project, tag, order.at, order.ids.length, decided.size, round, error, more]);

    // An outage ends by itself.
    useEffect(() => {
        if (!error?.passing) return;
        const timer = setTimeout(() => setError(null), 5000);
        return () => clearTimeout(timer);
    }, [error]);

    useEffect(() => {
        const beat = setInterval(() => {
            const { order, decided } = state.current;
            const passed = order.ids.slice(0, order.at).filter((id) => !decided.has(id));
            const given = new Set(passed.slice(0, -KEEP_SKIPPED));
            for (const id of held.current.keys()) {
                if (given.has(id)) continue;
                ask(leasePath(id), { method: 'PUT', body: { client: tabToken() } }).catch((problem: unknown) => {
                    // Run out, judged or somebody else's: if it lies ahead, unseen, it is passed by.
                    if (!(problem instanceof ApiError) || (problem.status !== 404 && problem.status !== 409)) return;
                    held.current.delete(id);
                    const at = state.current.order.ids.indexOf(id);
                    if (at > state.current.order.at) setOrder((old) => without(old, id));
                });
            }
            void count();
        }, BEAT);
        const giveBack = () => {
            for (const id of held.current.keys()) void ask(`${leasePath(id)}${query({ client: tabToken() })}`, { method: 'DELETE', keepalive: true }).catch(() => {});
            held.current.clear();
        };
        return () => {
            clearInterval(beat);
            giveBack();
        };
    }, [project, tag]);

    return {
        kind: 'queue', order, more, error, progress, back: `/console/traces?project=${project}`,
        move: (change) => setOrder(change),
        retry: () => { setError(null); setMore(true); setRound((old) => old + 1); },
        judged: (id, yes) => {
            if (yes) held.current.delete(id);
            setProgress((old) => old && { ...old, pending: Math.max(0, old.pending + (yes ? -1 : 1)), reviewed: { mine: old.reviewed.mine + (yes ? 1 : -1), all: old.reviewed.all + (yes ? 1 : -1) } });
        },
    };
}
