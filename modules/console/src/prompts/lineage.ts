// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// From the events that a refinement names to their traces. Nothing looks an event up
// by its id alone; but what a refiner saw are verdicts passed while its parent was
// active, so the trails of the traces that were reviewed then are searched. Traces
// that were reset or deleted since may stay unfound.

import { listTraces, query, traceEvents, type Trace, type TraceEvent } from '../api.ts';
import type { Prompt } from './api.ts';

export interface LineageEvent { event: TraceEvent; trace: string }

const PAYLOADS = 'model_input,model_output,corrected_output,final_output,trace_config';
const PAGES = 4;
const TRAILS = 300;
const AT_ONCE = 6;

/** Reviewed last between two moments; a trace reviewed again later has its old verdict in its trail, so `until` is no bound. */
export function candidates(traces: Trace[], since: string): Trace[] {
    return traces.filter((one) => one.last_reviewed_at !== null && one.last_reviewed_at > since)
        .sort((a, b) => (a.last_reviewed_at! < b.last_reviewed_at! ? 1 : -1));
}

/** since: when the parent was saved. Searches corrections first: they teach most. */
export async function findLineage(project: string, ids: readonly string[], parent: Prompt | undefined): Promise<LineageEvent[]> {
    const missing = new Set(ids);
    const found: LineageEvent[] = [];
    let trails = 0;
    for (const status of ['corrected', 'rejected', 'approved']) {
        let next: string | null = `/v1/traces/${query({ project_id: project, status, exclude_fields: PAYLOADS, limit: 500 })}`;
        for (let page = 0; next && page < PAGES && missing.size > 0; page++) {
            const list = await listTraces(next);
            next = list.next;
            const waiting = candidates(list.items, parent?.created_at ?? '').slice(0, TRAILS - trails);
            trails += waiting.length;
            while (waiting.length > 0 && missing.size > 0) {
                await Promise.all(waiting.splice(0, AT_ONCE).map(async (trace) => {
                    for (const event of await traceEvents(trace.id)) {
                        if (missing.delete(event.event_id)) found.push({ event, trace: trace.id });
                    }
                }));
            }
        }
    }
    const order = new Map(ids.map((id, at) => [id, at]));
    return found.sort((a, b) => order.get(a.event.event_id)! - order.get(b.event.event_id)!);
}
