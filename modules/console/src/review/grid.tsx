// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Key/value outputs as a grid. Tab goes from value to value, up and down (and Enter)
// from row to row, left and right at the end of a text to the name, the type and the
// row's buttons. These are there for the row that has the focus or the pointer; the
// others say their name and type as text, since a screen of them costs more time than
// a reviewer has. The next trace of the same shape takes over the rows of the last one.

import { useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { shown, type Json, type JsonScalar } from '../json.ts';
import { memo, useStateOf } from '../memo.ts';
import { announce, Glyph, Menu } from '../ui/index.tsx';
import { find } from './find.ts';
import { useNarrow } from './panes.tsx';
import { add, cells, cellText, choose, duplicates, kindChanged, mark, nameless, paste, remove, rename, reset, table, toJson, type, update, type Kind, type Row, type Table } from './grid.ts';
import type { EditorProps } from './editors.tsx';

const KINDS: Kind[] = ['string', 'number', 'boolean', 'null'];
/** More rows than a person reads are shown when asked for. */
const ROWS = 300;
/** A name of more characters may not fit its column. */
const WIDE = 18;

/** One for a grid, for good; what is in it is of the last rendering. */
interface Hands {
    change: (next: Table) => void;
    root: Table;
    /** A row's id less this is the same in every table of one shape. */
    base: number;
    faulty: ReadonlySet<number>;
    focusRow: (id: number, column?: number) => void;
    readOnly: boolean;
    lines: Map<number, (active: boolean) => void>;
    look: (text: string) => void;
}

const isTable = (body: Row['body']): body is Table => body.kind === 'object' || body.kind === 'array';
/** Without a pointer that hovers, everything is always there. */
const noHover = matchMedia('(hover: none)');

/** of: what is shown; another one begins anew. */
export function Grid({ of, original, edit, onEdit, readOnly, onSide }: EditorProps & { of: string }) {
    const narrow = useNarrow();
    const [{ root, base }, setState] = useStateOf(of, () => {
        const made = table(edit.value, original);
        return { root: made, base: Math.min(...made.rows.map((one) => one.id), Infinity) };
    });
    const box = useRef<HTMLDivElement>(null);
    const twice = duplicates(root);
    const unnamed = nameless(root);

    const change = (next: Table) => {
        setState({ root: next, base });
        const faults = duplicates(next).length > 0 ? t('review.duplicateKey') : nameless(next).length > 0 ? t('review.namelessKey') : null;
        onEdit({ as: 'json', value: toJson(next), text: '', problem: faults });
    };
    const focusRow = (id: number, column = 1) => requestAnimationFrame(() => {
        const row = box.current?.querySelector(`tr[data-row="${id - base}"]`);
        (row?.querySelector<HTMLElement>(`[data-col="${column}"]`) ?? row?.querySelector<HTMLElement>('[data-col]'))?.focus();
    });
    const hands = useMemo(() => ({ lines: new Map() }) as unknown as Hands, []);
    Object.assign(hands, { change, root, base, faulty: new Set([...twice, ...unnamed]), focusRow, readOnly, look: (text: string) => { onSide('input'); void find(text); } });
    const active = useMemo(() => new Active(hands.lines), []);
    return (
        <div class="grid" ref={box} onKeyDown={readOnly ? undefined : (event) => moveByKey(event, box.current!, active)}
            onPointerOver={(event) => active.set('over', rowOf(event.target))} onPointerLeave={() => active.set('over', null)}
            onFocusIn={(event) => active.set('focus', rowOf(event.target))} onFocusOut={(event) => active.set('focus', rowOf(event.relatedTarget))}>
            <Rows of={root} inside={null} hands={hands} readOnly={readOnly} narrow={narrow} name={t('review.fields')} />
            {twice.length > 0 && <p class="wrong" role="alert">{t('review.duplicateKey')}</p>}
        </div>
    );
}

const rowOf = (target: EventTarget | null): number | null => {
    const row = (target as Element | null)?.closest<HTMLElement>('tr[data-row]');
    return row ? Number(row.dataset.row) : null;
};

/** Tells the rows which of them have the pointer or the focus. */
class Active {
    private rows: Record<'over' | 'focus', number | null> = { over: null, focus: null };
    constructor(private lines: Map<number, (active: boolean) => void>) {}
    set(by: 'over' | 'focus', row: number | null): void {
        const before = this.rows[by];
        if (before === row) return;
        this.rows[by] = row;
        if (before !== null && this.rows[by === 'over' ? 'focus' : 'over'] !== before) this.lines.get(before)?.(false);
        if (row !== null) this.show(row);
    }
    show(row: number): void { this.lines.get(row)?.(true); }
}

function Rows({ of, inside, hands, readOnly, narrow, name }: { of: Table; inside: number | null; hands: Hands; readOnly: boolean; narrow: boolean; name: string }) {
    const [asked, setAll] = useState(false);
    const all = asked || of.rows.length <= ROWS;
    const rows = all ? of.rows : of.rows.slice(0, ROWS);
    let at = -1;
    const addRow = () => {
        const made = add(hands.root, inside);
        hands.change(made.table);
        hands.focusRow(made.id, of.kind === 'array' ? 1 : 0);
    };
    return (
        <>
            {of.rows.length > 0 && (
                <table class="fields" aria-label={name}>
                    <colgroup><col class="names" /><col />{!hands.readOnly && <col class="tools" />}</colgroup>
                    <thead class="unseen"><tr><th>{t('review.fieldName')}</th><th>{t('review.fieldValue')}</th><th>{t('review.fieldType')}</th></tr></thead>
                    <tbody>
                        {rows.map((row) => {
                            if (!row.removed) at++;
                            return <Line key={row.id - hands.base} row={row} index={of.kind === 'array' ? at : null} faulty={hands.faulty.has(row.id)} readOnly={readOnly} base={hands.base} narrow={narrow} hands={hands} />;
                        })}
                    </tbody>
                </table>
            )}
            {of.rows.length === 0 && readOnly && <p class="quiet">{t('review.noFields')}</p>}
            {!all && <button type="button" onClick={() => setAll(true)}>{t('review.allFields', { count: of.rows.length })}</button>}
            {!readOnly && <button type="button" class="plain add" data-add onClick={addRow}><Glyph name="plus" />{of.kind === 'array' ? t('review.addItem') : t('review.addField')}</button>}
        </>
    );
}

interface LineProps { row: Row; index: number | null; faulty: boolean; readOnly: boolean; base: number; narrow: boolean; hands: Hands }

const Line = memo(({ row, index, faulty, readOnly, base, narrow, hands }: LineProps) => {
    const [active, setActive] = useState(noHover.matches);
    if (!noHover.matches) hands.lines.set(row.id - base, setActive);
    const marked = mark(row);
    const label = index !== null ? t('review.item', { count: index + 1 }) : row.key || t('review.newField');
    const nested = isTable(row.body);
    // Long names wrap. An input is laid out sooner, and the element stays while a name is typed.
    const wraps = narrow || (row.origin?.key.length ?? 0) > WIDE;
    const Name = wraps ? 'textarea' : 'input';
    const change = (next: Table) => hands.change(next);
    const apply = (edit: (one: Row) => Row) => change(update(hands.root, row.id, edit));
    const takeBack = () => {
        change(reset(hands.root, row.id));
        hands.focusRow(row.id);
    };
    const takeOut = () => {
        announce(t('review.removedField', { name: label }));
        change(remove(hands.root, row.id));
        if (row.origin) hands.focusRow(row.id, 3);
    };
    const onPaste = (event: ClipboardEvent) => {
        const got = cells(event.clipboardData?.getData('text/plain') ?? '');
        // Several lines into a text cell are that cell's text, unless they are columns.
        if (!got || (row.body.kind === 'string' && row.origin && got.every((one) => one.length === 1))) return;
        event.preventDefault();
        change(paste(hands.root, row.id, got));
        announce(t('review.pasted', { count: got.length }));
    };
    const was = marked === 'changed' && row.origin && !nested ? shown(row.origin.value) : null;
    const renamed = row.origin && !row.removed && index === null && row.key !== row.origin.key;
    const named = index === null && !readOnly && !row.removed;
    // Where the arrow keys find something in this row.
    const columns = readOnly ? '' : row.removed ? '3' : `${named ? '0' : ''}${nested ? '' : '123'}4`;
    return (
        <>
            <tr data-row={row.id - base} data-cols={columns} class={`field-row ${marked}`}>
                <th scope="row">
                    {marked !== 'same' && <span class="mark">{marked === 'changed' && <><Glyph name="corrected" /><span class="unseen">{t('review.markChanged')}</span></>}
                        {marked === 'added' && <><Glyph name="plus" /><span class="unseen">{t('review.markAdded')}</span></>}
                        {marked === 'removed' && <><Glyph name="rejected" /><span class="unseen">{t('review.markRemoved')}</span></>}</span>}
                    {!named ? <span class="name">{index !== null ? index + 1 : row.key}</span>
                        : !active && marked === 'same' ? <span class="name">{row.key}</span>
                        : <Name class="name" rows={wraps ? 1 : undefined} data-col="0" tabIndex={row.origin ? -1 : 0} value={row.key} aria-label={t('review.nameOf', { name: label })} aria-invalid={faulty ? 'true' : undefined}
                            placeholder={t('review.fieldName')} spellcheck={false} autocomplete="off" onPaste={row.origin ? undefined : onPaste} onInput={(event) => apply((one) => rename(one, event.currentTarget.value.replace(/[\r\n]+/g, ' ')))} />}
                    {renamed && <small class="was">{t('review.was', { value: row.origin!.key })}</small>}
                </th>
                <td class="value">
                    {nested ? <span class="cell quiet">{row.body.kind === 'array' ? t('review.list') : t('review.group')}</span>
                        : readOnly || row.removed ? <span class={`cell ${row.body.kind}`}>{row.removed ? <del>{shown(row.body as JsonScalar)}</del> : row.body.kind === 'null' ? t('review.kind.null') : shown(row.body as JsonScalar)}</span>
                        : <Value row={row} label={label} onType={(text) => apply((one) => type(one, text))} onPaste={onPaste} />}
                    {(was !== null || marked === 'removed' || marked === 'added') && (
                        <small class="was">
                            {was !== null && <>{t('review.was', { value: '' })}<del>{was === '' ? t('review.emptyText') : was}</del></>}
                            {marked === 'removed' && t('review.markRemoved')}
                            {marked === 'added' && t('review.markAdded')}
                            {kindChanged(row) && <span class="kind-note"><Glyph name="warn" />{t('review.kindChanged', { from: kindName(row.origin!.value), to: kindName(row.body) })}</span>}
                            {!readOnly && row.origin && <button type="button" class="plain tiny" data-col="3" tabIndex={row.removed ? 0 : -1} aria-label={t('review.resetField', { name: label })} title={t('review.resetField', { name: label })} onClick={takeBack}><Glyph name="reset" /></button>}
                        </small>
                    )}
                </td>
                {!readOnly && (
                    <td class="tools">
                        {!row.removed && narrow && <Menu name={t('review.fieldActions', { name: label })} label={<Glyph name="menu" />} items={[
                            ...(nested ? [] : [{ label: t('review.findIn', { name: label }), run: () => hands.look(cellText(row.body)) },
                                ...KINDS.map((kind) => ({ label: t(`review.kind.${kind}`), chosen: row.body.kind === kind, run: () => apply((one) => choose(one, kind)) }))]),
                            { label: t('review.removeField', { name: label }), run: takeOut },
                        ]} />}
                        {!row.removed && !narrow && active && <div class="row">
                            {!nested && <button type="button" class="plain tiny quiet-tool" tabIndex={-1} data-col="2" aria-label={t('review.findIn', { name: label })} title={t('review.findIn', { name: label })} onClick={() => hands.look(cellText(row.body))}><Glyph name="search" /></button>}
                            {!nested && (
                                <select class="kind" data-col="3" tabIndex={-1} aria-label={t('review.typeOf', { name: label })} value={row.body.kind}
                                    onChange={(event) => apply((one) => choose(one, event.currentTarget.value as Kind))}>
                                    {KINDS.map((kind) => <option key={kind} value={kind}>{t(`review.kind.${kind}`)}</option>)}
                                </select>
                            )}
                            <button type="button" class="plain tiny quiet-tool" data-col="4" tabIndex={-1} aria-label={t('review.removeField', { name: label })} title={t('review.removeField', { name: label })} onClick={takeOut}><Glyph name="rejected" /></button>
                        </div>}
                        {!row.removed && !narrow && !active && !nested && <span class="kind">{t(`review.kind.${(row.body as JsonScalar).kind}`)}</span>}
                    </td>
                )}
            </tr>
            {nested && !row.removed && (
                <tr class="nested"><td colSpan={readOnly ? 2 : 3}><Rows of={row.body as Table} inside={row.id} hands={hands} readOnly={readOnly} narrow={narrow} name={label} /></td></tr>
            )}
            {nested && row.removed && <tr class="nested"><td colSpan={readOnly ? 2 : 3}><del class="cell">{shown(toJson(row.body))}</del></td></tr>}
        </>
    );
});

const kindName = (node: Json | Table): string => (node.kind === 'object' || node.kind === 'array' ? t(node.kind === 'array' ? 'review.list' : 'review.group') : t(`review.kind.${node.kind}`));

function Value({ row, label, onType, onPaste }: { row: Row; label: string; onType: (text: string) => void; onPaste: (event: ClipboardEvent) => void }) {
    const text = cellText(row.body);
    const shared = { 'data-col': '1', 'aria-label': label, class: `cell ${row.body.kind}`, onPaste };
    if (row.body.kind === 'boolean') {
        return (
            <select {...shared} value={text} onChange={(event) => onType(event.currentTarget.value)}>
                <option value="true">{t('review.true')}</option><option value="false">{t('review.false')}</option>
            </select>
        );
    }
    // Always the same element, so that the caret stays when the kind changes while typing.
    return (
        <textarea {...shared} rows={Math.min(8, Math.max(1, text.split('\n').length, Math.ceil(text.length / 44)))} value={text} spellcheck={row.body.kind === 'string'} autocomplete="off"
            inputMode={row.body.kind === 'number' ? 'decimal' : undefined} placeholder={row.body.kind === 'null' ? t('review.kind.null') : undefined}
            onInput={(event) => onType(event.currentTarget.value)} />
    );
}

// ----------------------------------------------------------------------- moving

function moveByKey(event: KeyboardEvent, box: HTMLElement, active: Active): void {
    const from = event.target as HTMLElement;
    const column = from.dataset.col;
    if (column === undefined || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const field = from instanceof HTMLTextAreaElement || from instanceof HTMLInputElement ? from : null;
    const lines = field?.value.includes('\n') ?? false;
    const start = !field || (field.selectionStart === 0 && field.selectionEnd === 0);
    const end = !field || (field.selectionStart === field.value.length && field.selectionEnd === field.value.length);
    const firstLine = !field || !lines || !field.value.slice(0, field.selectionStart ?? 0).includes('\n');
    const lastLine = !field || !lines || !field.value.slice(field.selectionEnd ?? 0).includes('\n');
    let target: HTMLElement | null | undefined;
    // The next place of this column: a row that has it (which may only be made now), or a button that adds one.
    const inColumn = (by: 1 | -1): HTMLElement | undefined => {
        const stops = [...box.querySelectorAll<HTMLElement>(`tr[data-cols*="${column}"], [data-add]`)];
        return stops[stops.indexOf(from.closest<HTMLElement>('tr[data-row]')!) + by];
    };
    const inRow = () => [...from.closest('tr')!.querySelectorAll<HTMLElement>('[data-col]')].sort((a, b) => Number(a.dataset.col) - Number(b.dataset.col));
    const select = from instanceof HTMLSelectElement;
    switch (event.key) {
    case 'Enter':
        if (event.shiftKey || !field) return;
        target = inColumn(1);
        break;
    case 'ArrowDown':
        if (!lastLine || select) return;
        target = inColumn(1);
        break;
    case 'ArrowUp':
        if (!firstLine || select) return;
        target = inColumn(-1);
        break;
    case 'ArrowRight':
        if (!end) return;
        target = inRow()[inRow().indexOf(from) + 1];
        break;
    case 'ArrowLeft':
        if (!start) return;
        target = inRow()[inRow().indexOf(from) - 1];
        break;
    default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (!target) return;
    const stop = target;
    const land = (to: HTMLElement | null) => {
        to?.focus();
        if (to instanceof HTMLTextAreaElement || to instanceof HTMLInputElement) to.select();
    };
    if (!stop.dataset.row) {
        land(stop);
        return;
    }
    const there = () => stop.querySelector<HTMLElement>(`[data-col="${column}"]`);
    if (there()) land(there());
    else {
        active.show(Number(stop.dataset.row));
        requestAnimationFrame(() => land(there()));
    }
}
