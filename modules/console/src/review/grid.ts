// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the key/value grid does to an output, without a screen. Every cell is valid
// JSON at any moment, so a draft can be stored at any keystroke; a cell that nobody
// touched keeps its characters. A text that no longer reads as the cell's kind (12,50
// where a number was) becomes text, and the cell's type says so.

import { printJson, sameJson, stringNode, textOf, type Json, type JsonScalar } from '../json.ts';

export type Kind = 'string' | 'number' | 'boolean' | 'null';

export interface Origin { key: string; value: Json }
export interface Row {
    id: number;
    /** Of an object's member; in arrays it is not used. */
    key: string;
    raw: string;
    /** As the model gave it; null: somebody added it. */
    origin: Origin | null;
    removed: boolean;
    /** What typed text should be read as; auto: a new field, whatever it looks like. */
    prefer: Kind | 'auto';
    body: Body;
}
export type Body = JsonScalar | Table;
export interface Table { kind: 'object' | 'array'; rows: Row[] }

let last = 0;
const newId = (): number => ++last;
const isTable = (body: Body): body is Table => body.kind === 'object' || body.kind === 'array';

// ------------------------------------------------------------------ to and from JSON

function body(value: Json, origin: Json | undefined): Body {
    if (value.kind === 'object' || value.kind === 'array') return table(value, origin?.kind === value.kind ? origin : undefined);
    return value;
}

function row(key: string, raw: string, value: Json, origin: Origin | null): Row {
    const kind = (origin?.value ?? value).kind;
    const prefer = kind === 'object' || kind === 'array' ? 'auto' : kind === 'null' ? 'auto' : kind;
    return { id: newId(), key, raw, origin, removed: false, prefer, body: body(value, origin?.value) };
}

/** value as a table, its rows marked by how they differ from origin; rows only there are shown as removed. */
export function table(value: Json, origin: Json | undefined): Table {
    if (value.kind === 'array') {
        const before = origin?.kind === 'array' ? origin.items : [];
        const rows = value.items.map((item, at) => row('', '', item, at < before.length ? { key: '', value: before[at] } : null));
        for (let at = value.items.length; at < before.length; at++) rows.push({ ...row('', '', before[at], { key: '', value: before[at] }), removed: true });
        return { kind: 'array', rows };
    }
    if (value.kind !== 'object') return { kind: 'object', rows: [] };
    const before = origin?.kind === 'object' ? origin.members : [];
    const free = new Set(before);
    const rows: Row[] = [];
    for (const one of value.members) {
        const match = before.find((other) => free.has(other) && other.key === one.key);
        if (match) free.delete(match);
        rows.push(row(one.key, one.raw, one.value, match ? { key: match.key, value: match.value } : null));
    }
    // Removed ones stand where they stood.
    for (const [at, one] of before.entries()) {
        if (!free.has(one)) continue;
        const ahead = before.slice(0, at).reverse().map((other) => rows.findIndex((there) => there.origin?.value === other.value)).find((there) => there >= 0);
        rows.splice(ahead === undefined ? 0 : ahead + 1, 0, { ...row(one.key, one.raw, one.value, { key: one.key, value: one.value }), removed: true });
    }
    return { kind: 'object', rows };
}

export function toJson(of: Body): Json {
    if (!isTable(of)) return of;
    const rows = of.rows.filter((one) => !one.removed);
    return of.kind === 'array'
        ? { kind: 'array', items: rows.map((one) => toJson(one.body)) }
        : { kind: 'object', members: rows.map((one) => ({ key: one.key, raw: one.raw, value: toJson(one.body) })) };
}

// ------------------------------------------------------------------------- marks

export type Mark = 'same' | 'changed' | 'added' | 'removed';

export function mark(one: Row): Mark {
    if (one.removed) return 'removed';
    if (!one.origin) return 'added';
    return one.key === one.origin.key && sameJson(toJson(one.body), one.origin.value) ? 'same' : 'changed';
}

/** The kind differs from the model's: worth a word, since typing can do it. */
export function kindChanged(one: Row): boolean {
    return Boolean(one.origin) && !one.removed && one.origin!.value.kind !== one.body.kind;
}

/** Ids of rows whose key stands twice because of somebody's edit; what the model sent twice may stay. */
export function duplicates(of: Table): number[] {
    const found: number[] = [];
    if (of.kind === 'object') {
        const live = of.rows.filter((one) => !one.removed);
        for (const one of live) {
            const edited = !one.origin || one.origin.key !== one.key;
            if (edited && live.some((other) => other !== one && other.key === one.key)) found.push(one.id);
        }
    }
    for (const one of of.rows) if (!one.removed && isTable(one.body)) found.push(...duplicates(one.body));
    return found;
}

