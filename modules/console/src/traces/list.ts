// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The rows of a filter: pages by keyset, kept while one is away, and what others do
// in the meantime. New traces are counted, and come when the reader asks for them.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, listTraces, query, type Page, type Tag } from '../api.ts';
import { traceParameters, type Filter } from '../filters.ts';
import { useAction, useLoad } from '../load.ts';
import { inFront, rowOf, withEvents, type FeedEvent, type Row } from './rows.ts';

const PAGE = 50;
const MOST = 500;
const POLL = 4000;
/** Payloads of documents are never fetched for a list. */
const HEAVY = 'model_input.pdf_base64,model_input.image_base64,final_output';
const EVERYTHING = 'model_input,model_output,trace_config,corrected_output,final_output';

interface Listing { key: string; rows: Row[]; next: string | null }
/** What is kept of a list that one has left: where one was. */
export interface Place { scroll: number; current: string | null }

const kept = new Map<string, Listing & Place>();

function keep(listing: Listing, place?: Place): void {
    const old = kept.get(listing.key);
    kept.delete(listing.key);
    kept.set(listing.key, { ...listing, scroll: place?.scroll ?? old?.scroll ?? 0, current: place ? place.current : old?.current ?? null });
    if (kept.size > 8) kept.delete(kept.keys().next().value!);
}

async function page(path: string, signal?: AbortSignal): Promise<Page<Row>> {
    const { items, next } = await listTraces(path, signal);
    return { items: items.map(rowOf), next };
}
const pathOf = (filter: Filter, limit: number, exclude = HEAVY) => `/v1/traces/${query({ ...traceParameters(filter), limit, exclude_fields: exclude })}`;

export interface TraceList {
    /** undefined: nothing came yet. */
    rows: Row[] | undefined;
    /** rows are those of this filter, not of the one before. */
    current: boolean;
    next: string | null;
    error: ApiError | null; slow: boolean;
    reload: () => void;
    more: ReturnType<typeof useAction<[]>>;
    /** How many traces came since; show fetches them. */
    fresh: number;
    show: ReturnType<typeof useAction<[]>>;
    change: (change: (rows: Row[]) => Row[]) => void;
    place: Place;
    leave: (place: Place) => void;
    /** Counts up with everything that happened on the server. */
    tick: number;
}

export function useTraces(organization: string, filter: Filter, tags: Tag[]): TraceList {
    const key = `${organization} ${pathOf(filter, 0)}`;
    const load = useLoad<Listing>(async (signal) => {
        const { items, next } = await page(pathOf(filter, Math.min(MOST, Math.max(PAGE, kept.get(key)?.rows.length ?? 0))), signal);
        return { key, rows: items, next };
    }, [key]);
    const old = kept.get(key);
    const listing = load.value?.key === key ? load.value : old ?? load.value;
    const latest = useRef({ key, listing, filter, tags });
    latest.current = { key, listing, filter, tags };
    if (load.value?.key === key) keep(load.value);

    const set = useCallback((from: string, change: (listing: Listing) => Listing) => {
        const present = latest.current.listing;
        if (!present || present.key !== from) return;
        const next = change(present);
        latest.current.listing = next;
        load.set(next);
    }, []);
    const change = useCallback((apply: (rows: Row[]) => Row[]) => {
        set(latest.current.key, (one) => {
            const rows = apply(one.rows);
            return rows === one.rows ? one : { ...one, rows };
        });
    }, []);

    const more = useAction(async () => {
        const from = listing;
        if (!from?.next) return;
        const { items, next } = await page(from.next);
        set(from.key, (one) => ({ ...one, rows: [...one.rows, ...items.filter((row) => !one.rows.some((other) => other.id === row.id))], next }));
    });

    const [fresh, setFresh] = useState(0);
    useEffect(() => setFresh(0), [key]);
    const show = useAction(async () => {
        const from = latest.current.key;
        const first = await page(pathOf(filter, PAGE));
        set(from, (one) => {
            const rows = inFront(first.items, one.rows);
            return rows === first.items ? { key: from, rows, next: first.next } : { ...one, rows };
        });
        setFresh(0);
    });

    const tick = useEvents(async (events) => {
        const { key: now, filter: asked, listing: shown, tags: known } = latest.current;
        change((rows) => withEvents(rows, events, known));
        const created = events.some((one) => (one.event_type === 'trace.created' || one.event_type === 'trace.restored')
            && (!asked.project || one.project_id === asked.project));
        if (!created || !shown || shown.key !== now) return;
        if (shown.rows.length === 0) {
            load.reload();
            return;
        }
        const { items } = await listTraces(pathOf(asked, 100, EVERYTHING));
        const top = shown.rows[0].id;
        if (latest.current.key === now) setFresh(items.filter((one) => one.id > top && !latest.current.listing?.rows.some((row) => row.id === one.id)).length);
    });

    return {
        rows: listing?.rows, current: listing?.key === key, next: listing?.next ?? null, error: load.error, slow: load.slow, reload: load.reload,
        more, fresh, show, change, tick,
        place: old ?? { scroll: 0, current: null },
        leave: (place) => { if (kept.has(key)) keep(kept.get(key)!, place); },
    };
}

