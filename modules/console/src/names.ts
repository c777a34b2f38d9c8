// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Who an actor's id stands for. Only administrators may list members and keys;
// for everybody else an id that is not their own stays an id.

import { useLoad } from './load.ts';
import { get, type Me } from './api.ts';
import { can, useSession } from './session.ts';

interface Member { user_id: string; login: string; name: string | null }
interface ApiKey { id: string; name: string }

/** The name of an id, or null if it is not known. */
export function useNames(): (id: string) => string | null {
    const { me } = useSession();
    const { value } = useLoad(async (signal) => (can(me, 'admin') ? await everybody(signal) : new Map<string, string>()), [me.organization.id, me.id]);
    return (id) => ownName(me, id) ?? value?.get(id) ?? null;
}

function ownName(me: Me, id: string): string | null { return id === me.id ? me.name ?? me.login : null; }

async function everybody(signal: AbortSignal): Promise<Map<string, string>> {
    const [members, keys] = await Promise.all([get<Member[]>('/v1/members', signal), get<ApiKey[]>('/v1/api-keys', signal)]);
    return new Map([...members.map((one): [string, string] => [one.user_id, one.name ?? one.login]), ...keys.map((one): [string, string] => [one.id, one.name])]);
}
