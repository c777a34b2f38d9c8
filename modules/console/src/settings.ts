// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A person's own settings, kept in this browser: theme, language, density, keys.

import { useEffect, useState } from 'preact/hooks';

const PREFIX = 'tuor.';
const listeners = new Map<string, Set<() => void>>();

/** Private windows may refuse storage: then a setting lasts as long as the page. */
const memory = new Map<string, string>();

export function stored(name: string): string | null {
    try {
        return localStorage.getItem(PREFIX + name) ?? memory.get(name) ?? null;
    } catch {
        return memory.get(name) ?? null;
    }
}

export function store(name: string, value: string | null): void {
    try {
        if (value === null) localStorage.removeItem(PREFIX + name);
        else localStorage.setItem(PREFIX + name, value);
        memory.delete(name);
    } catch {
        if (value === null) memory.delete(name);
        else memory.set(name, value);
    }
    listeners.get(name)?.forEach((tell) => tell());
}

/** [value, set]; every user of the same name sees a change. */
export function useStored(name: string, initial: string): [string, (value: string) => void] {
    const [value, setValue] = useState(() => stored(name) ?? initial);
    useEffect(() => {
        const tell = () => setValue(stored(name) ?? initial);
        tell();
        const group = listeners.get(name) ?? new Set();
        listeners.set(name, group.add(tell));
        return () => { group.delete(tell); };
    }, [name]);
    return [value, (next) => store(name, next)];
}

export type Theme = 'system' | 'light' | 'dark';

export function applyTheme(): void {
    const theme = stored('theme') ?? 'system';
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
}
