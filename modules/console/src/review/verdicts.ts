// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The outbox of verdicts. A verdict is handed to the browser's storage before the
// screen moves on (and comes back if that fails), waits some seconds in which it can be taken back (once the server
// has it, a webhook tells the world), and is then sent until the server answers:
// after an outage, a reload or the death of the tab, in the order it was given.
//
// Sending twice does no harm: a verdict names the version that it judges, so the
// second one is refused, and the trace's own events tell that the first was ours.
// One tab sends at a time (a Web Lock); taking back and sending are decided in one
// storage transaction, so that only one of them wins.

import { ApiError, type Trace, type TraceEvent, type Verdict } from '../api.ts';
import { parseJson, sameJson } from '../json.ts';
import type { Shelf } from './db.ts';

export const UNDO_MS = 5000;
const SETTLE_MS = 800;
/** fetch with keepalive carries no more. */
const KEEPALIVE_BYTES = 60_000;

export interface Entry {
    /** Ordered by the time of the decision. */
    key: string;
    /** organization/user: nobody sends what somebody else decided in this browser. */
    who: string;
    tab: string;
    trace: string;
    project: string;
    version: number;
    action: Verdict | 'reset';
    /** JSON text of the corrected output. */
    corrected?: string;
    comment?: string;
    decided: number;
    /** Not sent before. */
    due: number;
    state: 'waiting' | 'sending' | 'conflict' | 'refused';
    tries: number;
    problem?: string;
}

export interface Outside {
    now(): number;
    send(entry: Entry, keepalive: boolean): Promise<Trace>;
    /** What became of the trace: for a 409. */
    look(entry: Entry): Promise<{ trace: Trace; events: TraceEvent[] }>;
    /** Runs work while no other tab does. */
    alone(work: () => Promise<void>): Promise<void>;
    wait(milliseconds: number, wake: () => void): () => void;
    /** Tells other tabs that the shelf changed. */
    tell(): void;
}

const STATUS = { approve: 'approved', reject: 'rejected', correct: 'corrected', reset: 'pending' } as const;

/** Does the trace show that this very verdict arrived? user: the id of who gave it. */
export function arrived(entry: Entry, user: string, trace: Trace, events: TraceEvent[]): boolean {
    const type = entry.action === 'reset' ? 'trace.reset' : `review.${STATUS[entry.action]}`;
    const event = events.find((one) => one.version === entry.version + 1 && !one.event_type.startsWith('tag.'));
    if (!event || event.event_type !== type || event.actor_id !== user) return false;
    if ((event.comment ?? '') !== (entry.comment ?? '')) return false;
    if (entry.action !== 'correct' || trace.version !== entry.version + 1) return true;
    return Boolean(trace.corrected_output && entry.corrected && sameJson(trace.corrected_output, parseJson(entry.corrected)));
}

/** 1, 2, 4 … 60 seconds; what the server asked for if that is more. */
export function backoff(tries: number, retryAfter = 0): number {
    return Math.max(retryAfter * 1000, Math.min(60_000, 1000 * 2 ** Math.min(tries, 10)));
}

export class Outbox {
    /** This person's entries, oldest first. */
    entries: Entry[] = [];
    /** The server cannot be had before then; Infinity until somebody signs in. */
    hold = 0;
    private who = '';
    private pumping = false;
    private again = false;
    private flying = new Set<string>();
    /** On their way to the shelf. */
    private adding = new Map<string, Entry>();
    /** From an earlier page, which may have sent them as it went away. */
    private doubtful = new Set<string>();
    private sleep: () => void = () => {};
    private watchers = new Set<() => void>();
    private doneWatchers = new Set<(entry: Entry, trace: Trace) => void>();

    constructor(private shelf: Shelf<Entry>, private outside: Outside, private tab: string) {}

