// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two small means against work that changes nothing on the screen.

import { createElement, type Component, type FunctionComponent, type VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';

/** The component, rendered again only when one of its props is another one. */
export function memo<P extends object>(of: FunctionComponent<P>): FunctionComponent<P> {
    function Memo(this: Component<P>, props: P): VNode {
        this.shouldComponentUpdate = (next) => {
            const before = this.props as Record<string, unknown>;
            const after = next as Record<string, unknown>;
            for (const name in before) if (!(name in after)) return true;
            for (const name in after) if (before[name] !== after[name]) return true;
            return false;
        };
        return createElement(of as FunctionComponent, props);
    }
    return Memo as unknown as FunctionComponent<P>;
}

/** Functions that stay the same and do what the ones given last do: for a memo's props. */
export function useSteady<T extends Record<string, (...args: never[]) => unknown>>(given: T): T {
    const latest = useRef(given);
    latest.current = given;
    const steady = useRef<T | null>(null);
    steady.current ??= Object.fromEntries(Object.keys(given).map((name) => [name, (...args: never[]) => latest.current[name](...args)])) as T;
    return steady.current;
}

/** A state that begins anew when `of` is another one. What is set for an earlier one is forgotten. */
export function useStateOf<T>(of: unknown, make: () => T): [T, (next: T) => void] {
    const kept = useRef<{ of: unknown; value: T } | null>(null);
    const [, turn] = useState(0);
    if (!kept.current || kept.current.of !== of) kept.current = { of, value: make() };
    const mine = kept.current;
    return [mine.value, (next) => {
        if (Object.is(mine.value, next)) return;
        mine.value = next;
        if (kept.current === mine) turn((old) => old + 1);
    }];
}
