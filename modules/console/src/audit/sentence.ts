// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// An event as a sentence has it: what is said, and what of the correction is shown.

import { differences, type Difference } from '../api.ts';
import { member, parseJson, plain, textOf, type Json } from '../json.ts';
import type { FeedEvent } from '../traces/rows.ts';

export const TYPES = [
    'trace.created', 'review.approved', 'review.corrected', 'review.rejected', 'trace.reset', 'trace.deleted', 'trace.restored', 'tag.added', 'tag.removed',
] as const;
export type EventType = typeof TYPES[number];

export interface FeedPage { events: FeedEvent[]; cursor: string; more: boolean }

/** Differences keep their characters: 1250.450 is not 1250.45. */
export function pageOf(text: string): FeedPage {
    const node = parseJson(text);
    const events = member(node, 'events');
    return {
        events: events?.kind === 'array' ? events.items.map(eventOf) : [],
        cursor: textOf(member(node, 'cursor')) ?? '', more: plain(member(node, 'has_more') ?? { kind: 'boolean', raw: 'false' }) === true,
    };
}

function eventOf(node: Json): FeedEvent {
    const diff = member(node, 'correction_diff');
    const rest = node.kind === 'object' ? { ...node, members: node.members.filter((one) => one.key !== 'correction_diff') } : node;
    return { ...(plain(rest) as FeedEvent), correction_diff: diff ? differences(diff) : null };
}

/** The first differences, and how many are left out. */
export function shownDifferences(diff: Difference[] | null, most = 3): { shown: Difference[]; left: number } {
    return { shown: (diff ?? []).slice(0, most), left: Math.max(0, (diff?.length ?? 0) - most) };
}
