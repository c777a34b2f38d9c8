// Licensed under the Apache License, Version 2.0; see LICENSE.

export type Cell = string | number | null;

/** RFC 4180, with an apostrophe before what a spreadsheet would run as a formula. */
export function csvOf(rows: Cell[][]): string {
    return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

function cell(value: Cell): string {
    if (value === null) return '';
    if (typeof value === 'number') return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
