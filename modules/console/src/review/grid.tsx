// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Key/value outputs as a grid. Tab goes from value to value, up and down (and Enter)
// from row to row, left and right at the end of a text to the name, the type and the
// row's buttons.

import { useRef, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { shown, type Json, type JsonScalar } from '../json.ts';
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

interface Hands {
    change: (next: Table) => void;
    root: Table;
    faulty: ReadonlySet<number>;
    focusRow: (id: number, column?: number) => void;
    readOnly: boolean;
    /** One menu in place of a row's buttons. */
    narrow: boolean;
    look: (text: string) => void;
}

const isTable = (body: Row['body']): body is Table => body.kind === 'object' || body.kind === 'array';

export function Grid({ original, edit, onEdit, readOnly, onSide }: EditorProps) {
    const narrow = useNarrow();
    const [root, setRoot] = useState(() => table(edit.value, original));
    const box = useRef<HTMLDivElement>(null);
    const twice = duplicates(root);
    const unnamed = nameless(root);

    const change = (next: Table) => {
        setRoot(next);
        const faults = duplicates(next).length > 0 ? t('review.duplicateKey') : nameless(next).length > 0 ? t('review.namelessKey') : null;
        onEdit({ as: 'json', value: toJson(next), text: '', problem: faults });
    };
    const focusRow = (id: number, column = 1) => requestAnimationFrame(() => {
        const row = box.current?.querySelector(`tr[data-row="${id}"]`);
        (row?.querySelector<HTMLElement>(`[data-col="${column}"]`) ?? row?.querySelector<HTMLElement>('[data-col]'))?.focus();
    });
    const hands: Hands = { change, root, faulty: new Set([...twice, ...unnamed]), focusRow, readOnly, narrow, look: (text) => { onSide('input'); void find(text); } };
    return (
        <div class="grid" ref={box} onKeyDown={readOnly ? undefined : (event) => moveByKey(event, box.current!)}>
            <Rows of={root} inside={null} hands={hands} name={t('review.fields')} />
            {twice.length > 0 && <p class="wrong" role="alert">{t('review.duplicateKey')}</p>}
        </div>
    );
}

function Rows({ of, inside, hands, name }: { of: Table; inside: number | null; hands: Hands; name: string }) {
    const [all, setAll] = useState(of.rows.length <= ROWS);
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
                            return <Line key={row.id} row={row} index={of.kind === 'array' ? at : null} hands={hands} />;
                        })}
                    </tbody>
                </table>
            )}
            {of.rows.length === 0 && hands.readOnly && <p class="quiet">{t('review.noFields')}</p>}
            {!all && <button type="button" onClick={() => setAll(true)}>{t('review.allFields', { count: of.rows.length })}</button>}
            {!hands.readOnly && <button type="button" class="plain add" data-add onClick={addRow}><Glyph name="plus" />{of.kind === 'array' ? t('review.addItem') : t('review.addField')}</button>}
        </>
    );
}

