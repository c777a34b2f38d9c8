// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { PromptStats } from './api.ts';

/** In what part of a version's reviewed traces a field was corrected; null where nothing was reviewed. */
export interface FieldShare { path: string; before: number | null; after: number | null }

/** Those that were corrected most often first, in whichever version. */
export function fieldShares(before: PromptStats, after: PromptStats): FieldShare[] {
    const share = (stats: PromptStats, path: string) => (stats.reviewed ? (stats.by_field.find((one) => one.path === path)?.count ?? 0) / stats.reviewed : null);
    const paths = new Set([...before.by_field, ...after.by_field].map((one) => one.path));
    return [...paths].map((path) => ({ path, before: share(before, path), after: share(after, path) }))
        .sort((a, b) => Math.max(b.before ?? 0, b.after ?? 0) - Math.max(a.before ?? 0, a.after ?? 0) || a.path.localeCompare(b.path));
}
