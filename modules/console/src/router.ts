// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The address is the state: /console/SCREEN/…?filters. Links are ordinary <a
// href>; clicks that stay inside the console are taken over here.

import { useEffect, useState } from 'preact/hooks';

export const BASE = '/console/';

export interface Place { path: string[]; query: URLSearchParams; href: string }

const listeners = new Set<() => void>();

export function here(): Place {
    const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : '';
    return { path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(location.search), href: location.pathname + location.search };
}

/** href: below BASE ('traces?status=pending') or absolute. replace: no new entry in the history. */
export function go(href: string, replace = false): void {
    const target = href.startsWith('/') ? href : BASE + href;
    if (target === location.pathname + location.search) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', target);
    listeners.forEach((tell) => tell());
}

/** The present address with these parameters changed; null or '' takes one away. */
export function withQuery(changes: Record<string, string | null>): string {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
        if (value) query.set(name, value);
        else query.delete(name);
    }
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : '');
}

export function usePlace(): Place {
    const [place, setPlace] = useState(here);
    useEffect(() => {
        const tell = () => setPlace(here());
        listeners.add(tell);
        addEventListener('popstate', tell);
        return () => {
            listeners.delete(tell);
            removeEventListener('popstate', tell);
        };
    }, []);
    return place;
}

/** Once, at the start: plain clicks on links of the console move without a load. */
export function takeOverLinks(): void {
    document.addEventListener('click', (event) => {
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        const link = (event.target as Element | null)?.closest?.('a');
        if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin || !link.pathname.startsWith(BASE)) return;
        event.preventDefault();
        go(link.pathname + link.search);
    });
}
