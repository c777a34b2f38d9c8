// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// An image: zoomed to where one points, moved, turned. How it lies is kept for the
// project, so that the next receipt is seen where the last one was.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatPercent, t } from '../i18n.ts';
import { Glyph } from '../ui/index.tsx';
import type { ReadyImage } from './ready.ts';
import { START, movedBy, scaleOf, turnedBy, zoomAt, type ImageView, type Size } from './view.ts';

const PIXELS = 50_000_000;
const STEP = 1.25;
const views = new Map<string, ImageView>();

export function ImagePane({ image, name, projectId, onDownload }: { image: ReadyImage; name: string; projectId: string; onDownload: () => void }) {
    // Which image, not merely whether: the next one has its own chance.
    const [anyway, setAnyway] = useState('');
    const [broken, setBroken] = useState('');
    const { width, height } = image.kind;
    const download = <button type="button" onClick={onDownload}>{t('input.download')}</button>;
    if (broken === image.url) return <div class="note wrong" role="status"><Glyph name="warn" /><span class="grow">{t('input.imageBroken')}</span>{download}</div>;
    if (width * height > PIXELS && anyway !== image.url) {
        return (
            <div class="note warn" role="status">
                <Glyph name="warn" /><span class="grow">{t('input.imageHuge', { width, height })}</span>
                <button type="button" onClick={() => setAnyway(image.url)}>{t('input.showAnyway')}</button>{download}
            </div>
        );
    }
    return <Viewer key={projectId} image={image} name={name} projectId={projectId} onDownload={onDownload} onBroken={() => setBroken(image.url)} />;
}

function Viewer({ image, name, projectId, onDownload, onBroken }: { image: ReadyImage; name: string; projectId: string; onDownload: () => void; onBroken: () => void }) {
    const [view, setView] = useState<ImageView>(() => views.get(projectId) ?? START);
    const [natural, setNatural] = useState<Size>(image.kind);
    const [pane, setPane] = useState<Size>({ width: 0, height: 0 });
    const box = useRef<HTMLDivElement>(null);
    const change = (make: (old: ImageView) => ImageView) => setView((old) => {
        const next = make(old);
        views.set(projectId, next);
        return next;
    });
    const zoom = (factor: number, x = 0, y = 0) => change((old) => zoomAt(old, natural, pane, factor, x, y));
    const turn = () => change((old) => turnedBy(old, natural, pane));

    useEffect(() => setNatural(image.kind), [image]);
    useLayoutEffect(() => {
        const measure = () => setPane({ width: box.current!.clientWidth, height: box.current!.clientHeight });
        measure();
        const observer = new ResizeObserver(measure);
        observer.observe(box.current!);
        return () => observer.disconnect();
    }, []);
    usePointing(box, zoom, (x, y) => change((old) => movedBy(old, natural, pane, x, y)));

    const onKeyDown = (event: KeyboardEvent) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const far = event.shiftKey ? 200 : 50;
        const moves: Record<string, [number, number]> = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
        const move = moves[event.key];
        // An image that is seen whole has nowhere to go: the arrows are the screen's, then.
        if (move && !view.fit) change((old) => movedBy(old, natural, pane, ...move));
        else if (event.key === '+' || event.key === '=') zoom(STEP);
        else if (event.key === '-') zoom(1 / STEP);
        else if (event.key === '0') change((old) => ({ ...START, turns: old.turns }));
        else if (event.key === '1') change((old) => zoomAt(old, natural, pane, 1 / scaleOf(old, natural, pane)));
        else if (event.key === 'r') turn();
        else return;
        event.preventDefault();
        event.stopPropagation();
    };

    const scale = scaleOf(view, natural, pane);
    const place = view.fit ? { x: 0, y: 0 } : view;
    return (
        <div class="viewer">
            <div class="tools" role="toolbar" aria-label={t('input.image', { name })}>
                <button type="button" class="plain icon" aria-label={t('input.zoomOut')} title={t('input.zoomOut')} onClick={() => zoom(1 / STEP)}>−</button>
                <output class="percent">{formatPercent(Math.round(scale * 100) / 100)}</output>
                <button type="button" class="plain icon" aria-label={t('input.zoomIn')} title={t('input.zoomIn')} onClick={() => zoom(STEP)}>+</button>
                <button type="button" class="plain" aria-pressed={view.fit} onClick={() => change((old) => ({ ...START, turns: old.turns }))}>{t('input.fit')}</button>
                <button type="button" class="plain" onClick={() => change((old) => zoomAt(old, natural, pane, 1 / scaleOf(old, natural, pane)))}>1:1<span class="unseen"> {t('input.actual')}</span></button>
                <button type="button" class="plain" onClick={turn}>{t('input.rotate')}</button>
                <button type="button" class="plain" onClick={() => change(() => START)}>{t('input.reset')}</button>
                <span class="grow clip name" title={name}>{name} <small>{image.kind.name}{natural.width > 0 && ` · ${natural.width} × ${natural.height}`}</small></span>
                <button type="button" class="plain" onClick={onDownload}>{t('input.download')}</button>
            </div>
            <div class={`canvas${view.fit ? '' : ' movable'}`} ref={box} tabIndex={0} role="group" aria-label={t('input.imageKeys')} onKeyDown={onKeyDown}>
                <img src={image.url} alt={name} draggable={false} decoding="sync" data-scale={scale.toFixed(4)} data-turns={view.turns}
                    style={{ width: natural.width ? `${natural.width}px` : undefined, transform: `translate(-50%, -50%) translate(${place.x}px, ${place.y}px) scale(${scale}) rotate(${view.turns * 90}deg)` }}
                    onLoad={(event) => {
                        const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
                        if (width && (width !== natural.width || height !== natural.height)) setNatural({ width, height });
                    }}
                    onError={onBroken} />
            </div>
        </div>
    );
}

