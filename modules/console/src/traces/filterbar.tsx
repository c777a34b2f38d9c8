// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { NARROWING, filterQuery, type Filter } from '../filters.ts';
import { formatDay, formatNumber, t, type TextKey } from '../i18n.ts';
import { BASE, go, withQuery } from '../router.ts';
import { useSession } from '../session.ts';
import { useStored } from '../settings.ts';
import { Dialog, Empty, Field, Glyph, Menu, useHereSeen } from '../ui/index.tsx';
import type { Figures, Share } from './list.ts';
import { COLUMNS } from './table.tsx';

const STATUSES = ['', 'pending', 'approved', 'corrected', 'rejected'] as const;

export function StatusTabs({ filter, counts }: { filter: Filter; counts: Omit<Share, 'total'> | null }) {
    const total = counts && counts.pending + counts.approved + counts.rejected + counts.corrected;
    const tabs = useHereSeen(filter.status);
    return (
        <nav class="tabs" aria-label={t('traces.status')} ref={tabs}>
            {STATUSES.map((status) => {
                const count = status ? counts?.[status] : total;
                return (
                    <a key={status} href={`${BASE}traces${filterQuery({ ...filter, status })}`} aria-current={filter.status === status ? 'page' : undefined}>
                        {status ? t(`status.${status}` as TextKey) : t('common.all')}
                        {count !== undefined && count !== null && <small class="count">{formatNumber(count)}</small>}
                    </a>
                );
            })}
        </nav>
    );
}

const setFilter = (name: string, value: string) => go(withQuery({ [name]: value || null }));

/** What narrows the list stands there as chips; the fields are behind one button. */
export function FilterBar({ filter, figures, find, setFind, finder, hits }: {
    filter: Filter; figures: Figures[]; find: string; setFind: (text: string) => void; finder: RefObject<HTMLInputElement | null>; hits: number;
}) {
    const { tags } = useSession();
    const [open, setOpen] = useState(false);
    const box = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        if (!open) return;
        box.current?.querySelector<HTMLElement>('.popover select, .popover input')?.focus();
        const outside = (event: Event) => { if (!box.current?.contains(event.target as Node)) setOpen(false); };
        document.addEventListener('pointerdown', outside);
        return () => document.removeEventListener('pointerdown', outside);
    }, [open]);
    const set = NARROWING.filter((name) => filter[name] !== '');
    const words: Record<string, string> = {
        tag: tags.find((one) => one.id === filter.tag)?.name ?? filter.tag, model: filter.model, prompt: filter.prompt, run: filter.run,
        from: filter.from && formatDay(filter.from), to: filter.to && formatDay(filter.to),
    };
    const models = [...new Set(figures.flatMap((one) => one.by_model.map((row) => row.model)))].filter((one): one is string => Boolean(one));
    const prompts = [...new Set(figures.flatMap((one) => one.by_prompt_version.map((row) => row.prompt_version_id)))].filter((one): one is string => Boolean(one));
    return (
        <div class="row wrap filters">
            <div class="menu" ref={box} onKeyDown={(event) => { if (event.key === 'Escape' && open) { event.stopPropagation(); event.preventDefault(); setOpen(false); button.current?.focus(); } }}>
                <button type="button" ref={button} aria-expanded={open} onClick={() => setOpen(!open)}>{t('traces.filter')}<Glyph name="down" /></button>
                {open && (
                    <form class="popover stack" aria-label={t('traces.filter')} onSubmit={(event) => { event.preventDefault(); setOpen(false); button.current?.focus(); }}>
                        <Field label={t('traces.filters.tag')}>{(props) => (
                            <select {...props} value={filter.tag} onChange={(event) => setFilter('tag', event.currentTarget.value)}>
                                <option value="">{t('traces.any')}</option>
                                {tags.map((tag) => <option value={tag.id} key={tag.id}>{tag.name}</option>)}
                            </select>
                        )}</Field>
                        <Choice name="model" value={filter.model} options={models} />
                        <Choice name="prompt" value={filter.prompt} options={prompts} />
                        <Choice name="run" value={filter.run} options={[]} />
                        <div class="row">
                            {(['from', 'to'] as const).map((name) => (
                                <Field key={name} label={t(`traces.filters.${name}` as TextKey)}>{(props) => <input {...props} type="date" value={filter[name]} onChange={(event) => setFilter(name, event.currentTarget.value)} />}</Field>
                            ))}
                        </div>
                        <button type="submit" class="primary">{t('traces.show')}</button>
                    </form>
                )}
            </div>
            {set.map((name) => (
                <span class="chip" key={name}>
                    <span class="clip"><span class="quiet">{t(`traces.filters.${name}` as TextKey)}</span> {words[name]}</span>
                    <button type="button" class="plain small" aria-label={t('traces.without', { what: `${t(`traces.filters.${name}` as TextKey)} ${words[name]}` })} onClick={() => setFilter(name, '')}><Glyph name="rejected" /></button>
                </span>
            ))}
            {set.length > 1 && <button type="button" class="link" onClick={() => go(withQuery(Object.fromEntries(NARROWING.map((name) => [name, null]))))}>{t('traces.clearFilters')}</button>}
            <span class="grow" />
            <span class="find">
                <input type="search" ref={finder} aria-label={t('traces.find')} placeholder={t('traces.find')} value={find} onInput={(event) => setFind(event.currentTarget.value)}
                    onKeyDown={(event) => { if (event.key === 'Escape') { setFind(''); event.currentTarget.blur(); } else if (event.key === 'Enter') nextHit(); }} />
                <small role="status">{find && t('traces.hits', { count: hits })}</small>
            </span>
        </div>
    );
}