function Line({ row, index, hands }: { row: Row; index: number | null; hands: Hands }) {
    const { change, root, readOnly, narrow } = hands;
    const marked = mark(row);
    const label = index !== null ? t('review.item', { count: index + 1 }) : row.key || t('review.newField');
    const nested = isTable(row.body);
    // Long names wrap. An input is laid out sooner, and the element stays while a name is typed.
    const wraps = narrow || (row.origin?.key.length ?? 0) > WIDE;
    const Name = wraps ? 'textarea' : 'input';
    const apply = (edit: (one: Row) => Row) => change(update(root, row.id, edit));
    const takeBack = () => {
        change(reset(root, row.id));
        hands.focusRow(row.id);
    };
    const takeOut = () => {
        announce(t('review.removedField', { name: label }));
        change(remove(root, row.id));
        if (row.origin) hands.focusRow(row.id, 3);
    };
    const onPaste = (event: ClipboardEvent) => {
        const got = cells(event.clipboardData?.getData('text/plain') ?? '');
        // Several lines into a text cell are that cell's text, unless they are columns.
        if (!got || (row.body.kind === 'string' && row.origin && got.every((one) => one.length === 1))) return;
        event.preventDefault();
        change(paste(root, row.id, got));
        announce(t('review.pasted', { count: got.length }));
    };
    const was = marked === 'changed' && row.origin && !nested ? shown(row.origin.value) : null;
    const renamed = row.origin && !row.removed && index === null && row.key !== row.origin.key;
    return (
        <>
            <tr data-row={row.id} class={`field-row ${marked}`}>
                <th scope="row">
                    <span class="mark">{marked === 'changed' && <><Glyph name="corrected" /><span class="unseen">{t('review.markChanged')}</span></>}
                        {marked === 'added' && <><Glyph name="plus" /><span class="unseen">{t('review.markAdded')}</span></>}
                        {marked === 'removed' && <><Glyph name="rejected" /><span class="unseen">{t('review.markRemoved')}</span></>}</span>
                    {readOnly || row.removed || index !== null
                        ? <span class="name">{index !== null ? index + 1 : row.key}</span>
                        : <Name class="name" rows={wraps ? 1 : undefined} data-col="0" tabIndex={row.origin ? -1 : 0} value={row.key} aria-label={t('review.nameOf', { name: label })} aria-invalid={hands.faulty.has(row.id) ? 'true' : undefined}
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
                        {!row.removed && !narrow && <div class="row">
                            {!nested && <button type="button" class="plain tiny quiet-tool" tabIndex={-1} data-col="2" aria-label={t('review.findIn', { name: label })} title={t('review.findIn', { name: label })} onClick={() => hands.look(cellText(row.body))}><Glyph name="search" /></button>}
                            {!nested && (
                                <select class="kind" data-col="3" tabIndex={-1} aria-label={t('review.typeOf', { name: label })} value={row.body.kind}
                                    onChange={(event) => apply((one) => choose(one, event.currentTarget.value as Kind))}>
                                    {KINDS.map((kind) => <option key={kind} value={kind}>{t(`review.kind.${kind}`)}</option>)}
                                </select>
                            )}
                            <button type="button" class="plain tiny quiet-tool" data-col="4" tabIndex={-1} aria-label={t('review.removeField', { name: label })} title={t('review.removeField', { name: label })} onClick={takeOut}><Glyph name="rejected" /></button>
                        </div>}
                    </td>
                )}
            </tr>
            {nested && !row.removed && (
                <tr class="nested"><td colSpan={readOnly ? 2 : 3}><Rows of={row.body as Table} inside={row.id} hands={hands} name={label} /></td></tr>
            )}
            {nested && row.removed && <tr class="nested"><td colSpan={readOnly ? 2 : 3}><del class="cell">{shown(toJson(row.body))}</del></td></tr>}
        </>
    );
}

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

function moveByKey(event: KeyboardEvent, box: HTMLElement): void {
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
    const inColumn = () => [...box.querySelectorAll<HTMLElement>(`tr[data-row] [data-col="${column}"], [data-add]`)];
    const inRow = () => [...from.closest('tr')!.querySelectorAll<HTMLElement>('[data-col]')].sort((a, b) => Number(a.dataset.col) - Number(b.dataset.col));
    const select = from instanceof HTMLSelectElement;
    switch (event.key) {
    case 'Enter':
        if (event.shiftKey || !field) return;
        target = inColumn()[inColumn().indexOf(from) + 1];
        break;
    case 'ArrowDown':
        if (!lastLine || select) return;
        target = inColumn()[inColumn().indexOf(from) + 1];
        break;
    case 'ArrowUp':
        if (!firstLine || select) return;
        target = inColumn()[inColumn().indexOf(from) - 1];
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
    target.focus();
    if (target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) target.select();
}
