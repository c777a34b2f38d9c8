// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Input and output side by side, with a splitter for pointer and keys; on a narrow
// screen, tabs.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { useStored } from '../settings.ts';

const LEAST = 20;
const MOST = 80;

export function useNarrow(): boolean {
    const [narrow, setNarrow] = useState(() => matchMedia('(max-width: 860px)').matches);
    useEffect(() => {
        const media = matchMedia('(max-width: 860px)');
        const tell = () => setNarrow(media.matches);
        media.addEventListener('change', tell);
        return () => media.removeEventListener('change', tell);
    }, []);
    return narrow;
}

/** at: what is shown; the panes begin at their top when it changes. side: which tab shows on a narrow screen. */
export function Panes({ at, left, right, side, onSide }: { at: string; left: ComponentChildren; right: ComponentChildren; side: 'input' | 'output'; onSide: (side: 'input' | 'output') => void }) {
    const [stored, store] = useStored('split', '55');
    const narrow = useNarrow();
    const box = useRef<HTMLDivElement>(null);
    // Both panes stay from trace to trace. Asking where they stand would lay out the page once more.
    const scrolled = useRef(new Set<Element>());
    useLayoutEffect(() => {
        for (const pane of scrolled.current) pane.scrollTo(0, 0);
        scrolled.current.clear();
    }, [at]);
    const onScroll = (event: Event) => { scrolled.current.add(event.currentTarget as Element); };
    const split = Math.min(MOST, Math.max(LEAST, Number(stored) || 55));
    const set = (to: number) => store(String(Math.round(Math.min(MOST, Math.max(LEAST, to)))));

    const drag = (event: PointerEvent) => {
        const handle = event.currentTarget as HTMLElement;
        handle.setPointerCapture(event.pointerId);
        const { left, width } = box.current!.getBoundingClientRect();
        const move = (at: PointerEvent) => set(((at.clientX - left) / width) * 100);
        const stop = () => {
            handle.removeEventListener('pointermove', move);
            handle.removeEventListener('pointerup', stop);
            handle.removeEventListener('pointercancel', stop);
        };
        handle.addEventListener('pointermove', move);
        handle.addEventListener('pointerup', stop);
        handle.addEventListener('pointercancel', stop);
    };
    const byKey = (event: KeyboardEvent) => {
        const to = { ArrowLeft: split - 2, ArrowRight: split + 2, Home: LEAST, End: MOST }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        set(to);
    };
    if (narrow) {
        const tab = (name: 'input' | 'output') => (
            <button type="button" role="tab" id={`tab-${name}`} aria-selected={side === name} aria-controls={`pane-${name}`} tabIndex={side === name ? 0 : -1} onClick={() => onSide(name)}
                onKeyDown={(event) => {
                    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
                    event.preventDefault();
                    event.stopPropagation();
                    onSide(name === 'input' ? 'output' : 'input');
                    document.getElementById(`tab-${name === 'input' ? 'output' : 'input'}`)?.focus();
                }}>{t(`review.${name}`)}</button>
        );
        return (
            <div class="panes narrow">
                <div class="tabs" role="tablist" aria-label={t('review.panes')}>{tab('input')}{tab('output')}</div>
                <section id="pane-input" role="tabpanel" aria-labelledby="tab-input" class="pane" hidden={side !== 'input'} onScroll={onScroll}>{left}</section>
                <section id="pane-output" role="tabpanel" aria-labelledby="tab-output" class="pane" hidden={side !== 'output'} onScroll={onScroll}>{right}</section>
            </div>
        );
    }
    return (
        <div class="panes" ref={box} style={{ gridTemplateColumns: `minmax(0, ${split}fr) 9px minmax(0, ${100 - split}fr)` }}>
            <div id="pane-input" class="pane" role="group" aria-label={t('review.input')} tabIndex={0} onScroll={onScroll}>{left}</div>
            <div class="splitter" role="separator" tabIndex={0} aria-orientation="vertical" aria-label={t('review.splitter')} aria-valuenow={split} aria-valuemin={LEAST} aria-valuemax={MOST} aria-controls="pane-input"
                onPointerDown={drag} onKeyDown={byKey} onDblClick={() => set(55)} />
            <div id="pane-output" class="pane" role="group" aria-label={t('review.output')} tabIndex={0} onScroll={onScroll}>{right}</div>
        </div>
    );
}
