// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Single-key shortcuts. They rest while somebody types or a dialog is open, can be
// turned off as a whole (WCAG 2.1.4), and list themselves in the help and the palette.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { language } from './i18n.ts';
import { stored } from './settings.ts';

export interface Shortcut {
    /** 'a', 'ArrowDown', '?', 'mod+Enter' (Ctrl, or Cmd on a Mac), 'shift+R' */
    keys: string | string[];
    /** What it does, in the reader's language: for help and palette. */
    does: string;
    run: (event: KeyboardEvent) => void;
    /** Works while a field has the focus, too: only for mod+… and Escape. */
    inFields?: boolean;
    /** Not offered now. */
    off?: boolean;
    /** For help and palette: which part of the screen it belongs to. */
    group?: string;
}

const layers: { current: Shortcut[] }[] = [];

/** The shortcuts of a component while it is mounted; later layers win. */
export function useShortcuts(shortcuts: Shortcut[]): void {
    const mine = useRef(shortcuts);
    mine.current = shortcuts;
    // Before the paint: whoever sees a button can press its key.
    useLayoutEffect(() => {
        layers.push(mine);
        return () => { layers.splice(layers.indexOf(mine), 1); };
    }, []);
}

export function activeShortcuts(): Shortcut[] {
    return layers.flatMap((layer) => layer.current).filter((one) => !one.off);
}

export const keysEnabled = (): boolean => stored('keys') !== 'off';

const MAC = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey' | 'getModifierState'>;

/** The letter that was meant: on a keyboard of another script the one at its place, whatever Caps Lock does. */
function letter(event: Pressed): string {
    const { key, code, shiftKey } = event;
    const foreign = /^\p{L}$/u.test(key) && !/\p{Script=Latin}/u.test(key);
    const found = foreign ? /^Key([A-Z])$/.exec(code)?.[1] : /^[a-z]$/i.test(key) && event.getModifierState('CapsLock') ? key : undefined;
    return found === undefined ? key : shiftKey ? found.toUpperCase() : found.toLowerCase();
}

export function keyName(event: Pressed, mac: boolean): string {
    const key = letter(event);
    const mod = mac ? event.metaKey : event.ctrlKey;
    if (mod) return `mod+${key}`;
    if (event.altKey || event.metaKey || event.ctrlKey) return '';
    return event.shiftKey && key.length > 1 ? `shift+${key}` : key;
}

/** 'mod+Enter' as people see it on a key cap. */
export function keyLabel(keys: string | string[]): string {
    const first = typeof keys === 'string' ? keys : keys[0];
    return first.replace('mod+', MAC ? '⌘' : language === 'de' ? 'Strg ' : 'Ctrl ').replace('shift+', '⇧').replace('Enter', '⏎')
        .replace('ArrowDown', '↓').replace('ArrowUp', '↑').replace('ArrowLeft', '←').replace('ArrowRight', '→').replace('Escape', 'Esc');
}

export function typing(target: EventTarget | null): boolean {
    const element = target as HTMLElement | null;
    if (!element?.matches) return false;
    return element.isContentEditable || element.matches('textarea, select, input:not([type="checkbox"], [type="radio"], [type="button"], [type="range"])');
}

/** Once, at the start. */
export function listenForKeys(): void {
    document.addEventListener('keydown', (event) => {
        if (event.defaultPrevented || event.isComposing) return;
        const name = keyName(event, MAC);
        const inField = typing(event.target);
        const modal = document.querySelector('dialog:modal');
        const plainKey = !name.startsWith('mod+') && name !== 'Escape';
        if (plainKey && !keysEnabled()) return;
        for (const layer of [...layers].reverse()) {
            for (const one of layer.current) {
                const names = typeof one.keys === 'string' ? [one.keys] : one.keys;
                if (one.off || !names.includes(name) || (inField && !one.inFields)) continue;
                if (modal && !one.inFields) continue;
                // Enter and Space on a button or a link are the button's.
                if ((name === 'Enter' || name === ' ') && (event.target as Element).closest('button, a, summary, [role="menuitem"]')) continue;
                event.preventDefault();
                one.run(event);
                return;
            }
        }
    });
}
