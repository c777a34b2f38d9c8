// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The list of traces: filters in the address, keyset pages, keys, bulk verdicts with conflicts, what arrives meanwhile,
// and the first steps in an empty organization.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { api, ctl, open, project, seed, server, user } from './lib.mjs';

const tuor = await server();
const run = promisify(execFile);

const rows = (tab) => tab.page.locator('tbody tr');
const list = async (tab, query) => {
    await tab.goto(`/console/traces?${query}`);
    await rows(tab).first().waitFor();
};
const tab = (t, name) => t.page.getByRole('navigation', { name: 'Status' }).getByRole('link', { name });
const said = (t, text) => t.page.getByRole('dialog').getByText(text).waitFor();
const verdict = (trace, action, version = 1) => api(tuor, 'POST', `/v1/traces/${trace.id}/review`, { action, expected_version: version });
async function clean(t, ...names) {
    for (const [scheme, name] of [['light', names[0]], ['dark', names[0]]]) {
        await t.page.emulateMedia({ colorScheme: scheme });
        assert.deepEqual(await t.axe(), [], `${name}: accessible, ${scheme}`);
        await t.shot(`${name}-${scheme}`);
    }
    await t.page.emulateMedia({ colorScheme: 'light' });
}

test('filters stand in the address, with counts per status', async () => {
    const p = await project(tuor);
    const tag = await api(tuor, 'POST', '/v1/tags/', { name: `list ${process.pid}`, color: '#2563eb' });
    const traces = await seed(tuor, 8, (i) => ({ project_id: p.id, trace_config: { model: i % 2 ? 'odd' : 'even', internal_run_id: `run_${i}`, prompt_version_id: 'prm_1' } }));
    await verdict(traces[0], 'approve');
    await verdict(traces[1], 'reject');
    await api(tuor, 'POST', `/v1/traces/${traces[2].id}/tags`, { tag_ids: [tag.id] });
    const t = await open(tuor);
    await list(t, `project=${p.id}`);
    assert.equal(await rows(t).count(), 8);
    await tab(t, /^Pending 6$/).waitFor();
    await tab(t, /^Approved 1$/).waitFor();
    await clean(t, 'traces');
    await tab(t, /^Pending/).click();
    await t.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 6);
    assert.match(t.page.url(), /status=pending/);
    await t.page.getByRole('button', { name: 'Filter', exact: true }).click();
    await t.page.getByLabel('Model').fill('odd');
    await t.page.getByLabel('Model').press('Enter');
    await t.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 3);
    await t.page.getByRole('button', { name: 'Without Model odd' }).waitFor();
    await list(t, `project=${p.id}&tag=${tag.id}`);
    assert.equal(await rows(t).count(), 1, 'by tag');
    await list(t, `project=${p.id}&run=run_5&prompt=prm_1`);
    assert.match(await rows(t).first().textContent(), /Input 5/, 'by run and prompt version');
    const day = new Date().toLocaleDateString('sv');
    await list(t, `project=${p.id}&from=${day}&to=${day}`);
    assert.equal(await rows(t).count(), 8, 'today');
    await t.goto(`/console/traces?project=${p.id}&to=2020-01-01`);
    await t.page.getByRole('heading', { name: 'No traces here' }).waitFor();
    await t.page.goBack();
    await rows(t).first().waitFor();
    assert.match(t.page.url(), new RegExp(`from=${day}`), 'back');
    // The way on keeps the filter.
    await list(t, `project=${p.id}&status=pending&tag=${tag.id}`);
    const next = new URL(await rows(t).first().getByRole('link').getAttribute('href'), tuor.url);
    assert.equal(next.pathname, `/console/review/${traces[2].id}`);
    assert.deepEqual([next.searchParams.get('project'), next.searchParams.get('status'), next.searchParams.get('tag')], [p.id, 'pending', tag.id]);
    const start = new URL(await t.page.getByRole('link', { name: 'Start reviewing' }).getAttribute('href'), tuor.url);
    assert.equal(start.search, `?project=${p.id}&tag=${tag.id}`);
    await t.close();
});

