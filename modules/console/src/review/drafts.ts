// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What somebody typed and has not submitted, per trace and version. Written at the
// latest a second after a keystroke; gone when the verdict has arrived.

import type { Shelf } from './db.ts';

export interface Draft {
    /** who|trace|version */
    key: string;
    who: string;
    trace: string;
    version: number;
    /** json: the output as JSON text; raw: the JSON editor's text, which may be faulty. */
    as: 'json' | 'raw';
    text: string;
    comment: string;
    saved: number;
}

export const draftKey = (who: string, trace: string, version: number): string => `${who}|${trace}|${version}`;

/** A person's drafts of one trace: this version's, and the newest of an earlier one. */
export function choose(all: Draft[], who: string, trace: string, version: number): { draft: Draft | null; earlier: Draft | null } {
    const mine = all.filter((one) => one.who === who && one.trace === trace);
    return {
        draft: mine.find((one) => one.version === version) ?? null,
        earlier: mine.filter((one) => one.version < version).sort((a, b) => b.version - a.version)[0] ?? null,
    };
}

/** How long to wait before writing: soon after the last keystroke, never later than a second after the first. */
export function delay(now: number, first: number): number {
    return Math.max(0, Math.min(350, first + 900 - now));
}

/** Writes the last of several changes. */
export class Autosave {
    private timer: ReturnType<typeof setTimeout> | undefined;
    private first = 0;
    private pending: (() => Draft | null) | null = null;
    private key = '';
    private writing: Promise<void> = Promise.resolve();

    constructor(private shelf: Shelf<Draft>, private onSaved: (kept: boolean, error: unknown) => void) {}

    /** make is called when it is time: null takes the draft away. */
    later(key: string, make: () => Draft | null): void {
        if (this.pending && this.key !== key) void this.now();
        const now = Date.now();
        if (!this.pending) this.first = now;
        this.pending = make;
        this.key = key;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.now(), delay(now, this.first));
    }
    /** Whatever waits is written; resolves when it is stored. */
    now(): Promise<void> {
        clearTimeout(this.timer);
        const make = this.pending;
        const key = this.key;
        this.pending = null;
        if (!make) return this.writing;
        const draft = make();
        this.writing = this.writing.then(() => this.shelf.change(key, () => draft)).then(
            () => this.onSaved(draft !== null, null), (error: unknown) => this.onSaved(false, error));
        return this.writing;
    }
    drop(key: string): void {
        if (this.key === key) {
            clearTimeout(this.timer);
            this.pending = null;
        }
        this.writing = this.writing.then(() => this.shelf.change(key, () => null)).catch(() => {});
    }
}
