// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff, wordDiff, type WordChange } from '../src/diff.ts';

const side = (changes: WordChange[], other: 'added' | 'removed') => changes.filter((one) => one.kind !== other).map((one) => one.text).join('');
const brief = (changes: WordChange[]) => changes.map(({ kind, text }) => ({ same: '', added: '+', removed: '-' })[kind] + text);

/** Both texts come back out of the changes; no piece is empty or beside one of its own kind. */
function checked(before: string, after: string, changes: WordChange[]): WordChange[] {
    assert.equal(side(changes, 'added'), before);
    assert.equal(side(changes, 'removed'), after);
    changes.forEach((one, at) => {
        assert.notEqual(one.text, '');
        assert.notEqual(one.kind, changes[at - 1]?.kind);
        if (one.kind === 'removed') assert.notEqual(changes[at - 1]?.kind, 'added');
    });
    return changes;
}

test('words are kept whole', () => {
    const words = (before: string, after: string) => brief(checked(before, after, wordDiff(before, after)));
    assert.deepEqual(words('the total is 1250.54', 'the total is 1250.45'), ['the total is 1250.', '-54', '+45']);
    assert.deepEqual(words('color', 'colour'), ['-color', '+colour']);
    assert.deepEqual(words('a b', 'a  b'), ['a', '- ', '+  ', 'b']);
    assert.deepEqual(words('naïve café', 'naïve cafe\u0301s'), ['naïve ', '-café', '+cafe\u0301s']);
    assert.deepEqual(words('', ''), []);
    assert.deepEqual(words('same', 'same'), ['same']);
    assert.deepEqual(words('', 'new'), ['+new']);
    assert.deepEqual(words('old', ''), ['-old']);
});

test('replaced words beside each other are one change, two insertions stay two', () => {
    const words = (before: string, after: string) => brief(checked(before, after, wordDiff(before, after)));
    assert.deepEqual(words('Write short dates now', 'Write ISO timestamps now'), ['Write ', '-short dates', '+ISO timestamps', ' now']);
    assert.deepEqual(words('one two', 'one very two'), ['one ', '+very ', 'two']);
    assert.deepEqual(words('old\nold', 'new\nnew'), ['-old', '+new', '\n', '-old', '+new']);
});

test('scripts without spaces are compared by character, pairs of surrogates stay whole', () => {
    assert.deepEqual(brief(checked('請求書番号', '請求者番号', wordDiff('請求書番号', '請求者番号'))), ['請求', '-書', '+者', '番号']);
    assert.deepEqual(brief(checked('ok 😀', 'ok 😁', wordDiff('ok 😀', 'ok 😁'))), ['ok ', '-😀', '+😁']);
    const lone = 'a\ud800b';
    checked(lone, 'ab', wordDiff(lone, 'ab'));
});

test('lines keep their ends', () => {
    assert.deepEqual(brief(checked('a\nb\nc', 'a\nB\nc\n', lineDiff('a\nb\nc', 'a\nB\nc\n'))), ['a\n', '-b\nc', '+B\nc\n']);
    assert.deepEqual(brief(checked('a\r\nb\n', 'a\nb\n', lineDiff('a\r\nb\n', 'a\nb\n'))), ['-a\r\n', '+a\n', 'b\n']);
});

test('more distinct words than characters: by lines, then as a whole', () => {
    const many = (from: number, count: number, between: string) => Array.from({ length: count }, (_, at) => `w${from + at}`).join(between);
    // 70 000 words in lines of 100, of which one line changes
    const lines = Array.from({ length: 700 }, (_, at) => many(at * 100, 100, ' ') + '\n');
    const changed = lines.with(350, 'other words\n');
    const byLine = checked(lines.join(''), changed.join(''), wordDiff(lines.join(''), changed.join('')));
    assert.deepEqual(byLine.filter((one) => one.kind === 'added').map((one) => one.text), ['other words\n']);
    // 70 000 distinct lines: nothing is compared, nothing is lost
    const before = many(0, 40000, '\n');
    const after = many(40000, 30000, '\n');
    assert.deepEqual(checked(before, after, wordDiff(before, after)).map((one) => one.kind), ['removed', 'added']);
});

test('codes beyond the surrogates come back, too', () => {
    const words = Array.from({ length: 60000 }, (_, at) => `w${at}`);
    const changed = words.with(59000, 'other');
    assert.deepEqual(brief(checked(words.join(' '), changed.join(' '), wordDiff(words.join(' '), changed.join(' ')))).slice(1, 3), ['-w59000', '+other']);
});

test('random texts come back', () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 16807) % 2147483647) % below;
    const word = () => ['a', 'bb', ' ', '\n', '.', 'ç', '😀', '\r\n', '\t'][random(9)];
    for (let round = 0; round < 300; round++) {
        const before = Array.from({ length: random(40) }, word);
        const after = before.flatMap((one) => (random(4) ? [one] : random(2) ? [] : [word(), one]));
        checked(before.join(''), after.join(''), wordDiff(before.join(''), after.join('')));
        checked(before.join(''), after.join(''), lineDiff(before.join(''), after.join('')));
    }
});