test('documents are never fetched for a list, and hostile text stays text', async () => {
    const p = await project(tuor, { input_type: 'pdf' });
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await seed(tuor, 1, () => ({ project_id: p.id, model_input: { pdf_base64: 'JVBERi0xLjQK'.repeat(1000), filename: evil }, model_output: { [evil]: evil }, trace_config: { model: evil } }));
    const t = await open(tuor);
    const answers = [];
    t.context.on('response', (reply) => { if (reply.url().includes('/v1/traces/')) answers.push(reply); });
    await list(t, `project=${p.id}`);
    assert.equal(await rows(t).first().getByRole('link').textContent(), evil);
    for (const reply of answers) assert.doesNotMatch(await reply.text(), /JVBERi/);
    await t.close();
});

test('pages by keyset; whoever comes back finds the place', async () => {
    const p = await project(tuor);
    await seed(tuor, 120, () => ({ project_id: p.id }));
    const t = await open(tuor, { viewport: { width: 1200, height: 700 } });
    await list(t, `project=${p.id}`);
    await rows(t).nth(49).waitFor();
    assert.equal(await rows(t).count(), 50);
    await t.page.getByRole('button', { name: 'Load more' }).click();
    await t.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 100);
    await t.page.getByRole('button', { name: 'Load more' }).click();
    await t.page.getByText('120 traces', { exact: true }).waitFor();
    assert.equal(await rows(t).count(), 120);
    const texts = await rows(t).locator('a').allTextContents();
    assert.deepEqual(texts, Array.from({ length: 120 }, (_, i) => `Input ${119 - i}`), 'each once, newest first');
    await rows(t).nth(80).scrollIntoViewIfNeeded();
    await t.page.waitForTimeout(100);
    const scroll = () => t.page.evaluate(() => Math.round(document.querySelector('main').scrollTop));
    const before = await scroll();
    assert.ok(before > 500);
    await t.page.getByRole('link', { name: 'Settings' }).click();
    await t.page.getByRole('heading', { name: 'Settings' }).waitFor();
    await t.page.goBack();
    await t.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 120);
    assert.equal(await scroll(), before, 'back where one was');
    await t.close();
});

