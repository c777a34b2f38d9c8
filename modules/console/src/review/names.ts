// Licensed under the Apache License, Version 2.0; see LICENSE.

import { ApiError, get } from '../api.ts';
import { t } from '../i18n.ts';

/** Names of people by id, as far as one may know them: admins see the members, others those that reviewed in the project. */
const names = new Map<string, string>();
let asked = '';

export async function loadNames(admin: boolean, project: string): Promise<void> {
    const key = admin ? 'all' : project;
    if (asked === key) return;
    try {
        if (admin) for (const one of await get<{ user_id: string; login: string; name: string | null }[]>('/v1/members')) names.set(one.user_id, one.name ?? one.login);
        else for (const one of (await get<{ by_reviewer: { actor_id: string; name: string | null }[] }>(`/v1/projects/${project}/analytics`)).by_reviewer) if (one.name) names.set(one.actor_id, one.name);
        asked = key;
    } catch (error) {
        if (!(error instanceof ApiError)) throw error;
    }
}
export function nameOf(id: string | null, me: { id: string }): string {
    if (!id) return t('review.system');
    if (id === me.id) return t('common.you');
    return names.get(id) ?? (id.startsWith('key_') ? t('review.apiKey') : `${id.slice(0, 9)}…${id.slice(-4)}`);
}
