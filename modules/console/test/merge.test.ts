// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, printJson } from '../src/json.ts';
import { changes, merge, pathOf, type Choice } from '../src/review/merge.ts';

function merged(original: string, theirs: string, mine: string, choices: Record<string, Choice> = {}) {
    const found = merge(parseJson(original), parseJson(theirs), parseJson(mine));
    return { text: printJson(found.result(choices)), clashes: found.clashes.map((one) => one.path), taken: found.taken };
}

test('fields that only one of us touched come from that one', () => {
    const got = merged('{"a":1,"b":2,"c":0.10}', '{"a":9,"b":2,"c":0.10}', '{"a":1,"b":8,"c":0.10}');
    assert.equal(got.text, '{"a":9,"b":8,"c":0.10}');
    assert.deepEqual(got.clashes, []);
    assert.deepEqual(got.taken, { theirs: ['a'], mine: ['b'] });
});

test('a field that both touched is a choice, unless they agree', () => {
    assert.deepEqual(merged('{"a":1}', '{"a":2}', '{"a":3}').clashes, ['a']);
    assert.equal(merged('{"a":1}', '{"a":2}', '{"a":3}').text, '{"a":3}');
    assert.equal(merged('{"a":1}', '{"a":2}', '{"a":3}', { a: 'theirs' }).text, '{"a":2}');
    assert.deepEqual(merged('{"a":1}', '{"a":2}', '{"a":2}').clashes, []);
});

test('added and removed', () => {
    assert.equal(merged('{"a":1}', '{"a":1,"t":1}', '{"a":1,"m":1}').text, '{"a":1,"t":1,"m":1}');
    assert.equal(merged('{"a":1,"b":2}', '{"b":2}', '{"a":1,"b":3}').text, '{"b":3}');
    const clash = merged('{"a":1}', '{}', '{"a":2}');
    assert.deepEqual(clash.clashes, ['a']);
    assert.equal(merged('{"a":1}', '{}', '{"a":2}', { a: 'theirs' }).text, '{}');
    assert.deepEqual(merged('{}', '{"x":{"a":1}}', '{"x":{"b":1}}').clashes, []);
});

test('groups by field, lists of one length by place, others as a whole', () => {
    assert.equal(merged('{"o":{"a":1,"b":1}}', '{"o":{"a":2,"b":1}}', '{"o":{"a":1,"b":2}}').text, '{"o":{"a":2,"b":2}}');
    assert.equal(merged('{"l":[1,2]}', '{"l":[9,2]}', '{"l":[1,8]}').text, '{"l":[9,8]}');
    assert.deepEqual(merged('{"l":[1,2]}', '{"l":[1]}', '{"l":[1,8]}').clashes, ['l']);
    assert.deepEqual(merged('{"o":{"a":1}}', '{"o":1}', '{"o":{"a":2}}').clashes, ['o']);
});

test('spelling counts for numbers', () => {
    assert.equal(merged('{"a":1.0,"b":"x"}', '{"a":1.0,"b":"y"}', '{"a":1.00,"b":"x"}').text, '{"a":1.00,"b":"y"}');
});

test('changes are those of correction_diff', () => {
    const found = (a: string, b: string) => changes(parseJson(a), parseJson(b)).map((one) => one.path);
    assert.deepEqual(found('{"a":1,"b":{"c":2}}', '{"a":1.0,"b":{"c":2,"d":1}}'), ['a', 'b.d']);
    assert.deepEqual(found('{"l":[1,2]}', '{"l":[1]}'), ['l[1]']);
    assert.deepEqual(found('{"a":{}}', '{"a":{"b":1}}'), ['a']);
    assert.equal(pathOf('a', 'b.c'), 'a["b.c"]');
    assert.equal(pathOf('', ''), '[""]');
    assert.equal(pathOf('items', 2), 'items[2]');
});
