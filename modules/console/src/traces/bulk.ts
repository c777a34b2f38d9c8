// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The same for many traces: one version-checked request each, a few at a time. One
// that fails stops no other, and nothing is lost to a busy server: it waits and goes on.

import { ApiError } from '../api.ts';

export interface Failure<T> { item: T; error: ApiError }
export interface Progress<T, R> { total: number; done: { item: T; result: R }[]; failed: Failure<T>[] }

export interface BulkOptions<T, R> {
    /** Called after each. */
    onProgress?: (progress: Progress<T, R>) => void;
    /** Aborted: what is under way ends, what is left stays undone. */
    signal?: AbortSignal;
    atOnce?: number;
    /** How often one is tried when the server is busy. */
    tries?: number;
    wait?: (milliseconds: number) => Promise<void>;
}

const sleep = (milliseconds: number) => new Promise<void>((resolve) => { setTimeout(resolve, milliseconds); });

export async function each<T, R>(items: T[], perform: (item: T) => Promise<R>, options: BulkOptions<T, R> = {}): Promise<Progress<T, R>> {
    const { onProgress, signal, atOnce = 4, tries = 4, wait = sleep } = options;
    const progress: Progress<T, R> = { total: items.length, done: [], failed: [] };
    const queue = [...items];
    const one = async (item: T) => {
        for (let left = tries; ; left--) {
            try {
                progress.done.push({ item, result: await perform(item) });
                return;
            } catch (problem) {
                const error = problem instanceof ApiError ? problem : new ApiError(0, String(problem));
                // Only a refusal before anything was done is repeated; an answer that never came may have been a success.
                const refused = error.status === 429 || error.status === 503;
                if (!refused || left <= 1 || signal?.aborted) {
                    progress.failed.push({ item, error });
                    return;
                }
                await wait((error.retryAfter || 1) * 1000);
            }
        }
    };
    const worker = async () => {
        for (let item = queue.shift(); item !== undefined && !signal?.aborted; item = queue.shift()) {
            await one(item);
            onProgress?.({ ...progress });
        }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
    return progress;
}
