// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PromptStats } from '../src/prompts/api.ts';
import { fieldShares } from '../src/prompts/shares.ts';
import { folded, sideBySide, together, type Line } from '../src/prompts/sides.ts';

const text = (line: Line | null, other: 'added' | 'removed') => line && line.changes.filter((one) => one.kind !== other).map((one) => one.text).join('');
const brief = (before: string, after: string) => sideBySide(before, after).map((row) => [text(row.before, 'added'), text(row.after, 'removed')]);

test('a changed line stands beside what became of it', () => {
    assert.deepEqual(brief('a\nold b\nc', 'a\nnew b\nc'), [['a', 'a'], ['old b', 'new b'], ['c', 'c']]);
    const [, changed] = sideBySide('a\nold b', 'a\nnew b');
    assert.deepEqual(changed.before?.changes, [{ kind: 'removed', text: 'old' }, { kind: 'added', text: 'new' }, { kind: 'same', text: ' b' }]);
});

test('lines that only one side has face nothing, and are counted on their own side', () => {
    assert.deepEqual(brief('a\nc', 'a\nb\n\nc'), [['a', 'a'], [null, 'b'], [null, ''], ['c', 'c']]);
    assert.deepEqual(brief('a\nb\nc', 'c\n'), [['a', null], ['b', null], ['c', 'c']]);
    assert.deepEqual(sideBySide('a\nb\nc', 'c').map((row) => [row.before?.number, row.after?.number]), [[1, undefined], [2, undefined], [3, 1]]);
    assert.deepEqual(brief('', 'a'), [[null, 'a']]);
    assert.deepEqual(brief('', ''), []);
    assert.deepEqual(brief('a', 'a\n'), [['a', 'a']]);
});

test('what did not change is folded away, but for its surroundings', () => {
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const shape = (before: string[], after: string[]) => folded(sideBySide(before.join('\n'), after.join('\n'))).map((one) => [one.hidden, one.rows.length]);
    assert.deepEqual(shape(lines, lines.with(10, 'other')), [[true, 7], [false, 7], [true, 6]]);
    assert.deepEqual(shape(lines, lines.with(5, 'other')), [[false, 2], [false, 7], [true, 11]]);
    assert.deepEqual(shape(lines, lines), [[false, 20]]);
    assert.deepEqual(shape([], []), []);
});

test('fields by how often they were corrected, in whichever version', () => {
    const stats = (reviewed: number, by_field: PromptStats['by_field']) => ({ reviewed, by_field }) as PromptStats;
    assert.deepEqual(fieldShares(stats(10, [{ path: 'total', count: 4 }, { path: 'date', count: 1 }]), stats(5, [{ path: 'date', count: 3 }])), [
        { path: 'date', before: 0.1, after: 0.6 },
        { path: 'total', before: 0.4, after: 0 },
    ]);
    assert.deepEqual(fieldShares(stats(2, [{ path: 'a', count: 1 }]), stats(0, [])), [{ path: 'a', before: 0.5, after: null }]);
});

test('in one text, words are marked within changed lines; what is long and all new is not compared', () => {
    const marks = (before: string, after: string) => together(before, after).map(({ kind, text }) => ({ same: '', added: '+', removed: '-' })[kind] + text);
    assert.deepEqual(marks('a\nan old line\nc', 'a\na new line\nc'), ['a\n', '-an old', '+a new', ' line\n', 'c']);
    assert.deepEqual(marks('a', ''), ['-a']);
    const long = (word: string) => Array.from({ length: 1500 }, (_, at) => word + at).join(' ');
    assert.deepEqual(together(long('old'), long('new')).map((one) => one.kind), ['removed', 'added']);
});
