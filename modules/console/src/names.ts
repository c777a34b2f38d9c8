// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Who an actor's id stands for. Administrators may list members and keys; everybody
// else learns the names of those who reviewed, from the figures of the projects.

import { get, type Me } from './api.ts';
import { t } from './i18n.ts';
import { useLoad } from './load.ts';
import { can, useSession } from './session.ts';

interface Member { user_id: string; login: string; name: string | null }
interface ApiKey { id: string; name: string }
type Names = Map<string, string>;

/** Where a screen shows every project: so many are asked. */
const PROJECTS = 12;
/** Asked for anew after that. */
const FRESH = 5 * 60_000;
const reviewers = new Map<string, { at: number; names: Promise<Names> }>();

/** The name of an id, or null if it is not known. project: the one that the screen is about, null for all. */
export function useNames(project: string | null = null): (id: string) => string | null {
    const { me, projects } = useSession();
    const { value } = useLoad(async (signal) => {
        if (can(me, 'admin')) return everybody(signal);
        const asked = project ? [project] : projects.slice(0, PROJECTS).map((one) => one.id);
        return new Map((await Promise.all(asked.map(reviewersOf))).flatMap((one) => [...one]));
    }, [me.organization.id, me.id, project ?? '']);
    return (id) => ownName(me, id) ?? value?.get(id) ?? null;
}

/** In a sentence: 'you', a name, or what can be said of whoever has none. */
export function usePeople(project: string): (id: string | null) => string {
    const { me } = useSession();
    const names = useNames(project);
    return (id) => {
        if (!id) return t('review.system');
        if (id === me.id) return t('common.you');
        return names(id) ?? (id.startsWith('key_') ? t('review.apiKey') : t('review.somebody', { id: id.slice(-4) }));
    };
}

function ownName(me: Me, id: string): string | null { return id === me.id ? me.name ?? me.login : null; }

async function everybody(signal: AbortSignal): Promise<Names> {
    const [members, keys] = await Promise.all([get<Member[]>('/v1/members', signal), get<ApiKey[]>('/v1/api-keys', signal)]);
    return new Map([...members.map((one): [string, string] => [one.user_id, one.name ?? one.login]), ...keys.map((one): [string, string] => [one.id, one.name])]);
}

function reviewersOf(project: string): Promise<Names> {
    const known = reviewers.get(project);
    if (known && Date.now() - known.at < FRESH) return known.names;
    const names = get<{ by_reviewer: { actor_id: string; name: string | null }[] }>(`/v1/projects/${encodeURIComponent(project)}/analytics`)
        .then((one) => new Map(one.by_reviewer.flatMap(({ actor_id: id, name }): [string, string][] => (name ? [[id, name]] : []))));
    reviewers.set(project, { at: Date.now(), names });
    names.catch(() => reviewers.delete(project));
    return names;
}