/** Ids of added members that have a value and no name. */
export function nameless(of: Table): number[] {
    return of.rows.flatMap((one) => {
        if (one.removed) return [];
        const inner = isTable(one.body) ? nameless(one.body) : [];
        return of.kind === 'object' && !one.origin && one.key === '' ? [one.id, ...inner] : inner;
    });
}

// ------------------------------------------------------------------------- edits

/** The table with that row, at any depth, changed; null takes it out. */
export function update(of: Table, id: number, change: (one: Row) => Row | null): Table {
    let hit = false;
    const rows = of.rows.flatMap((one) => {
        if (hit) return [one];
        if (one.id === id) {
            hit = true;
            const next = change(one);
            return next ? [next] : [];
        }
        if (isTable(one.body)) {
            const inner = update(one.body, id, change);
            if (inner !== one.body) {
                hit = true;
                return [{ ...one, body: inner }];
            }
        }
        return [one];
    });
    return hit ? { ...of, rows } : of;
}

export function find(of: Table, id: number): Row | undefined {
    for (const one of of.rows) {
        if (one.id === id) return one;
        const inner = isTable(one.body) ? find(one.body, id) : undefined;
        if (inner) return inner;
    }
    return undefined;
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** A typed text as JSON: of the preferred kind if it reads as one, else as text. */
export function read(text: string, prefer: Kind | 'auto'): JsonScalar {
    const trimmed = text.trim();
    if (prefer === 'auto') {
        if (NUMBER.test(trimmed) && trimmed.length <= 16) return { kind: 'number', raw: trimmed };
        if (trimmed === 'true' || trimmed === 'false') return { kind: 'boolean', raw: trimmed };
        return stringNode(text);
    }
    if (prefer === 'number' && NUMBER.test(trimmed)) return { kind: 'number', raw: trimmed };
    if (prefer === 'boolean' && (trimmed === 'true' || trimmed === 'false')) return { kind: 'boolean', raw: trimmed };
    if (prefer === 'null' && (trimmed === '' || trimmed === 'null')) return { kind: 'null', raw: 'null' };
    return stringNode(text);
}

/** What a cell shows for editing. */
export function cellText(of: Body): string {
    if (isTable(of)) return printJson(toJson(of));
    return of.kind === 'null' ? '' : textOf(of) ?? of.raw;
}

/** Somebody typed; the original's own characters come back with its text. */
export function type(one: Row, text: string): Row {
    const origin = one.origin?.value;
    if (origin && origin.kind !== 'object' && origin.kind !== 'array' && one.prefer === (origin.kind === 'null' ? 'auto' : origin.kind) && cellText(origin) === text) {
        return { ...one, body: origin };
    }
    const next = read(text, one.prefer);
    // Emptied: an optional value that was null is null again.
    if (text === '' && one.prefer === 'auto' && origin?.kind === 'null') return { ...one, body: origin };
    return { ...one, body: next };
}

/** The type switch. The text stays where the kind can hold it. */
export function choose(one: Row, kind: Kind): Row {
    const origin = one.origin?.value;
    const prefer = kind;
    if (origin && origin.kind === kind && !isTable(one.body) && cellText(origin as JsonScalar) === cellText(one.body)) return { ...one, prefer, body: origin as JsonScalar };
    const text = isTable(one.body) ? cellText(one.body) : cellText(one.body);
    switch (kind) {
    case 'string': return { ...one, prefer, body: stringNode(text) };
    case 'null': return { ...one, prefer: 'auto', body: { kind: 'null', raw: 'null' } };
    case 'boolean': return { ...one, prefer, body: { kind: 'boolean', raw: /^(true|yes|1)$/i.test(text.trim()) ? 'true' : 'false' } };
    case 'number': return { ...one, prefer, body: { kind: 'number', raw: numberOf(text) } };
    }
}

/** The number that a text means, in JSON's spelling: '1,250.45 €' is 1250.45, '12,5' is 12.5; else 0. */
export function numberOf(text: string): string {
    let digits = text.replace(/[^0-9.,eE+-]/g, '');
    if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(digits)) digits = digits.replaceAll(',', '');
    else if (/^[+-]?\d{1,3}(\.\d{3})+,\d+$/.test(digits)) digits = digits.replaceAll('.', '').replace(',', '.');
    else digits = digits.replace(',', '.');
    digits = digits.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1').replace(/^(-?)\./, '$10.').replace(/\.$/, '');
    return NUMBER.test(digits) ? digits : '0';
}

