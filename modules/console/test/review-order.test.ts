// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, append, current, justAfter, near, newer, older, open, prepend, remember, skipped, step, without, type Decision, type List } from '../src/review/order.ts';

test('forward, back, and past what is judged', () => {
    let order = append({ ids: [], at: 0 }, ['a', 'b', 'c', 'd']);
    assert.equal(current(order), 'a');
    order = advance(order, new Set(['a', 'b']));
    assert.equal(current(order), 'c');
    assert.equal(current(step(order, -1)), 'b');
    assert.deepEqual(skipped(order, new Set(['a'])), ['b']);
    assert.equal(current(advance(order, new Set(['a', 'b', 'c', 'd']))), null);
    assert.deepEqual(near(order, new Set(['a', 'b'])), ['d', 'b']);
    assert.equal(current(prepend(order, ['x'])), 'c');
    assert.equal(current(without(order, 'a')), 'c');
    assert.equal(current(open(order, 'new')), 'new');
    assert.equal(append(order, ['a']), order);
});

test('a microsecond later', () => {
    assert.equal(justAfter('2026-05-20T10:00:00.123456Z'), '2026-05-20T10:00:00.123457Z');
    assert.equal(justAfter('2026-05-20T10:00:00.999999Z'), '2026-05-20T10:00:01.000000Z');
    assert.equal(justAfter('2026-05-20T10:00:00Z'), '2026-05-20T10:00:00.000001Z');
});

// A list as the server has it: newest first, from inclusive, to exclusive.
function server(times: number[]) {
    const rows = times.map((time, at) => ({ id: `t${at}`, created_at: new Date(time).toISOString() })).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    let asked = 0;
    const list: List = async ({ from_date, to_date, limit }) => {
        asked++;
        const found = rows.filter((one) => (!from_date || Date.parse(one.created_at) >= Date.parse(from_date)) && (!to_date || Date.parse(one.created_at) < Date.parse(to_date) || (to_date.endsWith('001Z') && one.created_at === to_date.replace(/001Z$/, 'Z'))));
        return { items: found.slice(0, limit), next: found.length > limit ? 'more' : null };
    };
    return { rows, list, asked: () => asked };
}

test('the neighbours of a trace are found, wherever it stands', async () => {
    const now = Date.parse('2026-06-01T00:00:00Z');
    for (const times of [
        Array.from({ length: 2000 }, (_, at) => now - at * 1000),               // one a second
        Array.from({ length: 300 }, (_, at) => now - at * 86_400_000),          // one a day
        Array.from({ length: 1000 }, (_, at) => now - (at < 500 ? at : 900_000_000 + at)), // two bursts, a millisecond each
    ]) {
        const { rows, list, asked } = server(times);
        for (const at of [0, 1, 5, Math.floor(rows.length / 2), rows.length - 1]) {
            const before = asked();
            const found = await newer(list, rows[at], now);
            assert.deepEqual(found.map((one) => one.id), rows.slice(Math.max(0, at - found.length), at).map((one) => one.id), `${at}`);
            assert.ok(found.length > 0 || at === 0, `${at}`);
            assert.ok(asked() - before < 40, `${asked() - before} requests`);
        }
        const behind = await older(list, rows[3]);
        assert.ok(!behind.items.some((one) => one.id === rows[3].id));
        assert.ok(behind.items.length > 0);
    }
});

test('the last ten decisions', () => {
    let list: Decision[] = [];
    for (let at = 0; at < 12; at++) list = remember(list, { trace: `t${at}`, action: 'approve', at });
    assert.equal(list.length, 10);
    list = remember(list, { trace: 't5', action: 'reject', at: 99 });
    assert.equal(list[0].trace, 't5');
    assert.equal(list.filter((one) => one.trace === 't5').length, 1);
});
