// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A project's prompts as /v1 has them.

import { get, send } from '../api.ts';

export interface Prompt {
    id: string; project_id: string; version: number; content: string; source: 'manual' | 'refinement'; is_active: boolean;
    parent_id: string | null; rationale: string | null; lineage_event_ids: string[]; created_at: string; created_by: string;
}
export interface PromptList { active: Prompt | null; history: Prompt[] }
export interface PromptStats {
    prompt_id: string; version: number; totals: Record<'pending' | 'approved' | 'rejected' | 'corrected', number>; reviewed: number;
    rates: Record<'approved' | 'rejected' | 'corrected', number | null>;
    by_field: { path: string; count: number }[];
    time_to_review: { p50: number | null; p90: number | null };
}
export interface Suggestion {
    id: string; project_id: string; parent_id: string; content: string; rationale: string | null; lineage_event_ids: string[];
    reviewed_count: number; created_at: string;
}

const path = (project: string, rest = '') => `/v1/projects/${encodeURIComponent(project)}/prompts${rest}`;

export const listPrompts = (project: string, signal?: AbortSignal) => get<PromptList>(path(project), signal);
export const promptStats = (project: string, id: string, signal?: AbortSignal) => get<PromptStats>(path(project, `/${encodeURIComponent(id)}/stats`), signal);
export const savePrompt = (project: string, content: string) => send<Prompt>('POST', path(project), { content });
export const refine = async (project: string) => (await send<{ suggestion: Suggestion }>('POST', path(project, '/refine'), {})).suggestion;
/** content: what the person made of the suggestion, if it is not the suggestion itself. */
export const acceptSuggestion = (suggestion: Suggestion, content: string) =>
    send<Prompt>('POST', path(suggestion.project_id, '/accept-refinement'), { suggestion_id: suggestion.id, ...(content === suggestion.content ? {} : { content }) });

export const MOST_BYTES = 16384;
export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
