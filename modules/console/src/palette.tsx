// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Everything that can be done here and now, by name, with its key: Ctrl+K teaches
// the shortcuts. Loaded when it is first asked for.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from './i18n.ts';
import { activeShortcuts } from './keys.ts';
import { go } from './router.ts';
import { Dialog, Key } from './ui/index.tsx';

interface Command { name: string; keys?: string | string[]; run: () => void }

export function Palette({ screens, onClose }: { screens: { name: string; href: string }[]; onClose: () => void }) {
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    const [find, setFind] = useState('');
    const [at, setAt] = useState(0);
    const [all] = useState<Command[]>(() => [
        ...activeShortcuts().filter((one) => one.group !== '' && one.keys !== 'mod+k').map((one) => ({ name: one.does, keys: one.keys, run: () => one.run(new KeyboardEvent('keydown')) })),
        ...screens.map((one) => ({ name: t('palette.goTo', { name: one.name }), run: () => go(one.href) })),
    ]);
    const words = find.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((one) => words.every((word) => one.name.toLowerCase().includes(word)));
    const chosen = Math.min(at, found.length - 1);
    useEffect(() => input.current?.focus(), []);
    useEffect(() => document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: 'nearest' }), [chosen]);
    const run = (one: Command | undefined) => {
        if (!one) return;
        onClose();
        // The dialog has gone, and the focus is back, before the command looks for either.
        setTimeout(one.run);
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) setAt((chosen + step + found.length) % Math.max(1, found.length));
        else if (event.key === 'Enter') run(found[chosen]);
        else return;
        event.preventDefault();
        event.stopPropagation();
    };
    return (
        <Dialog title={t('palette.title')} onClose={onClose}>
            <input ref={input} role="combobox" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={found.length ? `${id}-${chosen}` : undefined} aria-label={t('palette.find')} placeholder={t('palette.find')}
                autocomplete="off" value={find} onInput={(event) => { setFind(event.currentTarget.value); setAt(0); }} onKeyDown={onKeyDown} />
            <div role="listbox" id={`${id}-list`} class="palette" aria-label={t('palette.title')}>
                {found.map((one, index) => (
                    <div role="option" id={`${id}-${index}`} key={one.name} aria-selected={index === chosen} class="row" onClick={() => run(one)} onPointerMove={() => setAt(index)}>
                        <span class="grow">{one.name}</span>{one.keys && <Key keys={one.keys} />}
                    </div>
                ))}
            </div>
            {found.length === 0 && <p class="quiet">{t('palette.none')}</p>}
        </Dialog>
    );
}
