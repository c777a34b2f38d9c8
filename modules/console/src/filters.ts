// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which traces an address means. The list and whoever walks along it read the
// same parameters: project (an id, or all), status, tag, model, prompt, run, from, to.

import { query } from './api.ts';

export interface Filter {
    /** null: every project. */
    project: string | null;
    status: string; tag: string; model: string; prompt: string; run: string;
    /** Days of the reader's own calendar, both included: 2026-05-20. */
    from: string; to: string;
}

/** What narrows a project's traces beside their status. */
export const NARROWING = ['tag', 'model', 'prompt', 'run', 'from', 'to'] as const;
const STATUSES = ['pending', 'approved', 'rejected', 'corrected'];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** fallback: the project where the address names none. */
export function filterOf(search: URLSearchParams, fallback: string | null): Filter {
    const text = (name: string) => search.get(name)?.trim() ?? '';
    const day = (name: string) => (DAY.test(text(name)) && !Number.isNaN(Date.parse(text(name))) ? text(name) : '');
    const project = search.get('project');
    return {
        project: project === 'all' ? null : project ?? fallback, status: STATUSES.includes(text('status')) ? text('status') : '',
        tag: text('tag'), model: text('model'), prompt: text('prompt'), run: text('run'), from: day('from'), to: day('to'),
    };
}

/** The beginning of a local day, some days later, as the API takes times. */
export function startOfDay(day: string, later = 0): string {
    const [year, month, date] = day.split('-').map(Number);
    return new Date(year, month - 1, date + later).toISOString();
}

export function periodOf(filter: Pick<Filter, 'from' | 'to'>): { from_date: string | null; to_date: string | null } {
    return { from_date: filter.from ? startOfDay(filter.from) : null, to_date: filter.to ? startOfDay(filter.to, 1) : null };
}

/** As GET /v1/traces/ takes it. */
export function traceParameters(filter: Filter): Record<string, string | null> {
    return {
        project_id: filter.project, status: filter.status, tag: filter.tag, model: filter.model,
        prompt_version_id: filter.prompt, internal_run_id: filter.run, ...periodOf(filter),
    };
}

/** As the console's addresses have it: '?project=…&status=…'. */
export function filterQuery(filter: Filter, without: (keyof Filter)[] = []): string {
    const all: Record<string, string> = { ...filter, project: filter.project ?? 'all' };
    for (const name of without) delete all[name];
    return query(all);
}