// The wheel and two fingers zoom to where they are; one pointer moves.
function usePointing(box: { current: HTMLDivElement | null }, zoom: (factor: number, x: number, y: number) => void, move: (x: number, y: number) => void): void {
    const act = useRef({ zoom, move });
    act.current = { zoom, move };
    useEffect(() => {
        const element = box.current!;
        const fingers = new Map<number, { x: number; y: number }>();
        const fromCentre = (x: number, y: number) => {
            const frame = element.getBoundingClientRect();
            return [x - frame.left - frame.width / 2, y - frame.top - frame.height / 2] as const;
        };
        const wheel = (event: WheelEvent) => {
            event.preventDefault();
            const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
            act.current.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), ...fromCentre(event.clientX, event.clientY));
        };
        const down = (event: PointerEvent) => {
            if (event.button !== 0) return;
            fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
            element.setPointerCapture(event.pointerId);
        };
        const moved = (event: PointerEvent) => {
            const old = fingers.get(event.pointerId);
            if (!old) return;
            const now = { x: event.clientX, y: event.clientY };
            const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
            if (other) {
                const apart = (one: { x: number; y: number }) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
                act.current.zoom(apart(now) / apart(old), ...fromCentre((now.x + other.x) / 2, (now.y + other.y) / 2));
            } else act.current.move(now.x - old.x, now.y - old.y);
            fingers.set(event.pointerId, now);
        };
        const up = (event: PointerEvent) => { fingers.delete(event.pointerId); };
        element.addEventListener('wheel', wheel, { passive: false });
        element.addEventListener('pointerdown', down);
        element.addEventListener('pointermove', moved);
        element.addEventListener('pointerup', up);
        element.addEventListener('pointercancel', up);
        return () => {
            element.removeEventListener('wheel', wheel);
            element.removeEventListener('pointerdown', down);
            element.removeEventListener('pointermove', moved);
            element.removeEventListener('pointerup', up);
            element.removeEventListener('pointercancel', up);
        };
    }, []);
}