test('keys: move, select, open', async () => {
    const p = await project(tuor);
    const traces = await seed(tuor, 6, () => ({ project_id: p.id }));
    const t = await open(tuor);
    await list(t, `project=${p.id}`);
    const { keyboard } = t.page;
    const chosen = () => t.page.locator('tbody tr.chosen').count();
    await keyboard.press('j');
    await keyboard.press('j');
    assert.equal(await t.page.evaluate(() => document.activeElement.textContent), 'Input 4', 'j j');
    await keyboard.press('x');
    await keyboard.press('j');
    await keyboard.press('j');
    await keyboard.press('X');
    assert.equal(await chosen(), 3, 'x … X is a range');
    await t.page.getByText('3 selected').waitFor();
    await keyboard.press('ControlOrMeta+a');
    assert.equal(await chosen(), 6, 'all');
    await keyboard.press('Escape');
    assert.equal(await chosen(), 0, 'none');
    await rows(t).nth(1).getByRole('checkbox').click();
    await rows(t).nth(4).click({ modifiers: ['Shift'] });
    assert.equal(await chosen(), 4, 'Shift+click');
    await keyboard.press('Escape');
    await keyboard.press('/');
    await keyboard.type('put 3');
    await t.page.getByText('2 hits', { exact: true }).waitFor();
    assert.deepEqual(await t.page.locator('mark').allTextContents(), ['put 3', 'put 3']);
    await keyboard.press('Escape');
    await keyboard.press('k');
    const shown = await t.page.evaluate(() => document.activeElement.closest('tr').dataset.row);
    await keyboard.press('Enter');
    await t.page.waitForURL(/\/console\/review\//);
    assert.ok(t.page.url().includes(`/review/${shown}`) && traces.some((one) => one.id === shown));
    await t.page.goBack();
    await rows(t).first().waitFor();
    await t.page.evaluate(() => localStorage.setItem('tuor.keys', 'off'));
    await t.page.reload();
    await rows(t).first().waitFor();
    await keyboard.press('j');
    assert.equal(await t.page.evaluate(() => document.activeElement.tagName), 'BODY', 'turned off');
    await t.close();
});

test('bulk: tags and verdicts, each version-checked, told one by one, and taken back', async () => {
    const p = await project(tuor);
    const tag = await api(tuor, 'POST', '/v1/tags/', { name: `bulk ${process.pid}` });
    const traces = await seed(tuor, 6, () => ({ project_id: p.id }));
    await verdict(traces[0], 'approve');
    const t = await open(tuor);
    t.allow(/status of 409/);
    await list(t, `project=${p.id}`);
    await t.page.getByLabel('Select all rows').check();
    await clean(t, 'traces-bulk');
    await t.page.getByRole('button', { name: 'Tag', exact: true }).click();
    await t.page.getByRole('menuitem', { name: tag.name }).click();
    await t.page.getByRole('button', { name: 'Tag 6' }).click();
    await said(t, '6 tagged.');
    await t.page.getByRole('button', { name: 'Close' }).last().click();
    assert.equal(await rows(t).locator('.chip').count(), 6);

    // Somebody else is faster with one of them; this page has not heard of it.
    await t.context.route('**/v1/events?**', (route) => route.abort());
    t.allow(/ERR_FAILED/);
    await verdict(traces[3], 'reject');
    await t.page.getByLabel('Select all rows').check();
    await t.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await t.page.getByText('1 is reviewed already').waitFor();
    await t.page.getByLabel('Comment').fill('in one go');
    await clean(t, 'traces-bulk-ask');
    await t.page.getByRole('button', { name: 'Approve 5' }).click();
    await said(t, '4 approved.');
    const failure = t.page.getByRole('list', { name: /1 stayed/ }).getByRole('listitem');
    assert.match(await failure.textContent(), /Input 3.*It is Rejected now/);
    await clean(t, 'traces-bulk-done');
    const events = await api(tuor, 'GET', `/v1/traces/${traces[5].id}/events`);
    assert.deepEqual(events.slice(-1).map((one) => [one.event_type, one.comment, one.version]), [['review.approved', 'in one go', 2]]);
    await t.page.getByRole('button', { name: 'Undo' }).click();
    await said(t, '4 pending again.');
    assert.deepEqual(await Promise.all(traces.map(async (one) => (await api(tuor, 'GET', `/v1/traces/${one.id}`)).status)),
        ['approved', 'pending', 'pending', 'rejected', 'pending', 'pending'], 'what was not ours stays');
    await t.page.getByRole('button', { name: 'Close' }).last().click();

    await rows(t).first().getByRole('checkbox').check();
    await t.page.getByRole('button', { name: 'Reject…' }).click();
    await t.page.getByLabel('Comment').fill('unusable');
    await t.page.getByRole('button', { name: 'Reject 1' }).click();
    await said(t, '1 rejected.');
    const last = (await api(tuor, 'GET', `/v1/traces/${traces[5].id}/events`)).at(-1);
    assert.deepEqual([last.event_type, last.comment], ['review.rejected', 'unusable']);
    await t.close();
});

test('what happens meanwhile: verdicts in place, new traces when asked for', async () => {
    const p = await project(tuor);
    const [old] = await seed(tuor, 2, () => ({ project_id: p.id }));
    const t = await open(tuor);
    await list(t, `project=${p.id}`);
    await t.page.waitForResponse(/\/v1\/events\?/);
    await verdict(old, 'approve');
    await rows(t).nth(1).getByText('Approved').waitFor();
    await seed(tuor, 3, (i) => ({ project_id: p.id, model_input: { content: `Fresh ${i}` } }));
    await t.page.getByRole('button', { name: '3 new traces' }).waitFor();
    assert.equal(await rows(t).count(), 2, 'nothing has moved');
    await clean(t, 'traces-fresh');
    await t.page.getByRole('button', { name: '3 new traces' }).click();
    await t.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 5);
    assert.match(await rows(t).first().textContent(), /Fresh 2/);
    await tab(t, /^Pending 4$/).waitFor();
    await t.close();
});

