// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, traceOf, type Tag } from '../src/api.ts';
import { pageOf, shownDifferences } from '../src/audit/sentence.ts';
import { filterOf, filterQuery, startOfDay, traceParameters } from '../src/filters.ts';
import { parseJson, shown } from '../src/json.ts';
import { each } from '../src/traces/bulk.ts';
import { headOf, inFront, inputPreview, outputPreview, previewText, rowOf, withEvents, type FeedEvent, type Row } from '../src/traces/rows.ts';
import { all, among, nothing, range, toggle } from '../src/traces/selection.ts';

const tree = (value: unknown) => parseJson(JSON.stringify(value));
const tag: Tag = { id: 'tag_1', name: 'critical', color: '#ff0000', description: null };
function row(id: string, more: Partial<Row> = {}): Row {
    return { id, project: 'proj_1', status: 'pending', version: 1, tags: [], input: { text: id }, output: { text: '' }, corrected: false, model: '', prompt: '', run: '', created: '', reviewed: null, reviewer: null, ...more };
}
function event(trace: string, type: string, more: Partial<FeedEvent> = {}): FeedEvent {
    return { event_id: 'evt_1', event_type: type, actor_type: 'user', actor_id: 'user_1', occurred_at: '2026-05-20T10:00:00Z', status_before: null, status_after: null, version: 1, comment: null, correction_diff: null, tag_id: null, trace_id: trace, project_id: 'proj_1', ...more };
}

test('an address means a filter, and a filter an address', () => {
    const filter = filterOf(new URLSearchParams('project=proj_2&status=pending&tag=tag_1&model=a b&from=2026-05-20&to=2026-05-21'), 'proj_1');
    assert.deepEqual(filter, { project: 'proj_2', status: 'pending', tag: 'tag_1', model: 'a b', prompt: '', run: '', from: '2026-05-20', to: '2026-05-21' });
    assert.deepEqual(filterOf(new URLSearchParams(filterQuery(filter)), null), filter);
    assert.equal(filterOf(new URLSearchParams(''), 'proj_1').project, 'proj_1');
    assert.equal(filterOf(new URLSearchParams('project=all'), 'proj_1').project, null);
    assert.equal(filterOf(new URLSearchParams('status=made-up&from=2026-13-01&to=yesterday'), null).status, '');
    assert.equal(filterOf(new URLSearchParams('from=2026-13-01'), null).from, '', 'a day that does not exist');
    const sent = traceParameters(filter);
    assert.equal(sent.from_date, startOfDay('2026-05-20'));
    assert.equal(sent.to_date, startOfDay('2026-05-22'), 'the last day is included');
    assert.equal(new Date(startOfDay('2026-05-20')).getHours(), 0, 'the reader\'s own midnight');
});

test('a line of an input', () => {
    assert.deepEqual(inputPreview(tree({ content: ' a\n b ', system_prompt: 'x' })), { text: 'a b' });
    assert.deepEqual(inputPreview(tree({ filename: 'x.pdf' })), { text: 'x.pdf' });
    assert.deepEqual(inputPreview(tree({ media_type: 'image/png' })), { text: '' });
    assert.deepEqual(inputPreview(tree({ messages: [{ role: 'user', content: 'first' }, { role: 'assistant', content: 'no' }, { role: 'user', content: [{ type: 'text', text: 'last' }] }] })), { text: 'last' });
    assert.deepEqual(inputPreview(tree({ ticket: 7, photo: 'A'.repeat(400), tags: ['a', 'b'], nested: { a: 1 } })), { pairs: [['ticket', '7'], ['photo', '…'], ['tags', 'a, b'], ['nested', '{1}']] });
    assert.deepEqual(inputPreview(null), { text: '' });
});

test('a line of an output', () => {
    assert.deepEqual(outputPreview(tree({ label: 'billing', alternatives: ['billing'] })), { text: 'billing' });
    assert.deepEqual(outputPreview(tree({ content: 'long text' })), { text: 'long text' });
    assert.deepEqual(outputPreview(parseJson('{"total":1250.450,"n":null}')), { pairs: [['total', '1250.450'], ['n', 'null']] }, 'numbers keep their characters');
    assert.equal(previewText({ pairs: [['a', '1'], ['b', '2']] }), 'a 1 b 2');
});

test('of a huge string only the beginning is decoded', () => {
    for (const text of ['x'.repeat(5_000_000), '\u0001'.repeat(100_000), '\\'.repeat(100_000), '"'.repeat(99_999), '😀'.repeat(50_000), `${'a'.repeat(1439)}\u0002${'b'.repeat(9000)}`]) {
        const head = headOf(tree(text));
        assert.ok(head !== undefined && head.length <= 241, `${head?.length}`);
        assert.ok(text.replace(/\s+/g, ' ').startsWith(head!.replace(/…$/, '')), head!.slice(0, 20));
    }
    assert.equal(headOf(tree(3)), undefined);
});