/** Brings the next marked place into view. */
function nextHit(): void {
    const marks = [...document.querySelectorAll<HTMLElement>('.traces tbody mark')];
    const at = marks.findIndex((one) => one.classList.contains('here'));
    marks[at]?.classList.remove('here');
    const next = marks[(at + 1) % marks.length];
    next?.classList.add('here');
    next?.scrollIntoView({ block: 'center' });
}

/** A text that is one of those seen, or any other. */
function Choice({ name, value, options }: { name: 'model' | 'prompt' | 'run'; value: string; options: string[] }) {
    return (
        <Field label={t(`traces.filters.${name}` as TextKey)}>{(props) => <>
            <input {...props} list={`${props.id}-list`} autocomplete="off" spellcheck={false} value={value} onChange={(event) => setFilter(name, event.currentTarget.value.trim())} />
            <datalist id={`${props.id}-list`}>{options.map((one) => <option value={one} key={one} />)}</datalist>
        </>}</Field>
    );
}

export function ColumnsMenu({ columns, setColumns, dense, setDense }: { columns: string; setColumns: (to: string) => void; dense: boolean; setDense: (yes: boolean) => void }) {
    const [open, setOpen] = useState(false);
    const chosen = columns.split(' ').filter(Boolean);
    return (
        <>
            <button type="button" class="plain" onClick={() => setOpen(true)}><Glyph name="columns" />{t('traces.view')}</button>
            {open && (
                <Dialog panel title={t('traces.view')} onClose={() => setOpen(false)}>
                    <fieldset class="stack tight">
                        <legend>{t('traces.columnsTitle')}</legend>
                        {COLUMNS.map((one) => (
                            <label class="field check" key={one}>
                                <input type="checkbox" checked={chosen.includes(one)} onChange={(event) => setColumns(COLUMNS.filter((other) => (other === one ? event.currentTarget.checked : chosen.includes(other))).join(' '))} />
                                <span>{t(`traces.columns.${one}` as TextKey)}</span>
                            </label>
                        ))}
                    </fieldset>
                    <fieldset class="stack tight">
                        <legend>{t('traces.density')}</legend>
                        {[false, true].map((one) => (
                            <label class="field check" key={String(one)}>
                                <input type="radio" name="density" checked={dense === one} onChange={() => setDense(one)} />
                                <span>{t(one ? 'traces.compact' : 'traces.comfortable')}</span>
                            </label>
                        ))}
                    </fieldset>
                </Dialog>
            )}
        </>
    );
}

interface SavedFilter { name: string; query: string }

function savedOf(text: string): SavedFilter[] {
    try {
        const list: unknown = JSON.parse(text);
        return Array.isArray(list) ? list.filter((one): one is SavedFilter => typeof one?.name === 'string' && typeof one?.query === 'string') : [];
    } catch {
        return [];
    }
}

/** Filters with a name, kept in this browser for each organization. */
export function Saved({ organization }: { organization: string }) {
    const [text, setText] = useStored(`filters.${organization}`, '[]');
    const [dialog, setDialog] = useState<'save' | 'manage' | null>(null);
    const list = savedOf(text);
    const set = (next: SavedFilter[]) => setText(JSON.stringify(next));
    const name = useRef<HTMLInputElement>(null);
    return (
        <>
            <Menu label={<>{t('traces.saved')}<Glyph name="down" /></>} items={[
                ...list.map((one) => ({ label: one.name, href: `${BASE}traces${one.query}`, chosen: location.search === one.query })),
                { label: t('traces.saveThis'), run: () => setDialog('save') },
                ...(list.length > 0 ? [{ label: t('traces.manage'), run: () => setDialog('manage') }] : []),
            ]} />
            {dialog === 'save' && (
                <Dialog title={t('traces.saveThis')} onClose={() => setDialog(null)}>
                    <form class="stack" onSubmit={(event) => {
                        event.preventDefault();
                        const called = name.current!.value.trim();
                        if (!called) return;
                        set([...list.filter((one) => one.name !== called), { name: called, query: location.search }].sort((a, b) => a.name.localeCompare(b.name)));
                        setDialog(null);
                    }}>
                        <Field label={t('traces.filterName')} hint={t('traces.filterNote')}>{(props) => <input {...props} ref={name} maxLength={60} required autofocus />}</Field>
                        <div class="row"><span class="grow" /><button type="button" onClick={() => setDialog(null)}>{t('common.cancel')}</button><button type="submit" class="primary">{t('common.save')}</button></div>
                    </form>
                </Dialog>
            )}
            {dialog === 'manage' && (
                <Dialog title={t('traces.manage')} onClose={() => setDialog(null)}>
                    {list.length === 0 && <Empty title={t('common.none')} />}
                    <ul class="stack tight">
                        {list.map((one) => (
                            <li class="row" key={one.name}>
                                <a class="grow clip" href={`${BASE}traces${one.query}`} onClick={() => setDialog(null)}>{one.name}</a>
                                <button type="button" class="plain icon" aria-label={`${t('common.remove')}: ${one.name}`} onClick={() => set(list.filter((other) => other.name !== one.name))}><Glyph name="trash" /></button>
                            </li>
                        ))}
                    </ul>
                </Dialog>
            )}
        </>
    );
}