test('saved filters, columns and density stay in the browser', async () => {
    const p = await project(tuor);
    await seed(tuor, 1, () => ({ project_id: p.id }));
    const t = await open(tuor);
    await list(t, `project=${p.id}&status=pending`);
    await t.page.getByRole('button', { name: 'Saved filters' }).click();
    await t.page.getByRole('menuitem', { name: 'Save this filter…' }).click();
    await t.page.getByLabel('Name').fill('Morning');
    await t.page.getByRole('button', { name: 'Save', exact: true }).click();
    await t.page.getByRole('button', { name: 'View' }).click();
    await t.page.getByLabel('Version', { exact: true }).check();
    await t.page.getByLabel('Compact').check();
    await clean(t, 'traces-view');
    await t.page.getByRole('button', { name: 'Close' }).click();
    await list(t, `project=${p.id}`);
    await t.page.getByRole('columnheader', { name: 'Version', exact: true }).waitFor();
    assert.equal(await t.page.locator('table.dense').count(), 1);
    await t.page.getByRole('button', { name: 'Saved filters' }).click();
    await t.page.getByRole('menuitemradio', { name: 'Morning' }).click();
    await t.page.waitForURL(/status=pending/);
    await t.close();
});

test('a viewer reads, and is offered nothing else', async () => {
    const p = await project(tuor);
    await seed(tuor, 1, () => ({ project_id: p.id }));
    const t = await open(tuor, { as: await user(tuor, `tv${process.pid}`, 'viewer') });
    await list(t, `project=${p.id}`);
    assert.equal(await t.page.getByRole('checkbox').count(), 0);
    assert.equal(await t.page.getByRole('link', { name: 'Start reviewing' }).count(), 0);
    await clean(t, 'traces-viewer');
    await t.close();
});

test('a lease tells who is at it', async () => {
    const p = await project(tuor);
    await seed(tuor, 2, () => ({ project_id: p.id }));
    const ada = await user(tuor, `ada${process.pid}`, 'reviewer');
    const hers = await open(tuor, { as: ada });
    const lease = await hers.context.request.post('/v1/queue/next', { data: { project_id: p.id }, headers: { 'Sec-Fetch-Site': 'same-origin' } });
    assert.equal(lease.status(), 200, await lease.text());
    const t = await open(tuor);
    await list(t, `project=${p.id}`);
    await t.page.getByText(`${ada.user} is reviewing`).waitFor();
    await clean(t, 'traces-lease');
    await Promise.all([t.close(), hers.close()]);
});

test('narrow and zoomed: nothing is cut off sideways', async () => {
    const p = await project(tuor);
    await seed(tuor, 3, () => ({ project_id: p.id, model_output: { a_rather_long_name: 'and a value that goes on for a good while' } }));
    for (const viewport of [{ width: 390, height: 844 }, { width: 320, height: 256 }]) {
        const t = await open(tuor, { viewport });
        await list(t, `project=${p.id}`);
        assert.deepEqual(await t.page.evaluate(() => [document.documentElement, document.querySelector('main')].map((one) => one.scrollWidth - one.clientWidth)), [0, 0], `${viewport.width}`);
        await clean(t, `traces-${viewport.width}`);
        await t.close();
    }
});

test('an empty organization: three steps that tick themselves off, and a request that works', async () => {
    const org = (await ctl(tuor, 'org', 'create', `Fresh ${process.pid}`)).split(/\s/).pop();
    const t = await open(tuor, { as: await user({ ...tuor, org }, `new${process.pid}`, 'admin') });
    await t.goto('/console/');
    await t.page.getByRole('heading', { name: 'Three steps to the first verdict' }).waitFor();
    await clean(t, 'first-1');
    await t.page.getByLabel('Name').fill('Invoices');
    await t.page.getByRole('button', { name: 'Create', exact: true }).click();
    await t.page.getByText('proj_', { exact: false }).first().waitFor();
    await clean(t, 'first-2');
    await t.page.getByRole('button', { name: 'Create a key' }).click();
    await t.page.getByText('This key is shown only now.', { exact: false }).waitFor();
    await clean(t, 'first-3');
    const command = await t.page.locator('pre.code').textContent();
    const sent = await run('/bin/sh', ['-c', command.replace(/^curl/, 'curl -sS')]);
    const trace = JSON.parse(sent.stdout);
    assert.equal(trace.status, 'pending', 'the request works as it stands');
    await t.page.getByText('It has arrived.').waitFor();
    await clean(t, 'first-4');
    await t.page.getByRole('button', { name: 'See the traces' }).click();
    await rows(t).first().waitFor();
    assert.match(await rows(t).first().textContent(), /capital of France/);
    await t.close();
});
