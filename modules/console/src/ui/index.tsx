// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The few components that every screen shares. Looks stand in base.css.

import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError, type Status, type Tag } from '../api.ts';
import { keyLabel } from '../keys.ts';
import { ago, formatTime, t, type TextKey } from '../i18n.ts';

/** For a row of links that is longer than a narrow screen: the one that stands for here is seen. */
export function useHereSeen(here: string): RefObject<HTMLElement | null> {
    const row = useRef<HTMLElement>(null);
    useEffect(() => {
        const one = row.current?.querySelector<HTMLElement>('[aria-current]');
        if (one) row.current!.scrollLeft = one.offsetLeft + one.offsetWidth / 2 - row.current!.offsetLeft - row.current!.clientWidth / 2;
    }, [here]);
    return row;
}

// ------------------------------------------------------------------- glyphs

const GLYPHS = {
    approved: 'M4 12.5l5 5L20 6.5',
    corrected: 'M4 20l1-4.5L16 4.5l3.5 3.5-11 11z',
    rejected: 'M6 6l12 12M18 6L6 18',
    pending: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16',
    copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
    menu: 'M5 12h.01M12 12h.01M19 12h.01',
    down: 'M6 9l6 6 6-6',
    right: 'M9 6l6 6-6 6',
    left: 'M15 6l-6 6 6 6',
    plus: 'M12 5v14M5 12h14',
    reset: 'M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4',
    search: 'M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M20 20l-4.7-4.7',
    help: 'M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 2M12 17.5h.01',
    warn: 'M12 4l9 16H3zM12 10v4M12 17h.01',
    lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
    trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
    columns: 'M4 5h16v14H4zM10 5v14M15 5v14',
} as const;
export type GlyphName = keyof typeof GLYPHS;

/** Decoration only: a name stands beside it or in the button's aria-label. */
export function Glyph({ name }: { name: GlyphName }) {
    return <svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path d={GLYPHS[name]} /></svg>;
}

export function StatusMark({ status }: { status: Status }) {
    return <span class={`status ${status}`}><Glyph name={status} />{t(`status.${status}` as TextKey)}</span>;
}

export function TagChip({ tag, children }: { tag: Tag; children?: ComponentChildren }) {
    return (
        <span class="chip" title={tag.description ?? undefined}>
            <span class="dot" aria-hidden="true" style={{ backgroundColor: tag.color }} />
            <span class="clip">{tag.name}</span>{children}
        </span>
    );
}

// --------------------------------------------------------------------- words

/** Relative, with the exact time on hover and focus. */
export function Time({ at }: { at: string | null | undefined }) {
    if (!at) return <span class="quiet">–</span>;
    return <time dateTime={at} title={formatTime(at)}>{ago(at)}</time>;
}

/** An id, shortened in the middle, copied with one click or key. */
export function Id({ id, whole = false }: { id: string; whole?: boolean }) {
    const short = whole || id.length <= 16 ? id : `${id.slice(0, 9)}…${id.slice(-4)}`;
    return <span class="row id"><code title={id}>{short}</code><Copy text={id} what={id} /></span>;
}

/** text may be a function where it costs something to make. */
export function Copy({ text, what, children }: { text: string | (() => string); what: string; children?: ComponentChildren }) {
    const [done, setDone] = useState(false);
    useEffect(() => {
        if (!done) return;
        const timer = setTimeout(() => setDone(false), 2000);
        return () => clearTimeout(timer);
    }, [done]);
    const copy = async () => {
        await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
        setDone(true);
        announce(t('common.copied'));
    };
    return (
        <button type="button" class={children ? '' : 'plain icon'} aria-label={children ? undefined : t('common.copyIt', { what })} title={t('common.copy')} onClick={copy}>
            <Glyph name={done ? 'approved' : 'copy'} />{children}
        </button>
    );
}

export function Key({ keys }: { keys: string | string[] }) {
    return <kbd aria-hidden="true">{keyLabel(keys)}</kbd>;
}

// ---------------------------------------------------------------- live region

/** Told to screen readers, politely; nothing is shown. */
export function announce(text: string): void {
    const region = document.getElementById('announcer');
    if (!region) return;
    region.textContent = '';
    requestAnimationFrame(() => { region.textContent = text; });
}

// --------------------------------------------------------------------- states

/** error: what to say about it; what went wrong and what to do now. */
export function errorText(error: ApiError): string {
    if (error.status === 0) return t('errors.unreachable');
    if (error.status === 403) return t('errors.forbidden', { detail: error.message });
    if (error.status === 429) return t('errors.tooMany', { count: error.retryAfter || 1 });
    if (error.status >= 500) return t('errors.server', { detail: error.message });
    return error.message;
}

export function ErrorNote({ error, retry }: { error: ApiError | null | undefined; retry?: () => void }) {
    if (!error) return null;
    return (
        <div class="note wrong" role="alert">
            <Glyph name="warn" /><span class="grow">{errorText(error)}</span>
            {retry && <button type="button" onClick={retry}>{t('common.tryAgain')}</button>}
        </div>
    );
}

/** whole: nothing else is on the page, so that this is its heading. */
export function Empty({ title, children, action, whole }: { title: string; children?: ComponentChildren; action?: ComponentChildren; whole?: boolean }) {
    return <div class="empty">{whole ? <h1>{title}</h1> : <h2>{title}</h2>}{children && <p>{children}</p>}{action}</div>;
}

