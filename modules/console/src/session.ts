// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Who is signed in, to which organization, with which projects and tags.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { ApiError, chooseOrganization, get, type Me, type Project, type Role, type Tag } from './api.ts';
import { store, stored } from './settings.ts';

export interface Session {
    me: Me;
    /** Those that are not archived, by name; all of them in everyProject. */
    projects: Project[];
    everyProject: Project[];
    tags: Tag[];
    /** Reads projects and tags anew after a change. */
    refresh: () => Promise<void>;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
    const session = useContext(SessionContext);
    if (!session) throw new Error('no session');
    return session;
}

const RANK: Record<Role, number> = { viewer: 0, reviewer: 1, admin: 2 };

export function can(me: Me, role: Role): boolean { return RANK[me.role] >= RANK[role]; }

/** Throws ApiError: 401 is not signed in, 403 signed in without an organization. */
export async function loadSession(): Promise<Omit<Session, 'refresh'>> {
    chooseOrganization(stored('organization'));
    try {
        return await loadAll();
    } catch (error) {
        // A choice that no longer holds is forgotten.
        if (!(error instanceof ApiError) || error.status !== 403 || !stored('organization')) throw error;
        store('organization', null);
        chooseOrganization(null);
        return loadAll();
    }
}

// All at once; what /v1/me is refused with says most.
async function loadAll(): Promise<Omit<Session, 'refresh'>> {
    const shelf = loadShelf();
    shelf.catch(() => {});
    return { me: await get<Me>('/v1/me'), ...await shelf };
}

export async function loadShelf(): Promise<Pick<Session, 'projects' | 'everyProject' | 'tags'>> {
    const [present, archived, tags] = await Promise.all([get<Project[]>('/v1/projects/'), get<Project[]>('/v1/projects/?archived=true'), get<Tag[]>('/v1/tags/')]);
    const everyProject = [...present, ...archived];
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    everyProject.sort(byName);
    return { everyProject, projects: everyProject.filter((one) => !one.archived), tags: tags.sort(byName) };
}

export function switchOrganization(id: string): void {
    store('organization', id);
    location.assign('/console/');
}

/** false: the name or the password is wrong. */
export async function signIn(login: string, password: string): Promise<boolean> {
    const response = await fetch('/console/session', {
        method: 'POST', credentials: 'same-origin', redirect: 'manual',
        body: new URLSearchParams({ httpd_username: login, httpd_password: password }),
    }).catch(() => { throw new ApiError(0, 'unreachable'); });
    if (response.type === 'opaqueredirect' || response.ok) return true;
    if (response.status === 401) return false;
    throw new ApiError(response.status, response.statusText);
}

export async function signOut(): Promise<void> {
    await fetch('/console/sign-out', { method: 'POST', credentials: 'same-origin', redirect: 'manual' });
    location.assign('/console/sign-in');
}