    private get user(): string { return this.who.slice(this.who.indexOf('/') + 1); }
    get kept(): boolean { return this.shelf.kept; }
    /** Those that wait for the server and not for second thoughts. */
    get unsent(): number { return this.entries.filter((one) => one.state === 'sending' || (one.state === 'waiting' && (one.tries > 0 || one.due <= this.outside.now()))).length; }
    get troubled(): Entry[] { return this.entries.filter((one) => one.state === 'conflict' || one.state === 'refused'); }

    watch(changed: () => void): () => void {
        this.watchers.add(changed);
        return () => { this.watchers.delete(changed); };
    }
    /** done(entry, the trace as the server has it) for each verdict that arrived. */
    onDone(done: (entry: Entry, trace: Trace) => void): () => void {
        this.doneWatchers.add(done);
        return () => { this.doneWatchers.delete(done); };
    }

    /** Somebody is signed in: what is left of theirs goes out. */
    async start(who: string): Promise<void> {
        this.who = who;
        this.hold = 0;
        await this.reload();
        this.doubtful = new Set(this.entries.map((one) => one.key));
        // What that page sent last may still be on its way.
        if (this.doubtful.size > 0) this.hold = this.outside.now() + SETTLE_MS;
        this.schedule();
    }
    async reload(): Promise<void> {
        const all = new Map((await this.shelf.all()).map((one) => [one.key, one]));
        for (const [key, one] of this.adding) if (!all.has(key)) all.set(key, one);
        this.entries = [...all.values()].filter((one) => one.who === this.who).sort((a, b) => (a.key < b.key ? -1 : 1));
        this.watchers.forEach((tell) => tell());
    }

    /** It is among the entries at once. Resolves when it is stored, not when it is sent; fails if it cannot be stored, and then it is gone. */
    async add(given: Pick<Entry, 'trace' | 'project' | 'version' | 'action' | 'corrected' | 'comment'>, delay = UNDO_MS): Promise<Entry> {
        const now = this.outside.now();
        const after = this.entries.at(-1)?.key ?? '';
        let key = `${String(now).padStart(15, '0')}-${crypto.randomUUID()}`;
        if (key <= after) key = `${after}-`;
        const entry: Entry = { ...given, key, who: this.who, tab: this.tab, decided: now, due: now + delay, state: 'waiting', tries: 0 };
        this.adding.set(key, entry);
        this.entries = [...this.entries, entry];
        const stored = this.shelf.put(entry);
        this.watchers.forEach((tell) => tell());
        try {
            await stored;
        } catch (error) {
            this.entries = this.entries.filter((one) => one.key !== key);
            throw error;
        } finally {
            this.adding.delete(key);
            this.changed();
            this.schedule();
        }
        return entry;
    }

    /** true: it was not sent and never will be. */
    async undo(key: string): Promise<boolean> {
        let taken = false;
        await this.shelf.change(key, (old) => {
            taken = Boolean(old) && old!.state !== 'sending' && !this.flying.has(key);
            return taken ? null : undefined;
        });
        await this.reload();
        this.outside.tell();
        this.schedule();
        return taken;
    }

    /** What this tab still holds back goes out now. leaving: the page may be gone at once. */
    flush(leaving: boolean): void {
        const now = this.outside.now();
        const blocked = new Set<string>();
        for (const entry of this.entries) {
            const first = !blocked.has(entry.trace);
            blocked.add(entry.trace);
            if (entry.state !== 'waiting' || entry.tab !== this.tab || this.hold > now) continue;
            entry.due = Math.min(entry.due, now);
            const goes = leaving && first && !this.flying.has(entry.key) && (entry.corrected?.length ?? 0) * 3 < KEEPALIVE_BYTES;
            void this.shelf.change(entry.key, (old) => old && { ...old, due: Math.min(old.due, now), state: goes ? 'sending' : old.state });
            if (goes) void this.deliver(entry, true);
        }
        if (!leaving) void this.pump();
    }

    /** The server may be back. */
    retry(): void {
        if (this.hold !== Infinity) this.hold = 0;
        void this.pump();
    }

    private changed(): void {
        this.watchers.forEach((tell) => tell());
        this.outside.tell();
    }

