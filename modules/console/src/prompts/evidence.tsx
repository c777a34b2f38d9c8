// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The reviews that a refinement rests on, each with its trace.

import { useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { traceHref } from '../links.ts';
import { useAction } from '../load.ts';
import { ErrorNote, StatusMark, Time } from '../ui/index.tsx';
import { findLineage, type LineageEvent } from './lineage.ts';

/** Looked up only when asked for: it takes many requests. */
export function Evidence({ project, ids, since, until }: { project: string; ids: string[]; since: string | undefined; until: string }) {
    const [events, setEvents] = useState<LineageEvent[] | null>(null);
    const { run, busy, error } = useAction(async () => setEvents(await findLineage(project, ids, since, until)));
    if (ids.length === 0) return null;
    if (!events) {
        return (
            <>
                <ErrorNote error={error} />
                <button type="button" class="link start" disabled={busy} onClick={() => void run()}>{busy ? t('prompts.searching') : t('prompts.showEvidence', { count: ids.length })}</button>
            </>
        );
    }
    return (
        <>
            <h3>{t('prompts.evidence', { count: ids.length })}</h3>
            <ul class="evidence">
                {events.map((event) => (
                    <li key={event.event_id} class="row wrap">
                        {event.status_after && <StatusMark status={event.status_after} />}
                        <a href={traceHref(event.trace_id)}>{event.correction_diff?.length ? event.correction_diff.map((change) => change.path).slice(0, 4).join(', ') : t('prompts.theTrace')}</a>
                        {event.comment && <q class="clip">{event.comment}</q>}
                        <span class="quiet"><Time at={event.occurred_at} /></span>
                    </li>
                ))}
            </ul>
            {ids.length > events.length && <small>{t('prompts.moreEvidence', { count: ids.length - events.length })}</small>}
        </>
    );
}
