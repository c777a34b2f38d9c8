// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvOf } from '../src/analytics/csv.ts';
import { bucketStart, filled, rangeOf, rangeQuery, type Counts } from '../src/analytics/range.ts';
import { clipped, labelEvery, ticks } from '../src/analytics/scale.ts';
import { formatDuration } from '../src/duration.ts';

test('an axis has few lines at round numbers, and the top of the bars below its own', () => {
    assert.deepEqual(ticks(0), [0, 1]);
    assert.deepEqual(ticks(1), [0, 1]);
    assert.deepEqual(ticks(3), [0, 1, 2, 3]);
    assert.deepEqual(ticks(7), [0, 2, 4, 6, 8]);
    assert.deepEqual(ticks(100), [0, 50, 100]);
    assert.deepEqual(ticks(1234), [0, 500, 1000, 1500]);
    for (let max = 1; max < 3000; max += 7) {
        const lines = ticks(max);
        assert.ok(lines.at(-1)! >= max && lines.at(-2)! < max, `${max}: ${lines}`);
        assert.ok(lines.length <= 6 && lines.every(Number.isInteger), `${max}: ${lines}`);
    }
});

test('labels leave room for each other', () => {
    assert.equal(labelEvery(7, 700, 64), 1);
    assert.equal(labelEvery(30, 600, 64), 4);
    assert.equal(labelEvery(0, 600, 64), 1);
    assert.equal(clipped('gpt-4o', 200), 'gpt-4o');
    assert.equal(clipped('user_0000000000000000000001', 100, 10), 'user_0…001');
});

test('an address tells the days', () => {
    const range = (search: string) => rangeOf(new URLSearchParams(search), '2026-05-20');
    assert.deepEqual(range(''), { span: '30d', from: '2026-04-21', to: '2026-05-20', bucket: 'day' });
    assert.deepEqual(range('range=all'), { span: 'all', from: null, to: null, bucket: 'month' });
    assert.deepEqual(range('range=90d&bucket=month'), { span: '90d', from: '2026-02-20', to: '2026-05-20', bucket: 'month' });
    assert.deepEqual(range('from=2026-01-01&to=2026-03-31&range=7d'), { span: null, from: '2026-01-01', to: '2026-03-31', bucket: 'week' });
    assert.deepEqual(range('from=nonsense&bucket=hour&range=constructor'), { span: '30d', from: '2026-04-21', to: '2026-05-20', bucket: 'day' });
    assert.deepEqual(rangeQuery(range('from=2026-01-01&to=2026-01-31')), { from_date: '2026-01-01', to_date: '2026-02-01', bucket: 'day' });
    assert.deepEqual(rangeQuery(range('range=all')), { from_date: null, to_date: null, bucket: 'month' });
});

test('a series covers its range', () => {
    const counts = (day: string, created: number): Counts => ({ start: `${day}T00:00:00Z`, created, approved: 0, rejected: 0, corrected: 0 });
    const starts = (series: Counts[]) => series.map((one) => [one.start.slice(0, 10), one.created]);
    assert.deepEqual(starts(filled([counts('2026-02-28', 3)], { span: null, from: '2026-02-27', to: '2026-03-01', bucket: 'day' })), [['2026-02-27', 0], ['2026-02-28', 3], ['2026-03-01', 0]]);
    assert.deepEqual(starts(filled([counts('2026-05-11', 1)], { span: null, from: '2026-05-06', to: '2026-05-20', bucket: 'week' })), [['2026-05-04', 0], ['2026-05-11', 1], ['2026-05-18', 0]]);
    assert.deepEqual(starts(filled([counts('2025-12-01', 1), counts('2026-02-01', 2)], { span: 'all', from: null, to: null, bucket: 'month' })), [['2025-12-01', 1], ['2026-01-01', 0], ['2026-02-01', 2]]);
    assert.deepEqual(filled([], { span: '7d', from: '2026-05-14', to: '2026-05-20', bucket: 'day' }), []);
    assert.equal(bucketStart('2026-05-17', 'week'), '2026-05-11');
    assert.equal(bucketStart('2026-05-18', 'week'), '2026-05-18');
});

test('a spreadsheet gets what was counted, and runs none of it', () => {
    assert.equal(csvOf([['Field', 'Count'], ['a,"b"', 1.5], ['=1+1', null], ['two\nlines', -3]]), 'Field,Count\r\n"a,""b""",1.5\r\n\'=1+1,\r\n"two\nlines",-3\r\n');
});

test('durations as people say them', () => {
    assert.deepEqual([null, 0.44, 9, 59.6, 60, 90, 750, 3600, 12000, 36000, 3599, 86400 * 1.5, 86400 * 30].map(formatDuration),
        ['–', '0.4 sec', '9 sec', '1 min', '1 min', '1 min 30 sec', '13 min', '1 hr', '3 hr 20 min', '10 hr', '1 hr', '1 day 12 hr', '30 days']);
});
