// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Time on task: how long a trace was worked on. What passes while the page is hidden does not count, nor a rest of
// more than a minute. It is kept in this browser alone, a day's sum for each person.

const REST = 60_000;

export class Pace {
    private spent = new Map<string, number>();
    private at: string | null = null;
    private last: number;
    private seen = true;

    /** now: milliseconds on a clock that nobody sets */
    constructor(private now: () => number = () => performance.now()) {
        this.last = now();
    }

    /** Somebody did something, or (seen) the page was hidden or shown again. */
    touch(seen = this.seen): void {
        const now = this.now();
        const since = now - this.last;
        if (this.at !== null && this.seen && since <= REST) this.spent.set(this.at, (this.spent.get(this.at) ?? 0) + since);
        this.last = now;
        this.seen = seen;
    }

    /** Another trace is at hand; null: none. */
    turn(id: string | null): void {
        this.touch();
        this.at = id;
    }

    /** Milliseconds on a trace so far, however often it was left. */
    of(id: string): number {
        if (id === this.at) this.touch();
        return this.spent.get(id) ?? 0;
    }
}

export interface Day { day: string; count: number; ms: number }

export const today = (): string => new Date().toLocaleDateString('sv');

/** What was stored, if it is today's. */
export function dayOf(kept: string | null, day = today()): Day {
    try {
        const found = JSON.parse(kept ?? '') as Day;
        if (found.day === day && found.count > 0) return found;
    } catch { /* none */ }
    return { day, count: 0, ms: 0 };
}

/** With one trace more, or (-1) without one again. */
export const withTrace = ({ day, count, ms }: Day, spent: number, by: 1 | -1): Day => ({ day, count: Math.max(0, count + by), ms: Math.max(0, ms + by * spent) });
