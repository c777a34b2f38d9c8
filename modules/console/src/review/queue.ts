// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The queue: the server hands out traces, each to one reviewer at a time. A lease is
// kept alive while the trace is at hand and given back when somebody leaves.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, ask, get, query, traceOf, type Trace } from '../api.ts';
import { member, parseJson, plain } from '../json.ts';
import { append, empty, without, type Order } from './order.ts';
import { post, tabToken } from './post.ts';
import { traces } from './traces.ts';
import type { Walk } from './walk.ts';

export interface Lease {
    trace_id: string; project_id: string; holder: { type: string; id: string; name: string | null };
    client: string | null; mine: boolean; leased_at: string; expires_at: string;
}
export interface Progress { pending: number; leased: number; reviewed: { mine: number; all: number }; leases: Lease[] }

/** Beside the one shown. */
const AHEAD = 2;
/** A lease lasts minutes. */
const BEAT = 60_000;
/** In a list: somebody who only leafs through takes nothing away from others. */
const DWELL = 800;

export async function takeNext(project: string, tag: string | null): Promise<{ trace: Trace; lease: Lease } | null> {
    const body: Record<string, string> = { project_id: project, client: tabToken() };
    if (tag) body.tag_id = tag;
    const node = parseJson((await ask('/v1/queue/next', { method: 'POST', body })).text);
    const trace = member(node, 'trace');
    const lease = member(node, 'lease');
    if (trace?.kind !== 'object' || !lease) return null;
    return { trace: traceOf(trace), lease: plain(lease) as Lease };
}

/** Since midnight where the reviewer is. */
async function progressOf(project: string, tag: string | null): Promise<Progress> {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    return get<Progress>(`/v1/queue${query({ project_id: project, tag_id: tag, client: tabToken(), since: midnight.toISOString() })}`);
}

const leasePath = (id: string) => `/v1/queue/leases/${encodeURIComponent(id)}`;
const hold = (id: string) => ask(leasePath(id), { method: 'PUT', body: { client: tabToken() } });
/** Also as the page goes away. */
const release = (id: string) => void ask(`${leasePath(id)}${query({ client: tabToken() })}`, { method: 'DELETE', keepalive: true }).catch(() => {});

const unsentOf = (project: string): number => post()?.outbox.entries.filter((one) => one.project === project && one.action !== 'reset' && (one.state === 'waiting' || one.state === 'sending')).length ?? 0;

/** Who has a trace: somebody else, or the same person in another tab. */
export interface Holder { name: string; own: boolean }

/** Another one's lease of the trace shown in a list; our own as long as it is shown. me: whose other tabs are theirs, too. */
export function useHolder(id: string | null, project: string, me: string): Holder | null {
    const [holder, setHolder] = useState<{ id: string; holder: Holder } | null>(null);
    useEffect(() => {
        if (id === null) return;
        let held = false;
        let gone = false;
        const taken = (other: Lease['holder']) => { if (!gone) setHolder({ id, holder: { name: other.name ?? other.id, own: other.id === me } }); };
        // Asked first: a refusal is no error of anybody's, but browsers log it as one. Between the two somebody may be quicker.
        const take = async () => {
            try {
                const lease = held ? undefined : (await get<Progress>(`/v1/queue${query({ project_id: project, client: tabToken() })}`)).leases.find((one) => one.trace_id === id);
                if (gone) return;
                if (lease && !lease.mine) {
                    taken(lease.holder);
                    return;
                }
                await hold(id);
                held = true;
                if (gone) release(id);
                else setHolder(null);
            } catch (error) {
                const other = error instanceof ApiError && error.status === 409 ? error.body.holder as Lease['holder'] | undefined : undefined;
                if (other) {
                    held = false;
                    taken(other);
                }
            }
        };
        let timer = setTimeout(function again() {
            void take();
            timer = setTimeout(again, BEAT);
        }, DWELL);
        const leave = () => { if (held) release(id); };
        addEventListener('pagehide', leave);
        return () => {
            gone = true;
            removeEventListener('pagehide', leave);
            clearTimeout(timer);
            if (held) release(id);
        };
    }, [id, project, me]);
    return holder && holder.id === id ? holder.holder : null;
}

