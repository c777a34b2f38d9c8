// Licensed under the Apache License, Version 2.0; see LICENSE.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayOf, Pace, withTrace } from '../src/review/pace.ts';

function clock() {
    let now = 1000;
    return { pace: new Pace(() => now), pass: (ms: number) => { now += ms; } };
}

test('what passes between two deeds belongs to the trace at hand', () => {
    const { pace, pass } = clock();
    pass(5000);
    pace.turn('a');
    pass(3000);
    pace.touch();
    pass(4000);
    assert.equal(pace.of('a'), 7000);
    pace.turn('b');
    pass(2000);
    assert.equal(pace.of('b'), 2000);
    assert.equal(pace.of('a'), 7000);
    pace.turn('a');
    pass(1000);
    pace.turn(null);
    pass(9000);
    assert.equal(pace.of('a'), 8000, 'come back to');
    assert.equal(pace.of('b'), 2000);
    assert.equal(pace.of('c'), 0, 'never seen');
});

test('a rest does not count', () => {
    const { pace, pass } = clock();
    pace.turn('a');
    pass(60_000);
    pace.touch();
    pass(60_001);
    pace.touch();
    pass(10);
    assert.equal(pace.of('a'), 60_010);
});

test('nor does what is hidden', () => {
    const { pace, pass } = clock();
    pace.turn('a');
    pass(1000);
    pace.touch(false);
    pass(20_000);
    pace.touch();
    pass(5000);
    pace.touch(true);
    pass(300);
    assert.equal(pace.of('a'), 1300);
});

test('a sum for a day', () => {
    const none = { day: '2026-11-22', count: 0, ms: 0 };
    for (const kept of [null, '', 'null', '{', '[]', JSON.stringify({ ...none, day: '2026-11-21', count: 3, ms: 9 })]) {
        assert.deepEqual(dayOf(kept, '2026-11-22'), none, String(kept));
    }
    const two = withTrace(withTrace(none, 3000, 1), 500, 1);
    assert.deepEqual(two, { day: '2026-11-22', count: 2, ms: 3500 });
    assert.deepEqual(dayOf(JSON.stringify(two), '2026-11-22'), two);
    assert.deepEqual(withTrace(two, 500, -1), { day: '2026-11-22', count: 1, ms: 3000 }, 'undone');
    assert.deepEqual(withTrace(none, 500, -1), none, 'never below nothing');
});
