// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A JSON value as a tree, with WAI-ARIA's keys. Branches are made as they are
// opened, and long ones in parts, so that a tree of a million members is no burden.

import { useEffect, useRef, useState } from 'preact/hooks';
import { formatNumber, t, type TextKey } from '../i18n.ts';
import { printJson, textOf, type Json } from '../json.ts';
import { announce, Copy, Glyph } from '../ui/index.tsx';
import { TextView } from './text.tsx';
import { childrenOf, cutText, opensFirst, PART } from './branches.ts';
import './tree.css';

/** label names the tree to screen readers; open: how many levels are open at first. */
export function JsonTree({ value, label, open = 2 }: { value: Json; label: string; open?: number }) {
    const box = useRef<HTMLUListElement>(null);
    // One place in the tree takes the focus: the last one that had it, or the first.
    useEffect(() => {
        if (!box.current?.querySelector('[role="treeitem"][tabindex="0"]')) items(box.current)[0]?.setAttribute('tabindex', '0');
    });
    const onFocusIn = (event: FocusEvent) => {
        const item = (event.target as Element).closest('[role="treeitem"]');
        if (item) focusOnly(box.current!, item);
    };
    return <ul class="tree" role="tree" aria-label={label} ref={box} onKeyDown={onKeyDown} onFocusIn={onFocusIn}>
        {value.kind === 'object' || value.kind === 'array'
            ? <Children value={value} level={1} open={open - 1} path="" />
            : <Item value={value} level={1} open={0} path="" />}
    </ul>;
}

function Children({ value, level, open, path }: { value: Json; level: number; open: number; path: string }) {
    const [shown, setShown] = useState(PART);
    const all = childrenOf(value);
    if (!all.length) return <li role="none" class="quiet">{t(value.kind === 'array' ? 'input.noItems' : 'input.noMembers')}</li>;
    return <>
        {all.slice(0, shown).map((one, at) => <Item key={at} name={one.name} index={one.index} value={one.value} level={level} open={open} path={`${path}/${one.name}`} />)}
        {all.length > shown && (
            <li role="none"><button type="button" class="link" onClick={() => setShown(shown + PART * 5)}>
                {t('input.showMore', { count: all.length - shown })}
            </button></li>
        )}
    </>;
}

function Item({ name, index, value, level, open, path }: { name?: string; index?: boolean; value: Json; level: number; open: number; path: string }) {
    const branch = value.kind === 'object' || value.kind === 'array';
    const size = branch ? childrenOf(value).length : 0;
    const [expanded, setExpanded] = useState(branch && open > 0 && opensFirst(size));
    const toggle = () => setExpanded((old) => !old);
    return (
        <li role="treeitem" aria-level={level} aria-expanded={branch ? expanded : undefined} tabIndex={-1}
            onClick={(event) => { event.stopPropagation(); if (event.target === event.currentTarget) toggle(); }}
            ref={(element) => { if (element) ACTIONS.set(element, { toggle: branch ? toggle : undefined, value }); }}>
            <div class="line">
                <span class="grow">
                    {branch && <button type="button" class="twist" tabIndex={-1} aria-hidden="true" onClick={toggle}><Glyph name={expanded ? 'down' : 'right'} /></button>}
                    {name !== undefined && <span class={index ? 'index' : 'key'} onClick={toggle}>{name === '' ? '""' : name}</span>}
                    {branch
                        ? <span class="quiet count" onClick={toggle}>{t(value.kind === 'array' ? 'input.items' : 'input.members', { count: size })}</span>
                        : <Leaf value={value} />}
                </span>
                <span class="act"><Copy text={() => copied(value)} what={name ?? ''} /></span>
            </div>
            {branch && expanded && <ul role="group"><Children value={value} level={level + 1} open={open - 1} path={path} /></ul>}
        </li>
    );
}

function Leaf({ value }: { value: Json }) {
    const [whole, setWhole] = useState(false);
    const text = textOf(value);
    if (text === undefined) return <span class={`leaf ${value.kind}`}>{printJson(value)}<small class="type">{t(`input.type_${value.kind}` as TextKey)}</small></span>;
    const cut = cutText(text);
    if (cut === text) return <span class="leaf string">{text === '' ? <small>{t('input.emptyText')}</small> : text}<small class="type">{t('input.type_string')}</small></span>;
    return (
        <span class="leaf string">
            {whole ? <TextView text={text} /> : `${cut}…`}{' '}
            <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
                {whole ? t('input.showLess') : t('input.showAll', { length: formatNumber(text.length) })}
            </button>
        </span>
    );
}

const copied = (value: Json) => textOf(value) ?? printJson(value, 2);

// ------------------------------------------------------------------- keyboard

const ACTIONS = new WeakMap<Element, { toggle?: () => void; value: Json }>();
const items = (box: Element | null | undefined) => [...(box?.querySelectorAll<HTMLElement>('[role="treeitem"]') ?? [])];

function focusOnly(box: Element, item: Element): void {
    for (const other of box.querySelectorAll('[role="treeitem"][tabindex="0"]')) other.setAttribute('tabindex', '-1');
    item.setAttribute('tabindex', '0');
}

function onKeyDown(event: KeyboardEvent & { currentTarget: EventTarget }): void {
    const item = event.target as HTMLElement;
    if (item.getAttribute('role') !== 'treeitem') return;
    const action = ACTIONS.get(item);
    const open = item.getAttribute('aria-expanded');
    if ((event.ctrlKey || event.metaKey) && event.key === 'c' && action && getSelection()?.isCollapsed !== false) {
        void navigator.clipboard.writeText(copied(action.value)).then(() => announce(t('common.copied')));
        event.preventDefault();
        return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = items(event.currentTarget as Element);
    const at = all.indexOf(item);
    let to: HTMLElement | null | undefined;
    switch (event.key) {
    case 'ArrowDown': to = all[at + 1]; break;
    case 'ArrowUp': to = all[at - 1]; break;
    case 'Home': to = all[0]; break;
    case 'End': to = all[all.length - 1]; break;
    case 'ArrowRight':
        if (open === 'false') action?.toggle?.();
        else if (open === 'true') to = item.querySelector<HTMLElement>('[role="treeitem"]');
        break;
    case 'ArrowLeft':
        if (open === 'true') action?.toggle?.();
        else to = item.parentElement?.closest<HTMLElement>('[role="treeitem"]');
        break;
    case 'Enter': case ' ':
        if (action?.toggle) action.toggle();
        else item.querySelector<HTMLElement>('.leaf button')?.click();
        break;
    default: return;
    }
    event.preventDefault();
    event.stopPropagation();
    to?.focus();
}
