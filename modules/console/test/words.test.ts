// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, contexts, counts, type Piece } from '../src/review/words.ts';

const side = (pieces: Piece[], which: -1 | 1) => pieces.filter(([at]) => at !== -which).map(([, text]) => text).join('');

test('words, not letters', () => {
    assert.deepEqual(compare('the cat sat', 'the dog sat', 'words'), [[0, 'the '], [-1, 'cat'], [1, 'dog'], [0, ' sat']]);
    assert.deepEqual(compare('same', 'same', 'words'), [[0, 'same']]);
});

test('both texts come out of the pieces, whatever is in them', () => {
    for (const [before, after] of [['', 'a'], ['a\n\nb', 'a\nb'], ['naïve café – “x”', 'naive café — «x»'], ['👩‍👩‍👧 ok', '👩‍👧 ok'], ['日本語 テキスト', '日本 テキスト'], ['a\u0000b', 'a b'], ['\ud800 x', 'x']]) {
        for (const by of ['words', 'lines'] as const) {
            const pieces = compare(before, after, by)!;
            assert.equal(side(pieces, -1), before);
            assert.equal(side(pieces, 1), after);
        }
    }
});

test('more distinct words than characters are refused', () => {
    const many = Array.from({ length: 70_000 }, (_, at) => `w${at}`).join(' ');
    assert.equal(compare(many, 'x', 'words'), null);
    assert.ok(compare(many, 'x', 'lines'));
});

test('tokens beyond the surrogates', () => {
    const many = Array.from({ length: 60_000 }, (_, at) => `w${at}`).join(' ');
    const pieces = compare(many, `${many} end`, 'words')!;
    assert.equal(side(pieces, 1), `${many} end`);
});

test('twenty thousand characters take milliseconds', () => {
    const before = Array.from({ length: 3500 }, (_, at) => `word${at % 700}`).join(' ');
    const after = before.split(' ').map((word, at) => (at % 10 ? word : 'changed')).join(' ');
    const start = performance.now();
    assert.ok(compare(before, after, 'words')!.length > 100);
    console.log(`# ${before.length} characters, a tenth of the words changed: ${(performance.now() - start).toFixed(1)} ms`);
});

test('counts', () => {
    assert.deepEqual(counts(''), { words: 0, characters: 0 });
    assert.deepEqual(counts(' two  words\n'), { words: 2, characters: 12 });
    assert.deepEqual(counts('👍 ok'), { words: 2, characters: 4 });
});

test('long runs are cut to what stands around a change', () => {
    const long = 'x'.repeat(1000);
    assert.deepEqual(contexts([[0, long], [1, 'new'], [0, long]], 10), [null, [0, 'x'.repeat(10)], [1, 'new'], [0, 'x'.repeat(10)], null]);
});
