// Licensed under the Apache License, Version 2.0; see LICENSE.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyName } from '../src/keys.ts';

const press = (key: string, code: string, held: string[] = []) => ({
    key, code, ctrlKey: held.includes('ctrl'), metaKey: held.includes('meta'), altKey: held.includes('alt'), shiftKey: held.includes('shift'), getModifierState: (name: string) => name === 'CapsLock' && held.includes('caps'),
});

test('the letter counts, not its place', () => {
    assert.equal(keyName(press('a', 'KeyQ'), false), 'a', 'AZERTY');
    assert.equal(keyName(press('z', 'KeyY'), false), 'z', 'QWERTZ');
    assert.equal(keyName(press('?', 'Minus', ['shift']), false), '?');
    assert.equal(keyName(press('/', 'Digit7', ['shift']), false), '/', 'where it needs Shift');
});

test('a keyboard of another script: its place', () => {
    assert.equal(keyName(press('ф', 'KeyA'), false), 'a');
    assert.equal(keyName(press('Ч', 'KeyX', ['shift']), false), 'X');
    assert.equal(keyName(press('ы', 'KeyS', ['ctrl']), false), 'mod+s');
    assert.equal(keyName(press('é', 'Digit2'), false), 'é', 'Latin ones are what they say');
});

test('Caps Lock, Mac, and what belongs to the browser', () => {
    assert.equal(keyName(press('A', 'KeyA', ['caps']), false), 'a');
    assert.equal(keyName(press('x', 'KeyX', ['caps', 'shift']), false), 'X');
    assert.equal(keyName(press('Enter', 'Enter', ['meta']), true), 'mod+Enter');
    assert.equal(keyName(press('Enter', 'Enter', ['ctrl']), true), '');
    assert.equal(keyName(press('å', 'KeyA', ['alt']), true), '');
    assert.equal(keyName(press('Tab', 'Tab', ['shift']), false), 'shift+Tab');
});
