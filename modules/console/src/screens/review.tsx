// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// /console/review/TRACE?filters walks through a list; /console/review?project=…&tag=…
// works off a queue.

import { useLayoutEffect, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { warmPane } from '../inputs/index.tsx';
import { Desk } from '../review/desk.tsx';
import { openPost, startPost, type Post } from '../review/post.ts';
import { QueueProgress } from '../review/progress.tsx';
import { useQueueWalk } from '../review/queue.ts';
import { useListWalk } from '../review/walk.ts';
import '../review/review.css';
import { can, useSession } from '../session.ts';
import type { Place } from '../router.ts';
import { traces } from '../review/traces.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { Empty } from '../ui/index.tsx';

/** The trace of the address is under way while the session is. */
export function ahead(place: Place): void {
    if (place.path[1]) traces.load(place.path[1]).catch(() => { /* asked for again when it is shown */ });
    openPost();
}

export default function Review({ place, rest }: ScreenProps) {
    const session = useSession();
    const [post, setPost] = useState<Post | null>(null);
    useLayoutEffect(() => { void startPost(session.me).then(setPost); }, [session.me]);
    // What its first PDF needs comes while the first trace does.
    const shown = session.everyProject.find((one) => one.id === currentProject(session, place));
    useLayoutEffect(() => { if (shown) warmPane(shown); }, [shown?.id]);
    if (!post) return null;
    if (rest[0]) return <ListReview post={post} id={rest[0]} search={place.query} />;
    const project = currentProject(session, place);
    if (!project) return <Empty whole title={t('review.noProject')}>{t('review.noProjectText')}</Empty>;
    if (!can(session.me, 'reviewer')) return <Empty whole title={t('review.viewerQueue')} action={<a class="button" href={`/console/traces?project=${project}`}>{t('review.backToList')}</a>}>{t('review.viewerWhy')}</Empty>;
    const tag = place.query.get('tag');
    return <QueueReview key={`${project} ${tag}`} post={post} project={project} tag={tag} />;
}

function ListReview({ post, id, search }: { post: Post; id: string; search: URLSearchParams }) {
    const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
    const walk = useListWalk(id, search);
    return <Desk walk={walk} post={post} decided={decided} setDecided={setDecided} />;
}

function QueueReview({ post, project, tag }: { post: Post; project: string; tag: string | null }) {
    const [decided, setDecided] = useState<ReadonlySet<string>>(new Set(post.outbox.entries.map((one) => one.trace)));
    const walk = useQueueWalk(project, tag, decided);
    return <><QueueProgress progress={walk.progress} who={post.who} /><Desk walk={walk} post={post} decided={decided} setDecided={setDecided} /></>;
}