export function Skeleton({ lines = 6 }: { lines?: number }) {
    return (
        <div class="stack" aria-busy="true" aria-label={t('common.loading')} role="status">
            {Array.from({ length: lines }, (_, at) => <span class="skeleton" key={at} style={{ width: `${95 - (at * 17) % 40}%` }} />)}
        </div>
    );
}

// --------------------------------------------------------------------- forms

type Control = (props: { id: string; 'aria-invalid'?: 'true'; 'aria-describedby'?: string }) => JSX.Element;

/** A labelled control with its hint and what the server said about it. */
export function Field({ label, hint, error, name, optional, children }: {
    label: string; hint?: ComponentChildren; error?: ApiError | string | null; name?: string; optional?: boolean; children: Control;
}) {
    const id = useId();
    const wrong = typeof error === 'string' ? error
        : error?.fields.find((one) => one.field === name || one.field.startsWith(`${name}.`))?.message;
    const described = [hint ? `${id}-hint` : '', wrong ? `${id}-wrong` : ''].filter(Boolean).join(' ');
    return (
        <div class="field">
            <label for={id}>{label}{optional && <small> {t('common.optional')}</small>}</label>
            {children({ id, 'aria-invalid': wrong ? 'true' : undefined, 'aria-describedby': described || undefined })}
            {hint && <small id={`${id}-hint`}>{hint}</small>}
            {wrong && <span class="wrong" id={`${id}-wrong`}>{wrong}</span>}
        </div>
    );
}

// ------------------------------------------------------------ dialogs and menus

/** A modal dialog; panel: at the right edge. Escape and the close button call onClose. */
export function Dialog({ title, panel, onClose, children }: { title: string; panel?: boolean; onClose: () => void; children: ComponentChildren }) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        ref.current?.showModal();
        return () => before?.focus?.();
    }, []);
    return (
        <dialog ref={ref} class={panel ? 'panel' : ''} aria-labelledby={id}
            onCancel={(event) => { event.preventDefault(); onClose(); }}
            onClick={(event) => { if (event.target === ref.current) onClose(); }}>
            <div class="stack">
                <div class="row">
                    <h2 id={id} class="grow">{title}</h2>
                    <button type="button" class="plain icon" aria-label={t('common.close')} onClick={onClose}><Glyph name="rejected" /></button>
                </div>
                {children}
            </div>
        </dialog>
    );
}

/** Asks before what cannot be taken back easily. */
export function Confirm({ title, text, action, danger, busy, error, onYes, onClose }: {
    title: string; text: ComponentChildren; action: string; danger?: boolean; busy?: boolean; error?: ApiError | null; onYes: () => void; onClose: () => void;
}) {
    return (
        <Dialog title={title} onClose={onClose}>
            <p>{text}</p>
            <ErrorNote error={error} />
            <div class="row">
                <span class="grow" />
                <button type="button" onClick={onClose}>{t('common.cancel')}</button>
                <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={onYes}>{action}</button>
            </div>
        </Dialog>
    );
}

export interface MenuItem { label: ComponentChildren; href?: string; run?: () => void; chosen?: boolean; off?: boolean; key?: string }

/** A button with a menu: arrows, Home, End, Escape as WAI-ARIA has them. */
export function Menu({ label, name, items, start, plain = true }: { label: ComponentChildren; name?: string; items: MenuItem[]; start?: boolean; plain?: boolean }) {
    const [open, setOpen] = useState(false);
    const box = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const close = (focus: boolean) => {
        setOpen(false);
        if (focus) button.current?.focus();
    };
    useEffect(() => {
        if (!open) return;
        box.current?.querySelector<HTMLElement>('[role^="menuitem"]')?.focus();
        const outside = (event: Event) => { if (!box.current?.contains(event.target as Node)) close(false); };
        document.addEventListener('pointerdown', outside);
        return () => document.removeEventListener('pointerdown', outside);
    }, [open]);
    const onKeyDown = (event: KeyboardEvent) => {
        const all = [...(box.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not([disabled])') ?? [])];
        const at = all.indexOf(document.activeElement as HTMLElement);
        if (event.key === 'Escape') close(true);
        else if (event.key === 'ArrowDown') all[(at + 1) % all.length]?.focus();
        else if (event.key === 'ArrowUp') all[(at - 1 + all.length) % all.length]?.focus();
        else if (event.key === 'Home') all[0]?.focus();
        else if (event.key === 'End') all[all.length - 1]?.focus();
        else if (event.key === 'Tab') { setOpen(false); return; }
        else return;
        event.preventDefault();
        event.stopPropagation();
    };
    return (
        <div class="menu" ref={box} onKeyDown={open ? onKeyDown : undefined}>
            <button type="button" ref={button} class={plain ? 'plain' : ''} aria-haspopup="menu" aria-expanded={open} aria-label={name} onClick={() => setOpen(!open)}>{label}</button>
            {open && (
                <div role="menu" class={start ? 'start' : ''}>
                    {items.map((item, at) => {
                        const role = item.chosen === undefined ? 'menuitem' : 'menuitemradio';
                        const inside = <>{item.chosen !== undefined && <span class="glyph">{item.chosen && <Glyph name="approved" />}</span>}<span class="grow clip">{item.label}</span>{item.key && <Key keys={item.key} />}</>;
                        return item.href
                            ? <a key={at} role={role} aria-checked={item.chosen} tabIndex={-1} href={item.href} onClick={() => close(false)}>{inside}</a>
                            : <button key={at} type="button" role={role} aria-checked={item.chosen} tabIndex={-1} disabled={item.off} onClick={() => { close(true); item.run?.(); }}>{inside}</button>;
                    })}
                </div>
            )}
        </div>
    );
}
