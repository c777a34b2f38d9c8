// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What happened to a trace, and what was corrected.

import type { ComponentChildren } from 'preact';
import { traceEvents, type Difference, type Project, type Trace, type TraceEvent } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { shown, textOf, type Json } from '../json.ts';
import { useLoad } from '../load.ts';
import { usePeople } from '../names.ts';
import { useSession } from '../session.ts';
import { Dialog, ErrorNote, Glyph, Skeleton, StatusMark, TagChip, Time } from '../ui/index.tsx';
import { useDifferences } from './differ.ts';
import { Difference as WordDifference } from './text.tsx';

export function useHistory(trace: Trace) {
    return useLoad((signal) => traceEvents(trace.id, signal), [trace.id, trace.version, trace.tags.length]);
}

export function History({ trace, project, onClose }: { trace: Trace; project: Project; onClose: () => void }) {
    const { value, error, slow, reload } = useHistory(trace);
    return (
        <Dialog panel title={t('review.history')} onClose={onClose}>
            <ErrorNote error={error} retry={reload} />
            {!value && slow && <Skeleton />}
            <ol class="history">{value?.toReversed().map((event) => <Happened key={event.event_id} event={event} project={project} />)}</ol>
        </Dialog>
    );
}

function Happened({ event, project }: { event: TraceEvent; project: Project }) {
    const { tags } = useSession();
    const nameOf = usePeople(project.id);
    const tag = event.tag_id ? tags.find((one) => one.id === event.tag_id) : null;
    const known = event.event_type.replace('.', '_');
    return (
        <li class="stack">
            <div class="row wrap">
                {event.event_type.startsWith('review.') ? <StatusMark status={event.status_after!} /> : <strong>{t(`review.event.${known}` as TextKey)}</strong>}
                {tag && <TagChip tag={tag} />}
                <span>{nameOf(event.actor_id)}</span>
                <span class="quiet"><Time at={event.occurred_at} /> · {t('review.versionNumber', { count: event.version })}</span>
            </div>
            {event.comment && <blockquote>{event.comment}</blockquote>}
            {event.correction_diff && event.correction_diff.length > 0 && <Corrections diff={event.correction_diff} type={project.output_type} />}
        </li>
    );
}

/** A correction_diff: long texts by words, all else as before and after. */
export function Corrections({ diff }: { diff: Difference[]; type: Project['output_type'] }) {
    const long = diff.length === 1 && isLong(diff[0].from) && isLong(diff[0].to);
    if (long) return <Words before={textOf(diff[0].from)!} after={textOf(diff[0].to)!} />;
    return (
        <div class="table"><table class="dense diff">
            <thead><tr><th>{t('review.fieldName')}</th><th>{t('review.before')}</th><th>{t('review.after')}</th></tr></thead>
            <tbody>{diff.map((one) => (
                <tr key={one.path}><th scope="row" class="mono">{one.path}</th><td><Side value={one.from}><del>{shown(one.from)}</del></Side></td><td><Side value={one.to}><ins>{shown(one.to)}</ins></Side></td></tr>
            ))}</tbody>
        </table></div>
    );
}
const isLong = (node: Json) => (textOf(node)?.length ?? 0) > 60;

function Side({ value, children }: { value: Json; children: ComponentChildren }) {
    return value.kind === 'null' ? <span class="quiet">{t('review.nothing')}</span> : <>{children}</>;
}
function Words({ before, after }: { before: string; after: string }) {
    return <WordDifference title={t('review.whatChanged')} differences={useDifferences(before, after)} />;
}

/** A text's differences stand under it. */
const shownBelow = (trace: Trace, project: Project) => project.output_type === 'text' && trace.correction_diff!.length === 1 && trace.correction_diff![0].path === 'content';

/** Above the output of a trace that was judged: by whom, when, why, and what was changed. */
export function Outcome({ trace, project }: { trace: Trace; project: Project }) {
    const nameOf = usePeople(project.id);
    const { value } = useHistory(trace);
    const event = value?.findLast((one) => one.event_type.startsWith('review.'));
    return (
        <section class="outcome stack" aria-label={t('review.outcome')}>
            <div class="row wrap"><StatusMark status={trace.status} />
                <span>{t('review.judgedBy', { name: nameOf(trace.last_reviewed_by) })} <span class="quiet"><Time at={trace.last_reviewed_at} /></span></span></div>
            {event?.comment && <blockquote>{event.comment}</blockquote>}
            {trace.correction_diff && trace.correction_diff.length > 0 && !shownBelow(trace, project) && <><h2 class="minor"><Glyph name="corrected" /> {t('review.whatChanged')}</h2><Corrections diff={trace.correction_diff} type={project.output_type} /></>}
        </section>
    );
}
