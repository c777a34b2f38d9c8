// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A chart, and behind it the same numbers as a table, which can be taken along as CSV.

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { formatNumber, t } from '../i18n.ts';
import { csvOf, type Cell } from './csv.ts';

/** Cells of a row: the first names it; link leads to what it is about. */
export interface TableRow { cells: Cell[]; link?: string; shown?: (string | undefined)[] }

export function Figure({ title, note, head, rows, file, controls, children }: {
    title: string; note?: string; head: string[]; rows: TableRow[]; file: string; controls?: ComponentChildren; children: ComponentChildren;
}) {
    const id = useId();
    const [table, setTable] = useState(false);
    return (
        <figure class="card figure" aria-labelledby={id}>
            <div class="row wrap">
                <h2 id={id} class="grow">{title}</h2>
                {controls}
                <button type="button" aria-pressed={table} aria-label={t('analytics.tableOf', { title })} onClick={() => setTable(!table)}>{t('analytics.table')}</button>
            </div>
            {note && <small>{note}</small>}
            {table ? (
                <>
                    <div class="table" tabIndex={0} role="region" aria-label={t('analytics.tableOf', { title })}>
                        <table class="dense">
                            <thead><tr>{head.map((name, at) => <th scope="col" key={at} class={at ? 'number' : ''}>{name}</th>)}</tr></thead>
                            <tbody>{rows.map((row, at) => (
                                <tr key={at}>{row.cells.map((cell, column) => {
                                    const text = row.shown?.[column] ?? (typeof cell === 'number' ? formatNumber(cell) : cell);
                                    return column === 0 ? <th scope="row" key={column}>{row.link ? <a href={row.link}>{text}</a> : text}</th> : <td class="number" key={column}>{text}</td>;
                                })}</tr>
                            ))}</tbody>
                        </table>
                    </div>
                    <button type="button" class="start" onClick={() => download(`${file}.csv`, csvOf([head, ...rows.map((row) => row.cells)]))}>{t('analytics.csv')}</button>
                </>
            ) : children}
        </figure>
    );
}

/** The mark tells spreadsheets that the file is UTF-8. */
function download(name: string, text: string): void {
    const url = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv' }));
    const link = Object.assign(document.createElement('a'), { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}
