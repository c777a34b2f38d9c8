// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The history of the organization: readable, newest first, filtered by the address, as far back as there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server, user } from './lib.mjs';

const tuor = await server();

const lines = (t) => t.page.locator('ol.events > li');
async function show(t, query) {
    await t.goto(`/console/audit?${query}`);
    await lines(t).first().waitFor();
}
async function clean(t, name) {
    for (const colorScheme of ['light', 'dark']) {
        await t.page.emulateMedia({ colorScheme });
        assert.deepEqual(await t.axe(), [], `${name}: accessible, ${colorScheme}`);
        await t.shot(`${name}-${colorScheme}`);
    }
    await t.page.emulateMedia({ colorScheme: 'light' });
}

test('who did what, filtered, with the way to the trace', async () => {
    const p = await project(tuor);
    const traces = await seed(tuor, 3, (i) => ({ project_id: p.id, model_output: { total_amount: 1250.54, '<b>x</b>': `<img src=x onerror=alert(${i})>` } }));
    const tag = await api(tuor, 'POST', '/v1/tags/', { name: `audit ${process.pid}`, color: '#16a34a' });
    const ada = await user(tuor, `audit${process.pid}`, 'reviewer');
    const hers = await open(tuor, { as: ada });
    const does = async (trace, verb, data) => {
        const reply = await hers.context.request.post(`/v1/traces/${trace.id}/${verb}`, { data, headers: { 'Sec-Fetch-Site': 'same-origin' } });
        assert.equal(reply.status(), 200, await reply.text());
    };
    await does(traces[0], 'review', { action: 'correct', expected_version: 1, corrected_output: { total_amount: 1250.45 }, comment: 'wrong <i>line</i>' });
    await does(traces[1], 'review', { action: 'approve', expected_version: 1 });
    await does(traces[1], 'tags', { tag_ids: [tag.id] });
    await does(traces[1], 'reset', { expected_version: 2 });
    await api(tuor, 'DELETE', `/v1/traces/${traces[2].id}?expected_version=1`);
    await hers.close();

    const t = await open(tuor);
    await show(t, `project=${p.id}`);
    await lines(t).first().getByText('quickstart').waitFor(); // an id stands there until the names have come
    const texts = (await lines(t).allTextContents()).map((one) => one.replace(/\s+/g, ' '));
    assert.equal(texts.length, 8);
    assert.match(texts[0], /^Key quickstart deleted trace_/);
    assert.match(texts[1], new RegExp(`^${ada.user} reset trace_`));
    assert.match(texts[2], new RegExp(`^${ada.user} tagged trace_.*${tag.name}`));
    assert.match(texts[3], new RegExp(`^${ada.user} approved trace_`));
    assert.match(texts[4], new RegExp(`^${ada.user} corrected trace_.*: ?total_amount 1250.54 → 1250.45.*wrong <i>line</i>`));
    assert.match(texts[7], /^Key quickstart sent trace_/);
    await clean(t, 'audit');
    assert.equal(await lines(t).nth(4).getByRole('link').getAttribute('href'), `/console/review/${traces[0].id}`);

    await t.page.getByLabel('What').selectOption({ label: 'All verdicts' });
    await t.page.waitForFunction(() => document.querySelectorAll('ol.events > li').length === 2);
    assert.match(t.page.url(), /type=review/);
    await t.page.getByLabel('What').selectOption({ label: 'Everything' });
    await t.page.getByLabel('Who').selectOption({ label: ada.user });
    await t.page.waitForFunction(() => document.querySelectorAll('ol.events > li').length === 4);
    await show(t, `trace=${traces[2].id}`);
    assert.equal(await lines(t).count(), 2, 'a deleted trace has a history');
    const day = new Date().toLocaleDateString('sv');
    await show(t, `project=${p.id}&from=${day}&to=${day}`);
    assert.equal(await lines(t).count(), 8, 'today');
    await t.goto(`/console/audit?project=${p.id}&to=2020-01-01`);
    await t.page.getByText('Nothing of this kind has happened.').waitFor();
    await clean(t, 'audit-none');
    await t.close();
});

test('further back, and what happens meanwhile', async () => {
    const p = await project(tuor);
    await seed(tuor, 110, () => ({ project_id: p.id }));
    const t = await open(tuor);
    await show(t, `project=${p.id}`);
    assert.equal(await lines(t).count(), 50);
    await t.page.waitForResponse(/after=/);
    await t.page.getByRole('button', { name: 'Load more' }).click();
    await t.page.waitForFunction(() => document.querySelectorAll('ol.events > li').length === 100);
    await t.page.getByRole('button', { name: 'Load more' }).click();
    await t.page.getByText('110 events, all there are').waitFor();
    const links = await lines(t).locator('a').evaluateAll((all) => all.map((one) => one.href));
    assert.equal(new Set(links).size, 110, 'each once');
    await seed(tuor, 1, () => ({ project_id: p.id }));
    await t.page.getByRole('button', { name: '1 new event' }).waitFor();
    assert.equal(await lines(t).count(), 110, 'nothing has moved');
    await t.page.getByRole('button', { name: '1 new event' }).click();
    await t.page.waitForFunction((known) => !known.includes(document.querySelector('ol.events a').href), links);
    await t.close();
});

test('a viewer sees it too, on a small screen', async () => {
    const p = await project(tuor);
    await seed(tuor, 2, () => ({ project_id: p.id }));
    const t = await open(tuor, { as: await user(tuor, `av${process.pid}`, 'viewer'), viewport: { width: 390, height: 844 } });
    await show(t, `project=${p.id}`);
    assert.equal(await lines(t).count(), 2);
    assert.equal(await t.page.evaluate(() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth), 0);
    await clean(t, 'audit-390');
    await t.close();
});
