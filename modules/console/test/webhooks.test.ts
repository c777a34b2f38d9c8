// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitBefore } from '../src/webhooks/live.ts';
import { localInput, moment } from '../src/webhooks/moments.ts';

test('a page that waits asks soon at first, then ever more slowly', () => {
    const waits = Array.from({ length: 20 }, (_, round) => waitBefore(round));
    assert.equal(waits[0], 700);
    assert.ok(waits.every((wait, at) => at === 0 || wait >= waits[at - 1]));
    assert.equal(waits[19], 8000);
});

test('a moment in the form that the input wants is the same moment', () => {
    const now = new Date('2026-05-20T10:11:12Z');
    assert.equal(moment(localInput(now)), '2026-05-20T10:11:00.000Z');
    assert.equal(moment(localInput(now), 60000), '2026-05-20T10:12:00.000Z');
    assert.equal(moment(''), '');
});
