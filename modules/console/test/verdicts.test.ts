// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Trace, type TraceEvent } from '../src/api.ts';
import { parseJson } from '../src/json.ts';
import { memoryShelf } from '../src/review/db.ts';
import { Autosave, choose, delay, draftKey, type Draft } from '../src/review/drafts.ts';
import { arrived, backoff, Outbox, UNDO_MS, type Entry } from '../src/review/verdicts.ts';

const ME = 'org_1/user_1';

/** A server and a clock that the test turns. */
function world(shelf = memoryShelf<Entry>()) {
    let now = 1_000_000;
    let timers: { at: number; run: () => void }[] = [];
    const sent: string[] = [];
    const state = {
        answer: (_entry: Entry): Trace => ({ id: _entry.trace, version: _entry.version + 1 } as Trace),
        look: (_entry: Entry): { trace: Trace; events: TraceEvent[] } => { throw new ApiError(0, 'unreachable'); },
        sent, shelf,
    };
    const box = () => new Outbox(shelf, {
        now: () => now,
        send: async (entry) => { sent.push(`${entry.trace}:${entry.action}`); return state.answer(entry); },
        look: async (entry) => state.look(entry),
        alone: (work) => work(),
        wait: (milliseconds, run) => {
            const timer = { at: now + milliseconds, run };
            timers.push(timer);
            return () => { timers = timers.filter((one) => one !== timer); };
        },
        tell: () => {},
    }, 'tab');
    const settle = async () => { for (let at = 0; at < 60; at++) await Promise.resolve(); };
    const pass = async (milliseconds: number) => {
        const end = now + milliseconds;
        for (;;) {
            const next = timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
            if (!next) break;
            timers = timers.filter((one) => one !== next);
            now = Math.max(now, next.at);
            next.run();
            await settle();
        }
        now = end;
        await settle();
    };
    return { state, box, pass, settle };
}
const verdict = (trace: string, action: Entry['action'] = 'approve', version = 1) => ({ trace, action, version, project: 'proj_1' });

test('a verdict waits, can be taken back, and is sent after that', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    await outbox.start(ME);
    await outbox.add(verdict('a'));
    const second = await outbox.add(verdict('b', 'reject'));
    await pass(UNDO_MS - 1);
    assert.deepEqual(state.sent, []);
    assert.equal(await outbox.undo(second.key), true);
    await pass(10);
    assert.deepEqual(state.sent, ['a:approve']);
    assert.deepEqual(outbox.entries, []);
    assert.equal(await outbox.undo(second.key), false);
});

test('what was sent cannot be taken back', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    await outbox.start(ME);
    const entry = await outbox.add(verdict('a'));
    await pass(UNDO_MS);
    assert.equal(await outbox.undo(entry.key), false);
    assert.deepEqual(state.sent, ['a:approve']);
});

test('an outage: nothing is lost, the order is kept, and it is tried less and less often', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    let down = true;
    const fine = state.answer;
    state.answer = (entry) => { if (down) throw new ApiError(503, 'away', [], {}, 2); return fine(entry); };
    await outbox.start(ME);
    for (const one of ['a', 'b', 'c']) await outbox.add(verdict(one));
    await pass(60_000);
    assert.ok(state.sent.length >= 3 && state.sent.length < 12, `${state.sent.length} tries`);
    assert.ok(state.sent.every((one) => one === 'a:approve'), 'the first leads');
    assert.equal(outbox.unsent, 3);
    down = false;
    state.sent.length = 0;
    outbox.retry();
    await pass(60_000);
    assert.deepEqual(state.sent, ['a:approve', 'b:approve', 'c:approve']);
    assert.deepEqual(await state.shelf.all(), []);
});

test('a tab that died: the next one sends, and only what is its person\'s', async () => {
    const dead = world();
    const first = dead.box();
    await first.start(ME);
    await first.add(verdict('a'));
    await first.add(verdict('b'));
    // It died while it sent the first.
    await dead.state.shelf.change(first.entries[0].key, (old) => ({ ...old!, state: 'sending' }));
    const { state, box, pass } = world(dead.state.shelf);
    state.look = (entry) => ({ trace: { id: entry.trace, version: 1 } as Trace, events: [] });
    await box().start('org_1/user_2');
    await pass(UNDO_MS);
    assert.deepEqual(state.sent, []);
    await box().start(ME);
    await pass(UNDO_MS);
    assert.deepEqual(state.sent, ['a:approve', 'b:approve']);
    assert.deepEqual(await state.shelf.all(), []);
});

test('what a page sent as it went away is not sent again', async () => {
    const dead = world();
    const first = dead.box();
    await first.start(ME);
    await first.add(verdict('a'));
    dead.state.answer = () => { throw new ApiError(0, 'the page is gone'); };
    first.flush(true);
    await dead.settle();
    await dead.state.shelf.change(first.entries[0].key, (old) => ({ ...old!, state: 'sending' }));
    const { state, box, pass } = world(dead.state.shelf);
    state.look = (entry) => ({ trace: { id: entry.trace, version: 2 } as Trace, events: [{ version: 2, event_type: 'review.approved', actor_id: 'user_1', comment: null } as TraceEvent] });
    await box().start(ME);
    await pass(UNDO_MS);
    assert.deepEqual(state.sent, []);
    assert.deepEqual(await state.shelf.all(), []);
});