export function rename(one: Row, key: string): Row {
    return { ...one, key, raw: JSON.stringify(key) };
}

/** Removes a row of the model's (it stays, struck out) or takes away an added one. */
export function remove(of: Table, id: number): Table {
    return update(of, id, (one) => (one.origin ? { ...one, removed: true } : null));
}

/** As the model gave it. */
export function reset(of: Table, id: number): Table {
    return update(of, id, (one) => (one.origin ? { ...row(one.origin.key, JSON.stringify(one.origin.key), one.origin.value, one.origin), id: one.id } : one));
}

/** A new row at the end of the table that row `inside` holds (null: the outermost). */
export function add(of: Table, inside: number | null, key = '', value: JsonScalar = stringNode('')): { table: Table; id: number } {
    const fresh: Row = { ...row(key, JSON.stringify(key), value, null), prefer: 'auto' };
    if (inside === null) return { table: { ...of, rows: [...of.rows, fresh] }, id: fresh.id };
    return { table: update(of, inside, (one) => (isTable(one.body) ? { ...one, body: { ...one.body, rows: [...one.body.rows, fresh] } } : one)), id: fresh.id };
}

// ------------------------------------------------------------------------- paste

/** Cells of tab-separated text as spreadsheets copy it, quotes included; null: just text, to be pasted as such. */
export function cells(text: string): string[][] | null {
    const clean = text.replace(/\r\n?/g, '\n').replace(/\n$/, '');
    if (!clean.includes('\t') && !clean.includes('\n')) return null;
    const rows: string[][] = [[]];
    for (let at = 0; at <= clean.length;) {
        let cell = '';
        if (clean[at] === '"') {
            const end = /"((?:[^"]|"")*)"(?=\t|\n|$)/y;
            end.lastIndex = at;
            const found = end.exec(clean);
            if (found) {
                cell = found[1].replaceAll('""', '"');
                at += found[0].length;
            }
        }
        if (cell === '') {
            const stop = clean.slice(at).search(/[\t\n]/);
            const end = stop < 0 ? clean.length : at + stop;
            cell = clean.slice(at, end);
            at = end;
        }
        rows[rows.length - 1].push(cell);
        if (at >= clean.length) break;
        if (clean[at] === '\n') rows.push([]);
        at++;
    }
    return rows;
}

/** Pastes into the table that holds row id: two columns are keys and values (known keys are filled, others added), one column fills down from that row. */
export function paste(of: Table, id: number, rows: string[][]): Table {
    const holder = holderOf(of, id);
    if (!holder) return of;
    let next = holder;
    if (holder.kind === 'object' && rows.every((one) => one.length >= 2)) {
        for (const [key, value] of rows) {
            const known = next.rows.find((one) => !one.removed && one.key === key && !isTable(one.body));
            if (known) next = update(next, known.id, (one) => type(one, value));
            else {
                const made = add(next, null, key);
                next = update(made.table, made.id, (one) => type(one, value));
            }
        }
        // The row that was only there to paste into.
        next = { ...next, rows: next.rows.filter((one) => one.id !== id || one.origin || one.key !== '' || cellText(one.body) !== '') };
    } else {
        const live = next.rows.filter((one) => !one.removed);
        const from = live.findIndex((one) => one.id === id);
        for (const [at, [value]] of rows.entries()) {
            const target = live[from + at];
            if (target && !isTable(target.body)) next = update(next, target.id, (one) => type(one, value ?? ''));
            else if (!target && next.kind === 'array') {
                const made = add(next, null);
                next = update(made.table, made.id, (one) => type(one, value ?? ''));
            }
        }
    }
    return replace(of, holder, next);
}

function holderOf(of: Table, id: number): Table | null {
    if (of.rows.some((one) => one.id === id)) return of;
    for (const one of of.rows) {
        const inner = isTable(one.body) ? holderOf(one.body, id) : null;
        if (inner) return inner;
    }
    return null;
}
function replace(of: Table, old: Table, next: Table): Table {
    if (of === old) return next;
    return { ...of, rows: of.rows.map((one) => (isTable(one.body) ? { ...one, body: replace(one.body, old, next) } : one)) };
}
