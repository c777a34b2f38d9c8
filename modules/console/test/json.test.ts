// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonError, member, parseJson, printJson, sameJson, shown } from '../src/json.ts';

test('what was sent comes back with the same characters', () => {
    for (const text of ['{"a":0.10,"b":1e400,"c":12345678901234567890,"d":-0.0,"e":1E+2}', '{"a":1,"a":2}', '["\\u0000","\\ud800","\\/"]', '{"":{}}', '[]', '"x"', 'null']) {
        assert.equal(printJson(parseJson(text)), text);
    }
    assert.equal(printJson(parseJson(' { "a" : [ 1 , 2 ] } ')), '{"a":[1,2]}');
});

test('what is not JSON is refused, with its place', () => {
    for (const [text, at] of [['{"a":01}', 6], ['{"a":1,}', 7], ['[1 2]', 3], ['"a', 2], ['"\\x"', 1], ['NaN', 0], ['', 0], ['1 2', 2], ['"\n"', 1]] as const) {
        assert.throws(() => parseJson(text), (error: unknown) => error instanceof JsonError && error.at === at, text);
    }
});

test('of two equal members the last counts', () => {
    const node = parseJson('{"a":1,"a":2.50}');
    assert.equal(shown(member(node, 'a')!), '2.50');
});

test('numbers differ by their characters, strings by their text', () => {
    assert.equal(sameJson(parseJson('1.0'), parseJson('1')), false);
    assert.equal(sameJson(parseJson('"\\u0041"'), parseJson('"A"')), true);
    assert.equal(sameJson(parseJson('{"a":[1]}'), parseJson('{"a":[1]}')), true);
});

test('a field of five megabytes is no burden', () => {
    const text = `{"pdf_base64":"${'A'.repeat(5_000_000)}"}`;
    assert.equal(printJson(parseJson(text)).length, text.length);
});
