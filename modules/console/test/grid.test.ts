// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, printJson } from '../src/json.ts';
import { add, cells, cellText, choose, duplicates, kindChanged, mark, nameless, numberOf, paste, read, remove, rename, reset, table, toJson, type, update, type Table } from '../src/review/grid.ts';

const MODEL = '{"vendor":"Acme","total":1250.54,"rate":0.10,"paid":true,"note":null,"items":[{"sku":"A","price":1.0},{"sku":"B","price":2e3}],"address":{"city":"Paris"}}';
const start = (text = MODEL): Table => table(parseJson(text), parseJson(text));
const print = (of: Table): string => printJson(toJson(of));
const at = (of: Table, ...path: number[]) => path.slice(1).reduce((row, index) => (row.body as Table).rows[index], of.rows[path[0]]);
const typed = (of: Table, text: string, ...path: number[]) => update(of, at(of, ...path).id, (one) => type(one, text));

test('what nobody touched keeps its characters', () => {
    assert.equal(print(start()), MODEL);
    for (const odd of ['{"a":1e400,"a":2,"b":"\\u0041","":{}}', '{}', '{"a":[]}']) assert.equal(print(start(odd)), odd);
});

test('an edited number stays a number, and the others their spelling', () => {
    const next = typed(start(), '1250.45', 1);
    assert.equal(print(next), MODEL.replace('1250.54', '1250.45'));
    assert.equal(mark(at(next, 1)), 'changed');
    assert.equal(mark(at(next, 2)), 'same');
});

test('every state while typing is JSON, and the way back is the original', () => {
    let now = start();
    for (const text of ['1250.', '1250', '', '1250.4', '1250.54']) {
        now = typed(now, text, 1);
        parseJson(print(now));
    }
    assert.equal(print(now), MODEL);
    const other = typed(start('{"rate":0.10}'), '0.1', 0);
    assert.equal(print(other), '{"rate":0.1}');
    assert.equal(print(typed(other, '0.10', 0)), '{"rate":0.10}');
});

test('what is no number any more becomes text, and says so', () => {
    const next = typed(start(), '12,50', 1);
    assert.ok(print(next).includes('"total":"12,50"'));
    assert.ok(kindChanged(at(next, 1)));
    assert.ok(!kindChanged(at(typed(next, '12.50', 1), 1)));
});

test('text that looks like a number stays text', () => {
    assert.equal(print(typed(start('{"zip":"01234"}'), '5', 0)), '{"zip":"5"}');
});

test('null: typed text counts by its looks, emptied it is null again', () => {
    const filled = typed(start('{"note":null}'), '12', 0);
    assert.equal(print(filled), '{"note":12}');
    assert.equal(print(typed(filled, '', 0)), '{"note":null}');
    assert.equal(print(typed(filled, 'x', 0)), '{"note":"x"}');
});

test('the type switch', () => {
    const number = start('{"a":"1.250,45 €"}');
    const id = number.rows[0].id;
    assert.equal(print(update(number, id, (one) => choose(one, 'number'))), '{"a":1250.45}');
    const back = update(update(start('{"a":0.10}'), start().rows[0].id, (one) => one), 0, (one) => one);
    const zero = update(back, back.rows[0].id, (one) => choose(choose(one, 'string'), 'number'));
    assert.equal(print(zero), '{"a":0.10}');
    for (const [text, number] of [['1,250.45', '1250.45'], ['12,5', '12.5'], ['007', '7'], ['abc', '0'], ['-.5', '-0.5'], ['+3', '3'], ['', '0'], ['1e5', '1e5']]) assert.equal(numberOf(text), number, text);
});

