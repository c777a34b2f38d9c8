// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// '37 of 300 today' and how long each took, in the bar at the top.

import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { formatDuration } from '../duration.ts';
import { t } from '../i18n.ts';
import { useStored } from '../settings.ts';
import { dayOf } from './pace.ts';
import type { Progress } from './queue.ts';

export function QueueProgress({ progress, who }: { progress: Progress | null | undefined; who: string }) {
    useEffect(() => {
        const slot = document.getElementById('bar-slot');
        if (slot && progress) render(<Figures progress={progress} who={who} />, slot);
    }, [progress, who]);
    useEffect(() => () => {
        const slot = document.getElementById('bar-slot');
        if (slot) render(null, slot);
    }, []);
    return null;
}

function Figures({ progress: { pending, reviewed }, who }: { progress: Progress; who: string }) {
    const [kept] = useStored(`pace.${who}`, '');
    const pace = dayOf(kept);
    const total = pending + reviewed.all;
    const others = Math.max(0, reviewed.all - reviewed.mine);
    return (
        <span class="row queue-progress" title={t('review.progressTitle', { mine: reviewed.mine, others, left: pending })}>
            <span>{t('review.progress', { done: reviewed.mine, total })}</span>
            {pace.count > 0 && <small class="quiet pace" title={t('review.paceTitle')}>{t('review.pace', { time: formatDuration(pace.ms / pace.count / 1000) })}</small>}
            <svg class="progress-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={t('review.progressTitle', { mine: reviewed.mine, others, left: pending })}>
                <rect class="ground" width="100" height="8" />
                <rect class="all" width={total ? (reviewed.all / total) * 100 : 0} height="8" />
                <rect class="mine" width={total ? (reviewed.mine / total) * 100 : 0} height="8" />
            </svg>
        </span>
    );
}