export function useQueueWalk(project: string, tag: string | null, decided: ReadonlySet<string>): Walk {
    const [order, setOrder] = useState<Order>(empty);
    const [more, setMore] = useState(true);
    const [error, setError] = useState<ApiError | null>(null);
    const [round, setRound] = useState(0);
    const [progress, setProgress] = useState<Progress | null>(null);
    const held = useRef(new Set<string>());
    const busy = useRef(false);
    const resumed = useRef(false);
    const state = useRef({ order, decided });
    state.current = { order, decided };

    const count = async () => {
        try {
            const found = await progressOf(project, tag);
            // What is decided here and not sent yet is done, to the person who did it.
            const unsent = unsentOf(project);
            setProgress({ ...found, pending: Math.max(0, found.pending - unsent), reviewed: { mine: found.reviewed.mine + unsent, all: found.reviewed.all + unsent } });
            return found;
        } catch (problem) {
            if (!resumed.current) throw problem;
            return null;
        }
    };

    // Keeps two ahead; the first time, what this tab held before it was loaded anew.
    useEffect(() => {
        if (busy.current || error || !more) return;
        const open = order.ids.slice(order.at).filter((id) => !decided.has(id));
        if (resumed.current && open.length > AHEAD) return;
        busy.current = true;
        (async () => {
            if (!resumed.current) {
                const mine = ((await count())?.leases ?? []).filter((one) => one.mine && !decided.has(one.trace_id)).sort((a, b) => (a.trace_id < b.trace_id ? -1 : 1));
                mine.forEach((one) => held.current.add(one.trace_id));
                resumed.current = true;
                if (mine.length) setOrder((old) => append(old, mine.map((one) => one.trace_id)));
            } else {
                const got = await takeNext(project, tag);
                if (got) {
                    held.current.add(got.trace.id);
                    traces.put(got.trace);
                    setOrder((old) => append(old, [got.trace.id]));
                } else setMore(false);
            }
            setRound((old) => old + 1);
        })().catch((problem: unknown) => {
            // One tab holds so many. What is decided and not sent yet counts, too; without any, those that were passed over have to be looked at first.
            if (problem instanceof ApiError && problem.status === 409) {
                if (unsentOf(project) > 0) setTimeout(() => setRound((old) => old + 1), 500);
                else setMore(false);
            }
            else setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
        }).finally(() => { busy.current = false; });
    }, [project, tag, order.at, order.ids.length, decided.size, round, error, more]);

    // Verdicts that the page before had sent as it went, and that are sent again, were counted twice.
    const left = useRef(unsentOf(project) > 0);
    useEffect(() => post()?.outbox.watch(() => {
        if (!left.current || unsentOf(project) > 0) return;
        left.current = false;
        void count();
    }), [project]);

    // An outage ends by itself, and an empty queue fills up.
    useEffect(() => {
        if (!error?.passing && more) return;
        const timer = setTimeout(() => { setError(null); setMore(true); }, error ? 3000 : 30_000);
        return () => clearTimeout(timer);
    }, [error, more]);

    useEffect(() => {
        const beat = setInterval(() => {
            for (const id of held.current) {
                hold(id).catch((problem: unknown) => {
                    // Run out, judged or somebody else's: if it lies ahead, unseen, it is passed by.
                    if (!(problem instanceof ApiError) || (problem.status !== 404 && problem.status !== 409)) return;
                    held.current.delete(id);
                    if (state.current.order.ids.indexOf(id) > state.current.order.at) setOrder((old) => without(old, id));
                });
            }
            void count();
        }, BEAT);
        return () => {
            clearInterval(beat);
            // Leaving the queue; a tab that is closed or loaded anew keeps its leases until they run out, or finds them again.
            for (const id of held.current) if (!state.current.decided.has(id)) release(id);
            held.current.clear();
        };
    }, [project, tag]);

    return {
        kind: 'queue', order, more, error, progress, back: `/console/traces?project=${project}`,
        move: (change) => setOrder(change),
        retry: () => { setError(null); setMore(true); setRound((old) => old + 1); },
        judged: (id, yes) => {
            const by = yes ? 1 : -1;
            setProgress((old) => old && { ...old, pending: Math.max(0, old.pending - by), reviewed: { mine: old.reviewed.mine + by, all: old.reviewed.all + by } });
            if (!yes) void hold(id).catch(() => {});
        },
    };
}