/** Asks every few seconds what happened, while the page is looked at. Answers with how often something had. */
function useEvents(tell: (events: FeedEvent[]) => Promise<void>): number {
    const [tick, setTick] = useState(0);
    const telling = useRef(tell);
    telling.current = tell;
    useEffect(() => {
        let cursor = 'latest';
        let gone = false;
        let timer: ReturnType<typeof setTimeout>;
        const ask = async () => {
            try {
                if (!document.hidden) {
                    const answer = await get<{ events: FeedEvent[]; cursor: string }>(`/v1/events${query({ after: cursor, limit: 500 })}`);
                    if (gone) return;
                    cursor = answer.cursor;
                    if (answer.events.length > 0) {
                        await telling.current(answer.events);
                        if (!gone) setTick((old) => old + 1);
                    }
                }
            } catch { /* the next one may come; the shell says when the server is away */ }
            if (!gone) timer = setTimeout(ask, POLL);
        };
        void ask();
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, []);
    return tick;
}

// -------------------------------------------------------------------- figures

export interface Share { total: number; pending: number; approved: number; rejected: number; corrected: number }
export interface Figures {
    totals: Omit<Share, 'total'>;
    by_model: (Share & { model: string | null })[];
    by_prompt_version: (Share & { prompt_version_id: string | null })[];
    by_reviewer: { actor_id: string; name: string | null }[];
}

/** Counts per status of what the filter leaves, where the figures have them; null where they do not. */
export function countsOf(figures: Figures[], filter: Filter): Omit<Share, 'total'> | null {
    if (filter.tag || filter.run || (filter.model && filter.prompt)) return null;
    const sum = { pending: 0, approved: 0, rejected: 0, corrected: 0 };
    for (const one of figures) {
        const part = filter.model ? one.by_model.find((row) => row.model === filter.model)
            : filter.prompt ? one.by_prompt_version.find((row) => row.prompt_version_id === filter.prompt) : one.totals;
        if (!part) continue;
        for (const status of ['pending', 'approved', 'rejected', 'corrected'] as const) sum[status] += part[status];
    }
    return sum;
}

interface Lease { trace_id: string; holder: { id: string; name: string | null } }

/** Who else holds which trace in the queue; nobody, where there is no queue. */
export function useLeases(project: string | null, me: string): Map<string, string> {
    const [leases, setLeases] = useState(new Map<string, string>());
    useEffect(() => {
        let gone = false;
        let timer: ReturnType<typeof setTimeout>;
        const ask = async () => {
            try {
                if (!document.hidden) {
                    const { leases: found } = await get<{ leases?: Lease[] }>(`/v1/queue${query({ project_id: project })}`);
                    if (gone) return;
                    setLeases(new Map((found ?? []).filter((one) => one.holder.id !== me).map((one) => [one.trace_id, one.holder.name ?? one.holder.id])));
                }
            } catch (problem) {
                // Without a queue there is nobody to ask again.
                if (problem instanceof ApiError && problem.status >= 400 && problem.status < 500 && problem.status !== 429) return;
            }
            if (!gone) timer = setTimeout(ask, 15_000);
        };
        void ask();
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, [project, me]);
    return leases;
}
