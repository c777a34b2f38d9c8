// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// '37 of 300 today', in the bar at the top.

import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n.ts';
import type { Progress } from './queue.ts';

export function QueueProgress({ progress }: { progress: Progress | null | undefined }) {
    useEffect(() => {
        const slot = document.getElementById('bar-slot');
        if (slot && progress) render(<Figures progress={progress} />, slot);
    }, [progress]);
    useEffect(() => () => {
        const slot = document.getElementById('bar-slot');
        if (slot) render(null, slot);
    }, []);
    return null;
}

function Figures({ progress: { pending, reviewed } }: { progress: Progress }) {
    const total = pending + reviewed.all;
    const others = Math.max(0, reviewed.all - reviewed.mine);
    return (
        <span class="row queue-progress" title={t('review.progressTitle', { mine: reviewed.mine, others, left: pending })}>
            <span>{t('review.progress', { done: reviewed.mine, total })}</span>
            <svg class="progress-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={t('review.progressTitle', { mine: reviewed.mine, others, left: pending })}>
                <rect class="ground" width="100" height="8" />
                <rect class="all" width={total ? (reviewed.all / total) * 100 : 0} height="8" />
                <rect class="mine" width={total ? (reviewed.mine / total) * 100 : 0} height="8" />
            </svg>
        </span>
    );
}