test('409: our own verdict counts as arrived, another one is a conflict', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    const done: string[] = [];
    outbox.onDone((entry) => done.push(entry.trace));
    state.answer = () => { throw new ApiError(409, 'stale'); };
    const event = (actor: string) => ({ version: 2, event_type: 'review.approved', actor_id: actor, comment: null } as TraceEvent);
    state.look = (entry) => ({ trace: { id: entry.trace, version: 2 } as Trace, events: [event(entry.trace === 'mine' ? 'user_1' : 'user_2')] });
    await outbox.start(ME);
    await outbox.add(verdict('mine'));
    await outbox.add(verdict('theirs'));
    await pass(UNDO_MS + 10);
    assert.deepEqual(done, ['mine']);
    assert.deepEqual(outbox.troubled.map((one) => one.trace), ['theirs']);
    assert.equal((await state.shelf.all()).length, 1, 'and is kept');
});

test('a refusal is kept for a person, a lost session for the sign-in', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    let status = 401;
    const fine = state.answer;
    state.answer = (entry) => { if (status) throw new ApiError(status, 'no'); return fine(entry); };
    await outbox.start(ME);
    await outbox.add(verdict('a'));
    await pass(600_000);
    assert.equal(state.sent.length, 1, 'not tried until somebody signs in');
    status = 422;
    state.look = (entry) => ({ trace: { id: entry.trace, version: 1 } as Trace, events: [] });
    await outbox.start(ME);
    await pass(1000);
    assert.deepEqual(outbox.troubled.map((one) => one.state), ['refused']);
    assert.equal(await outbox.undo(outbox.troubled[0].key), true);
});

test('one trace\'s verdicts go out in their order, others do not wait for a conflict', async () => {
    const { state, box, pass } = world();
    const outbox = box();
    const fine = state.answer;
    state.answer = (entry) => { if (entry.trace === 'a' && entry.version === 1) throw new ApiError(409, 'stale'); return fine(entry); };
    state.look = (entry) => ({ trace: { id: entry.trace, version: 2 } as Trace, events: [] });
    await outbox.start(ME);
    await outbox.add(verdict('a', 'approve', 1), 0);
    await outbox.add(verdict('a', 'reset', 2), 0);
    await outbox.add(verdict('b'), 0);
    await pass(10);
    assert.deepEqual(state.sent, ['a:approve', 'b:approve']);
    await outbox.undo(outbox.troubled[0].key);
    await pass(10);
    assert.deepEqual(state.sent, ['a:approve', 'b:approve', 'a:reset']);
});

test('as the page is hidden, what waits goes out at once', async () => {
    const { state, box, pass, settle } = world();
    const outbox = box();
    await outbox.start(ME);
    await outbox.add(verdict('a'));
    await outbox.add({ ...verdict('big', 'correct'), corrected: `{"a":"${'x'.repeat(100_000)}"}` });
    outbox.flush(true);
    assert.deepEqual(state.sent, ['a:approve'], 'within the same turn; what is too big stays');
    await settle();
    await pass(10);
    outbox.flush(false);
    await pass(10);
    assert.deepEqual(state.sent, ['a:approve', 'big:correct']);
});

test('arrived', () => {
    const entry = { trace: 't', action: 'correct', version: 3, corrected: '{"a":1.0}' } as Entry;
    const event = { version: 4, event_type: 'review.corrected', actor_id: 'u', comment: null } as TraceEvent;
    const trace = (text: string, version = 4) => ({ version, corrected_output: parseJson(text) } as Trace);
    assert.equal(arrived(entry, 'u', trace('{"a":1.0}'), [event]), true);
    assert.equal(arrived(entry, 'u', trace('{"a":1}'), [event]), false);
    assert.equal(arrived(entry, 'v', trace('{"a":1.0}'), [event]), false);
    assert.equal(arrived(entry, 'u', trace('{}', 5), [event]), true, 'somebody reset it since');
    assert.equal(arrived({ ...entry, comment: 'x' }, 'u', trace('{"a":1.0}'), [event]), false);
    assert.equal(arrived(entry, 'u', trace('{"a":1.0}'), [{ ...event, event_type: 'review.approved' }]), false);
});

test('backoff', () => {
    assert.deepEqual([0, 1, 2, 10, 40].map((tries) => backoff(tries)), [1000, 2000, 4000, 60_000, 60_000]);
    assert.equal(backoff(0, 30), 30_000);
});

test('drafts: by person, trace and version', () => {
    const draft = (who: string, version: number): Draft => ({ key: draftKey(who, 't', version), who, trace: 't', version, as: 'json', text: '{}', comment: '', saved: 0 });
    const all = [draft('a', 1), draft('a', 2), draft('b', 3)];
    assert.equal(choose(all, 'a', 't', 2).draft?.version, 2);
    assert.equal(choose(all, 'a', 't', 3).draft, null);
    assert.equal(choose(all, 'a', 't', 3).earlier?.version, 2);
    assert.equal(choose(all, 'b', 't', 1).earlier, null);
});

test('drafts are written within a second, however long somebody types', async () => {
    assert.ok(delay(0, 0) <= 400);
    assert.equal(delay(5000, 4100), 0);
    const shelf = memoryShelf<Draft>();
    const autosave = new Autosave(shelf, () => {});
    const end = Date.now() + 1300;
    let typed = 0;
    let seen = 0;
    while (Date.now() < end) {
        const text = `${++typed}`;
        autosave.later('k', () => ({ key: 'k', who: 'w', trace: 't', version: 1, as: 'raw', text, comment: '', saved: Date.now() }));
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen ||= (await shelf.all()).length;
    }
    assert.equal(seen, 1, 'in the middle of typing');
    await autosave.now();
    assert.equal((await shelf.all())[0].text, `${typed}`);
});
