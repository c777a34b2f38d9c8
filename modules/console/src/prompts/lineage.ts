// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// From the events that a refinement names to their traces: what a refiner saw are
// verdicts passed between the version that it refined and its own suggestion, and
// the event feed, read backwards, has those.

import { differences, query, ask, type TraceEvent } from '../api.ts';
import { member, parseJson, plain, type Json } from '../json.ts';

export interface LineageEvent extends TraceEvent { trace_id: string }

const VERDICTS = 'review.corrected,review.rejected,review.approved';
/** 10 000 verdicts, newest first: a refiner sees the newest. */
const PAGES = 20;

/** since: when the refined version was saved; until: when the suggestion was made. */
export async function findLineage(project: string, ids: readonly string[], since: string | undefined, until: string): Promise<LineageEvent[]> {
    const wanted = new Set(ids);
    const found: LineageEvent[] = [];
    let before = 'latest';
    for (let page = 0; page < PAGES && found.length < wanted.size; page++) {
        const { text } = await ask(`/v1/events${query({ before, project_id: project, types: VERDICTS, from_date: since, to_date: until, limit: 500 })}`);
        const answer = parseJson(text);
        const events = member(answer, 'events');
        found.push(...(events?.kind === 'array' ? events.items.map(eventOf) : []).filter((one) => wanted.has(one.event_id)));
        if (plain(member(answer, 'has_more')!) !== true) break;
        before = plain(member(answer, 'cursor')!) as string;
    }
    return found;
}

function eventOf(node: Json): LineageEvent {
    const diff = member(node, 'correction_diff');
    return { ...(plain(node) as LineageEvent), correction_diff: diff ? differences(diff) : null };
}
