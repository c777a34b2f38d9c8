// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What a screen shows while it waits: the old content, never a flash.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';

export interface Load<T> {
    /** The last value that came; stays while the next one is under way. */
    value: T | undefined;
    error: ApiError | null;
    loading: boolean;
    /** Loading for more than 300 ms: time for a skeleton. */
    slow: boolean;
    reload: () => void;
    /** Puts in a value that is known already (the answer to a write). */
    set: (value: T) => void;
}

/** fetcher runs anew when one of keys changes; null as a key waits. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Load<T> {
    const [state, setState] = useState<{ value: T | undefined; error: ApiError | null; loading: boolean; slow: boolean }>(
        { value: undefined, error: null, loading: true, slow: false });
    const [round, setRound] = useState(0);
    const latest = useRef(fetcher);
    latest.current = fetcher;
    useEffect(() => {
        if (keys.includes(null)) return;
        const abort = new AbortController();
        setState((old) => ({ ...old, loading: true, slow: false }));
        const timer = setTimeout(() => setState((old) => ({ ...old, slow: old.loading })), 300);
        latest.current(abort.signal).then(
            (value) => { if (!abort.signal.aborted) setState({ value, error: null, loading: false, slow: false }); },
            (error: unknown) => {
                if (abort.signal.aborted) return;
                const known = error instanceof ApiError ? error : new ApiError(0, String(error));
                setState((old) => ({ ...old, error: known, loading: false, slow: false }));
            },
        ).finally(() => clearTimeout(timer));
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [...keys, round]);
    const reload = useCallback(() => setRound((old) => old + 1), []);
    const set = useCallback((value: T) => setState({ value, error: null, loading: false, slow: false }), []);
    return { ...state, reload, set };
}

/** For a button that writes: busy while it runs, error if it failed. */
export function useAction<A extends unknown[]>(run: (...args: A) => Promise<void>): { run: (...args: A) => Promise<void>; busy: boolean; error: ApiError | null; clear: () => void } {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const going = useRef(false);
    const start = async (...args: A) => {
        if (going.current) return;
        going.current = true;
        setBusy(true);
        setError(null);
        try {
            await run(...args);
        } catch (problem) {
            setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
        } finally {
            going.current = false;
            setBusy(false);
        }
    };
    return { run: start, busy, error, clear: () => setError(null) };
}
