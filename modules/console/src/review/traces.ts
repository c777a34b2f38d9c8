// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The traces at hand: the one shown, the next two, the one before. A payload may have
// megabytes, so there are never many.

import { useEffect, useState } from 'preact/hooks';
import { ApiError, ask, traceOf, type Trace } from '../api.ts';
import { parseJson } from '../json.ts';

const MOST = 8;
/** Older than that is asked for again when it is shown. */
const FRESH = 15_000;

interface Slot { trace?: Trace; etag: string | null; at: number; going: Promise<Trace> | null }

class Traces {
    private slots = new Map<string, Slot>();
    private watchers = new Set<(id: string) => void>();

    watch(changed: (id: string) => void): () => void {
        this.watchers.add(changed);
        return () => { this.watchers.delete(changed); };
    }
    peek(id: string): Trace | undefined { return this.slots.get(id)?.trace; }
    stale(id: string): boolean {
        const slot = this.slots.get(id);
        return !slot?.trace || Date.now() - slot.at > FRESH;
    }
    put(trace: Trace): void {
        const old = this.slots.get(trace.id)?.trace;
        if (old && old.version > trace.version) return;
        this.slots.delete(trace.id);
        this.slots.set(trace.id, { trace, etag: null, at: Date.now(), going: null });
        this.trim();
        this.watchers.forEach((tell) => tell(trace.id));
    }
    /** What a write was answered with: of use where the trace is still at hand. */
    update(trace: Trace): void {
        if (this.slots.has(trace.id)) this.put(trace);
    }
    /** Shown: the last to go. */
    touch(id: string): void {
        const slot = this.slots.get(id);
        if (!slot) return;
        this.slots.delete(id);
        this.slots.set(id, slot);
    }
    forget(id: string): void { this.slots.delete(id); }
    /** From the server, unless it is on its way already; 304 keeps what is here. */
    load(id: string): Promise<Trace> {
        const slot: Slot = this.slots.get(id) ?? { etag: null, at: 0, going: null };
        this.slots.delete(id);
        this.slots.set(id, slot);
        slot.going ??= (async () => {
            try {
                const answer = await ask(`/v1/traces/${encodeURIComponent(id)}`, slot.trace && slot.etag ? { headers: { 'If-None-Match': slot.etag } } : {});
                slot.at = Date.now();
                if (answer.status === 304) return slot.trace!;
                const trace = traceOf(parseJson(answer.text));
                // A verdict may have been answered meanwhile.
                if (slot.trace && slot.trace.version > trace.version) return slot.trace;
                slot.trace = trace;
                slot.etag = answer.headers.get('ETag');
                this.watchers.forEach((tell) => tell(id));
                return trace;
            } finally {
                slot.going = null;
                this.trim();
            }
        })();
        return slot.going;
    }
    private trim(): void {
        for (const [id, slot] of this.slots) {
            if (this.slots.size <= MOST) return;
            if (!slot.going) this.slots.delete(id);
        }
    }
}

export const traces = new Traces();

export interface Loaded { trace: Trace | undefined; error: ApiError | null; slow: boolean; reload: () => void }

/** The trace if it is at hand, at once; else when it came. */
export function useTrace(id: string | null): Loaded {
    const [, turn] = useState(0);
    const [problem, setProblem] = useState<{ id: string; error: ApiError } | null>(null);
    const [slow, setSlow] = useState<string | null>(null);
    const [round, setRound] = useState(0);
    useEffect(() => traces.watch((changed) => { if (changed === id) turn((old) => old + 1); }), [id]);
    useEffect(() => {
        if (id === null) return;
        traces.touch(id);
        if (round === 0 && !traces.stale(id)) return;
        let gone = false;
        const timer = setTimeout(() => { if (!traces.peek(id)) setSlow(id); }, 300);
        traces.load(id).then(() => { if (!gone) { setProblem(null); turn((old) => old + 1); } }, (error: unknown) => {
            if (!gone) setProblem({ id, error: error instanceof ApiError ? error : new ApiError(0, String(error)) });
        }).finally(() => clearTimeout(timer));
        return () => { gone = true; clearTimeout(timer); };
    }, [id, round]);
    const error = problem && problem.id === id ? problem.error : null;
    return { trace: id === null ? undefined : traces.peek(id), error, slow: slow === id, reload: () => setRound((old) => old + 1) };
}
