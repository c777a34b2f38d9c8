// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which version of a project's prompt an id means: 'v3' says more than 'prm_36ZM…'.

import { useEffect, useState } from 'preact/hooks';
import { listPrompts } from '../prompts/api.ts';

type Versions = Map<string, number>;
const known = new Map<string, Versions>();
/** An id that is not there yet is asked for once more, not with each trace. */
const asked = new Set<string>();

/** null: not one of ours, or not known yet. */
export function useVersion(project: string, id: string | null): number | null {
    const [, turn] = useState(0);
    const version = id === null ? undefined : known.get(project)?.get(id);
    useEffect(() => {
        const key = `${project} ${id}`;
        if (version !== undefined || !id?.startsWith('prm_') || asked.has(key)) return;
        asked.add(key);
        listPrompts(project).then(({ history }) => {
            known.set(project, new Map(history.map((one) => [one.id, one.version])));
            turn((old) => old + 1);
        }, () => { /* the id is shown */ });
    }, [project, id, version]);
    return version ?? null;
}