test('a row keeps what the list shows', () => {
    const made = rowOf(traceOf(parseJson('{"id":"trace_1","project_id":"proj_1","status":"corrected","version":2,"tags":[],"model_input":{"content":"q"},"model_output":{"a":1},"corrected_output":{"a":2},"trace_config":{"model":"gpt-4o","internal_run_id":7},"created_at":"x","last_reviewed_by":"user_1","last_reviewed_at":"y"}')));
    assert.deepEqual([made.corrected, made.output, made.model, made.run], [true, { pairs: [['a', '2']] }, 'gpt-4o', '']);
});

test('what others did changes rows in place', () => {
    const rows = [row('trace_2'), row('trace_1', { version: 2, status: 'approved', tags: [tag] })];
    assert.equal(withEvents(rows, [event('trace_9', 'review.approved', { version: 2, status_after: 'approved' })], [tag]), rows, 'nothing of theirs: the same rows');
    assert.equal(withEvents(rows, [event('trace_1', 'review.approved', { version: 2, status_after: 'approved' })], [tag]), rows, 'nothing new: the same rows');
    const next = withEvents(rows, [event('trace_2', 'review.rejected', { version: 2, status_after: 'rejected' }), event('trace_2', 'tag.added', { tag_id: 'tag_1' }), event('trace_1', 'trace.reset', { version: 3, status_after: 'pending' }), event('trace_1', 'tag.removed', { tag_id: 'tag_1' })], [tag]);
    assert.deepEqual(next.map((one) => [one.id, one.status, one.version, one.reviewer, one.tags.length]), [['trace_2', 'rejected', 2, 'user_1', 1], ['trace_1', 'pending', 3, null, 0]]);
});

test('new rows come in front, or take the place of a list that they do not reach', () => {
    const old = [row('b'), row('a')];
    assert.deepEqual(inFront([row('c'), row('b')], old).map((one) => one.id), ['c', 'b', 'a']);
    const far = [row('z'), row('y')];
    assert.equal(inFront(far, old), far);
});

test('a selection', () => {
    const order = ['a', 'b', 'c', 'd', 'e'];
    let now = toggle(nothing, 'b');
    now = range(now, 'd', order);
    assert.deepEqual([...now.chosen], ['b', 'c', 'd']);
    now = range(now, 'a', order);
    assert.deepEqual([...now.chosen].sort(), ['a', 'b', 'c', 'd'], 'from the same anchor, backwards');
    now = toggle(now, 'c');
    assert.deepEqual([...now.chosen].sort(), ['a', 'b', 'd']);
    assert.deepEqual([...range(nothing, 'c', order).chosen], ['c'], 'without an anchor');
    assert.equal(all(order).chosen.size, 5);
    assert.deepEqual([...among(now, ['a', 'x']).chosen], ['a']);
    assert.equal(among(now, order), now);
});

test('one request each; failures are told and stop nobody', async () => {
    let under = 0;
    let most = 0;
    const waits: number[] = [];
    const busy = new Set([3]);
    const result = await each([1, 2, 3, 4, 5, 6], async (item) => {
        most = Math.max(most, ++under);
        await new Promise((resolve) => { setTimeout(resolve, 1); });
        under--;
        if (item === 2) throw new ApiError(409, 'changed', [], { status: 'approved' });
        if (busy.delete(item)) throw new ApiError(429, 'busy', [], {}, 7);
        if (item === 5) throw new ApiError(0, 'unreachable');
        return item * 10;
    }, { atOnce: 2, wait: async (milliseconds) => { waits.push(milliseconds); } });
    assert.deepEqual(result.done.map((one) => one.result).sort((a, b) => a - b), [10, 30, 40, 60]);
    assert.deepEqual(result.failed.map((one) => [one.item, one.error.status]), [[2, 409], [5, 0]], 'an answer that never came is not asked for again');
    assert.deepEqual([most, waits], [2, [7000]]);
});

test('stopped, the rest stays as it is', async () => {
    const abort = new AbortController();
    const asked: number[] = [];
    const result = await each([1, 2, 3, 4], async (item) => { asked.push(item); if (item === 2) abort.abort(); return item; }, { atOnce: 1, signal: abort.signal });
    assert.deepEqual([asked, result.done.length, result.total], [[1, 2], 2, 4]);
});

test('a page of events keeps the characters of a correction', () => {
    const page = pageOf('{"events":[{"event_id":"evt_1","event_type":"review.corrected","correction_diff":[{"path":"total","from":1250.540,"to":1e400},{"path":"a","from":1,"to":2},{"path":"b","from":1,"to":2},{"path":"c","from":null,"to":2}]},{"event_type":"tag.added","correction_diff":null}],"cursor":"c1","has_more":true}');
    assert.deepEqual([page.cursor, page.more, page.events[1].correction_diff], ['c1', true, null]);
    const { shown: first, left } = shownDifferences(page.events[0].correction_diff);
    assert.deepEqual([first.length, left, shown(first[0].from), shown(first[0].to)], [3, 1, '1250.540', '1e400']);
});