test('add, rename, remove, reset', () => {
    let now = start('{"a":1,"b":2}');
    const made = add(now, null);
    now = made.table;
    assert.deepEqual(nameless(now), [made.id]);
    now = update(now, made.id, (one) => type(rename(one, 'c'), 'x'));
    assert.equal(print(now), '{"a":1,"b":2,"c":"x"}');
    assert.equal(mark(now.rows[2]), 'added');
    now = remove(now, now.rows[0].id);
    assert.equal(print(now), '{"b":2,"c":"x"}');
    assert.equal(mark(now.rows[0]), 'removed');
    now = reset(now, now.rows[0].id);
    now = remove(now, made.id);
    assert.equal(print(now), '{"a":1,"b":2}');
    now = update(now, now.rows[0].id, (one) => rename(one, 'z'));
    assert.equal(mark(now.rows[0]), 'changed');
    assert.equal(print(reset(now, now.rows[0].id)), '{"a":1,"b":2}');
});

test('two fields of one name are a fault, but not what the model sent', () => {
    const sent = start('{"a":1,"a":2,"b":3}');
    assert.deepEqual(duplicates(sent), []);
    const renamed = update(sent, sent.rows[2].id, (one) => rename(one, 'a'));
    assert.deepEqual(duplicates(renamed), [sent.rows[2].id]);
    assert.deepEqual(duplicates(remove(remove(renamed, sent.rows[0].id), sent.rows[1].id)), []);
});

test('inside lists and groups', () => {
    const now = typed(start(), '1.50', 5, 0, 1);
    assert.ok(print(now).includes('{"sku":"A","price":1.50},{"sku":"B","price":2e3}'));
    const more = add(now, at(now, 5).id);
    assert.ok(print(more.table).includes('"price":2e3},""]'));
});

test('a draft comes back with its marks', () => {
    const draft = table(parseJson('{"vendor":"ACME","rate":0.10,"new":1,"items":[{"sku":"A","price":1.0}]}'), parseJson(MODEL));
    const marks = Object.fromEntries(draft.rows.map((one) => [one.key, mark(one)]));
    assert.deepEqual(marks, { vendor: 'changed', total: 'removed', rate: 'same', paid: 'removed', note: 'removed', items: 'changed', address: 'removed', new: 'added' });
    assert.deepEqual(draft.rows.map((one) => one.key), ['vendor', 'total', 'rate', 'paid', 'note', 'new', 'items', 'address']);
    assert.equal(print(draft), '{"vendor":"ACME","rate":0.10,"new":1,"items":[{"sku":"A","price":1.0}]}');
    assert.equal(print(reset(draft, draft.rows[1].id)).includes('"total":1250.54'), true);
});

test('cells of a spreadsheet', () => {
    assert.equal(cells('just text'), null);
    assert.deepEqual(cells('a\t1\r\nb\t2\r\n'), [['a', '1'], ['b', '2']]);
    assert.deepEqual(cells('"x\ny"\t"say ""hi"""\nz\t'), [['x\ny', 'say "hi"'], ['z', '']]);
    assert.deepEqual(cells('1\n2\n3'), [['1'], ['2'], ['3']]);
});

test('two columns are names and values, one fills down', () => {
    const now = start('{"a":1,"b":"x"}');
    assert.equal(print(paste(now, now.rows[0].id, [['b', 'y'], ['a', '2.50'], ['c', '3']])), '{"a":2.50,"b":"y","c":3}');
    assert.equal(print(paste(now, now.rows[0].id, [['7'], ['8'], ['9']])), '{"a":7,"b":"8"}');
    const blank = add(now, null);
    assert.equal(print(paste(blank.table, blank.id, [['k', 'v']])), '{"a":1,"b":"x","k":"v"}');
    const list = start('{"l":[1]}');
    assert.equal(print(paste(list, (list.rows[0].body as Table).rows[0].id, [['5'], ['6']])), '{"l":[5,6]}');
});

test('reading', () => {
    assert.deepEqual(read('12345678901234567', 'auto').kind, 'string');
    assert.deepEqual(read('00', 'auto').kind, 'string');
    assert.equal(read(' 5 ', 'number').raw, '5');
    assert.equal(cellText(read('a"b', 'string')), 'a"b');
});
