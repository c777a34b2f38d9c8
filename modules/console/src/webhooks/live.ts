// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useEffect, useRef } from 'preact/hooks';

/** Calls reload while active: soon at first, then ever more slowly; not while the page is hidden. round: what the last call brought. */
export function useLive(active: boolean, reload: () => void, round: unknown): void {
    const rounds = useRef(0);
    useEffect(() => {
        if (!active) {
            rounds.current = 0;
            return;
        }
        const timer = setInterval(() => {
            if (document.hidden) return;
            rounds.current += 1;
            reload();
        }, waitBefore(rounds.current));
        return () => clearInterval(timer);
    }, [active, round]);
}

/** 0.7 s, 1 s, 1.4 s … 8 s */
export function waitBefore(round: number): number {
    return Math.min(8000, Math.round(700 * 1.4 ** round));
}