    private schedule(): void {
        this.sleep();
        this.sleep = () => {};
        const open = this.ready();
        if (open.length === 0 || this.hold === Infinity) return;
        const due = Math.max(this.hold, Math.min(...open.map((one) => one.due)));
        this.sleep = this.outside.wait(Math.max(0, due - this.outside.now()), () => void this.pump());
    }

    /** Those that nothing earlier of the same trace holds up. */
    private ready(): Entry[] {
        const seen = new Set<string>();
        return this.entries.filter((one) => {
            const first = !seen.has(one.trace);
            seen.add(one.trace);
            return first && (one.state === 'waiting' || one.state === 'sending') && !this.flying.has(one.key);
        });
    }
    private next(): Entry | undefined {
        return this.ready().find((one) => one.due <= this.outside.now());
    }

    private async pump(): Promise<void> {
        if (this.pumping) {
            this.again = true;
            return;
        }
        this.pumping = true;
        try {
            do {
                this.again = false;
                if (!this.next() || this.hold > this.outside.now()) continue;
                await this.outside.alone(async () => {
                    await this.reload();
                    for (let entry = this.next(); entry && this.hold <= this.outside.now(); entry = this.next()) {
                        const key = entry.key;
                        let mine = false;
                        let orphan = false;
                        await this.shelf.change(key, (old) => {
                            mine = Boolean(old) && (old!.state === 'waiting' || old!.state === 'sending');
                            orphan = old?.state === 'sending' || this.doubtful.has(key);
                            return mine ? { ...old!, state: 'sending' } : undefined;
                        });
                        if (mine) await this.deliver(entry, false, orphan);
                        await this.reload();
                    }
                });
            } while (this.again);
        } finally {
            this.pumping = false;
            this.schedule();
        }
    }

    /** orphan: a page that went away may have sent it, so it is looked for first. */
    private async deliver(entry: Entry, keepalive: boolean, orphan = false): Promise<void> {
        this.flying.add(entry.key);
        try {
            if (orphan) {
                const { trace, events } = await this.outside.look(entry);
                this.doubtful.delete(entry.key);
                if (arrived(entry, this.user, trace, events)) {
                    await this.settle(entry, trace);
                    return;
                }
            }
            await this.settle(entry, await this.outside.send(entry, keepalive));
        } catch (error) {
            await this.failed(entry, error instanceof ApiError ? error : new ApiError(0, String(error)));
        } finally {
            this.flying.delete(entry.key);
            this.changed();
        }
    }

    private async settle(entry: Entry, trace: Trace): Promise<void> {
        this.hold = 0;
        await this.shelf.change(entry.key, () => null);
        this.entries = this.entries.filter((one) => one.key !== entry.key);
        this.doneWatchers.forEach((tell) => tell(entry, trace));
    }

    private async failed(entry: Entry, error: ApiError): Promise<void> {
        const set = async (change: Partial<Entry>) => {
            await this.shelf.change(entry.key, (old) => old && { ...old, ...change });
            Object.assign(entry, change);
            // Another object: who shows it sees that it changed.
            this.entries = this.entries.map((one) => (one.key === entry.key ? { ...entry } : one));
        };
        if (error.status === 401 || error.passing) {
            const tries = entry.tries + 1;
            this.hold = error.status === 401 ? Infinity : this.outside.now() + backoff(tries - 1, error.retryAfter);
            await set({ state: 'waiting', tries });
            return;
        }
        if (error.status !== 409) {
            await set({ state: 'refused', problem: error.message });
            return;
        }
        try {
            const { trace, events } = await this.outside.look(entry);
            if (arrived(entry, this.user, trace, events)) await this.settle(entry, trace);
            else await set({ state: 'conflict', problem: error.message });
        } catch (problem) {
            const known = problem instanceof ApiError ? problem : new ApiError(0, String(problem));
            if (known.status === 409) await set({ state: 'conflict', problem: error.message });
            else await this.failed(entry, known);
        }
    }
}
