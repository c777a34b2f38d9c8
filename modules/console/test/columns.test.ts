// Licensed under the Apache License, Version 2.0; see LICENSE.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasColumns } from '../src/inputs/columns.ts';

test('texts in columns', () => {
    assert.ok(hasColumns('Widgets        1,000.45\nGadgets          250.00\n'), 'runs of spaces');
    assert.ok(hasColumns('name\tprice\nWidgets\t3'), 'tabs');
    assert.ok(hasColumns('a ─── b'), 'box drawing');
    assert.ok(hasColumns('+----+---+\n| a  | b |\n'), 'an ASCII table');
    assert.ok(hasColumns('| a | b |\n|---|:-:|\n'), 'a Markdown table');
});

test('texts that are none', () => {
    assert.ok(!hasColumns(''));
    assert.ok(!hasColumns('My parcel has not arrived.\n\n    An indented line.\n\tAnother one.\n'), 'only before the words');
    assert.ok(!hasColumns('Trailing spaces     \nhere, too     \n'), 'only behind the words');
    assert.ok(!hasColumns('One   gap may be chance.\nTwo  spaces after a stop.  As typists do.  Again.\n'));
    assert.ok(!hasColumns('a - b\n---\n- c\n* d'), 'lists and rules');
});
