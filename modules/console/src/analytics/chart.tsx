// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two kinds of chart, as SVG: stacked bars over time, and ranked bars. Each part has
// a pattern besides its colour; each bar says its values when it is reached by arrow
// keys or the pointer. The table behind a chart (figure.tsx) holds the same numbers.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../i18n.ts';
import { clipped, labelEvery, ticks } from './scale.ts';

export const PARTS = ['approved', 'corrected', 'rejected', 'pending'] as const;
export type Part = (typeof PARTS)[number];
/** values: one for each part of the chart. */
export interface Bar { key: string; label: string; values: number[]; text: string }

/** Solid, stripes, a grid, and hollow: to be told apart without colour. */
function Patterns({ id }: { id: string }) {
    return (
        <defs>
            <pattern id={`${id}-corrected`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="6" height="6" /><rect class="ink" width="3" height="6" /></pattern>
            <pattern id={`${id}-rejected`} width="5" height="5" patternUnits="userSpaceOnUse"><rect class="ground" width="5" height="5" /><path class="ink" d="M0 0h5v2H0zM0 0v5h2V0z" /></pattern>
        </defs>
    );
}

const fill = (id: string, part: Part) => (part === 'corrected' || part === 'rejected' ? `url(#${id}-${part})` : undefined);

/** One for each part of a chart; the swatch is drawn as the bars are. */
export function Legend({ parts, names }: { parts: readonly Part[]; names: Record<Part, string> }) {
    const id = useId();
    return (
        <ul class="legend">
            {parts.map((part) => (
                <li key={part}><svg class="chart" width="16" height="16" aria-hidden="true"><Patterns id={`${id}-${part}`} /><rect class={`part ${part}`} x="1" y="1" width="14" height="14" fill={fill(`${id}-${part}`, part)} /></svg>{names[part]}</li>
            ))}
        </ul>
    );
}

/** The width of an element as it changes. */
function useWidth(): [{ current: HTMLDivElement | null }, number] {
    const ref = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(640);
    useEffect(() => {
        const watch = new ResizeObserver(([entry]) => setWidth(Math.max(200, Math.floor(entry.contentRect.width))));
        watch.observe(ref.current!);
        return () => watch.disconnect();
    }, []);
    return [ref, width];
}

/** What charts have in common: the frame, its texts, and one stop for Tab with arrows inside. */
function Frame({ title, about, height, bars, rest, children }: {
    title: string; about: string; height: number; bars: Bar[]; rest: string;
    children: (width: number, at: (index: number) => Record<string, unknown>) => ComponentChildren;
}) {
    const id = useId();
    const [box, width] = useWidth();
    const [stop, setStop] = useState(0);
    const [shown, setShown] = useState<number | null>(null);
    const current = Math.min(stop, bars.length - 1);
    const onKeyDown = (event: KeyboardEvent) => {
        const to = { ArrowRight: current + 1, ArrowDown: current + 1, ArrowLeft: current - 1, ArrowUp: current - 1, Home: 0, End: bars.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = Math.max(0, Math.min(bars.length - 1, to));
        setStop(next);
        box.current?.querySelectorAll<SVGGElement>('g.bar')[next]?.focus();
    };
    const at = (index: number) => ({
        class: 'bar', role: 'img', tabIndex: index === current ? 0 : -1, 'aria-label': bars[index].text,
        onFocus: () => { setStop(index); setShown(index); }, onBlur: () => setShown(null),
        onPointerEnter: () => setShown(index), onPointerLeave: () => setShown(null),
    });
    return (
        <div ref={box} class="chart-box">
            <svg class="chart" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-labelledby={`${id}-title`} aria-describedby={`${id}-about`} onKeyDown={onKeyDown}>
                <title id={`${id}-title`}>{title}</title>
                <desc id={`${id}-about`}>{about}</desc>
                {children(width, at)}
            </svg>
            <p class="readout" aria-hidden="true">{shown === null || !bars[shown] ? rest : bars[shown].text}</p>
        </div>
    );
}

interface ChartProps { title: string; about: string; bars: Bar[]; parts: readonly Part[]; rest: string; format?: (value: number) => string }

const LEFT = 48;
const BOTTOM = 24;
const TOP = 8;

/** A column for each bar, in order. max: the top of the axis where it is given by the unit. */
export function Columns({ bars, parts, height = 220, max, format = formatNumber, ...frame }: ChartProps & { height?: number; max?: number }) {
    const id = useId();
    const lines = max ? [0, max / 4, max / 2, (max * 3) / 4, max] : ticks(Math.max(...bars.map((bar) => sum(bar.values))));
    const top = lines[lines.length - 1];
    return (
        <Frame {...frame} bars={bars} height={height}>
            {(width, at) => {
                const step = (width - LEFT) / bars.length;
                const thick = Math.max(1, Math.min(48, step * 0.8));
                const every = labelEvery(bars.length, width - LEFT, 64);
                const y = (value: number) => TOP + (height - TOP - BOTTOM) * (1 - value / top);
                return (
                    <>
                        <Patterns id={id} />
                        {lines.map((line) => <g key={line} aria-hidden="true"><path class="line" d={`M${LEFT} ${Math.round(y(line)) + 0.5}H${width}`} /><text x={LEFT - 8} y={y(line) + 4} text-anchor="end">{format(line)}</text></g>)}
                        {bars.map((bar, index) => {
                            const middle = LEFT + step * (index + 0.5);
                            return (
                                <g key={bar.key} {...at(index)}>
                                    <rect class="hit" x={LEFT + step * index} y={TOP} width={step} height={height - TOP - BOTTOM} />
                                    {stacked(bar.values).map(([from, to], part) => to > from && <rect key={parts[part]} class={`part ${parts[part]}`} x={middle - thick / 2} width={thick} y={y(to)} height={Math.max(1, y(from) - y(to))} fill={fill(id, parts[part])} />)}
                                    {index % every === 0 && <text aria-hidden="true" x={Math.min(Math.max(middle, LEFT + 16), width - 24)} y={height - 6} text-anchor="middle">{bar.label}</text>}
                                </g>
                            );
                        })}
                    </>
                );
            }}
        </Frame>
    );
}

const ROW = 40;

/** A row for each bar: its name and sum above, the bar below. */
export function Ranks({ bars, parts, format = formatNumber, ...frame }: ChartProps) {
    const id = useId();
    const top = Math.max(1, ...bars.map((bar) => sum(bar.values)));
    return (
        <Frame {...frame} bars={bars} height={bars.length * ROW + 4}>
            {(width, at) => (
                <>
                    <Patterns id={id} />
                    {bars.map((bar, index) => (
                        <g key={bar.key} {...at(index)}>
                            <rect class="hit" x="1" y={index * ROW + 2} width={width - 2} height={ROW} />
                            <text class="name" aria-hidden="true" x="4" y={index * ROW + 18}>{clipped(bar.label, width - 80)}</text>
                            <text aria-hidden="true" x={width - 4} y={index * ROW + 18} text-anchor="end">{format(sum(bar.values))}</text>
                            {stacked(bar.values).map(([from, to], part) => to > from && <rect key={parts[part]} class={`part ${parts[part]}`} x={4 + ((width - 8) * from) / top} width={Math.max(1, ((width - 8) * (to - from)) / top)} y={index * ROW + 24} height="12" fill={fill(id, parts[part])} />)}
                        </g>
                    ))}
                </>
            )}
        </Frame>
    );
}

const sum = (values: number[]): number => values.reduce((all, one) => all + one, 0);

/** [from, to] of each part, one on top of the other. */
function stacked(values: number[]): [number, number][] {
    let at = 0;
    return values.map((value) => [at, (at += value)]);
}
