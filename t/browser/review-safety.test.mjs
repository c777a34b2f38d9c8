// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Nothing that a reviewer decided or typed is lost: to somebody quicker, a cut network, a stopped server, a dead
// tab, the end of the session.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { api, open, project, seed, server, signInByRequest, user } from './lib.mjs';

const tuor = await server();
const OUTPUT = { vendor: 'Acme Corp', total: 1250.54, note: 'none' };
const get = (id) => api(tuor, 'GET', `/v1/traces/${id}`);
const until = async (what, told, ms = 40_000) => {
    for (const end = Date.now() + ms; ;) {
        const got = await what();
        if (got) return got;
        assert.ok(Date.now() < end, told);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
};
const address = (trace, p) => `/console/review/${trace.id}?project=${p.id}`;
const ready = (page, trace) => page.waitForFunction((id) => document.querySelector('.strip h1')?.textContent.endsWith(id) && document.querySelector('.actions .primary'), trace.id);
const kill = async (page) => {
    await page.goto('chrome://crash', { timeout: 2000 }).catch(() => {});
    await page.close();
};

test('somebody was quicker: both corrections are merged', async () => {
    const p = await project(tuor);
    const [trace] = await seed(tuor, 1, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/status of 409/);
    const { page } = tab;
    await tab.goto(address(trace, p));
    await ready(page, trace);
    await page.getByLabel('total', { exact: true }).fill('1250.45');
    await page.locator('#review-comment').fill('as printed');
    await api(tuor, 'POST', `/v1/traces/${trace.id}/review`, { action: 'correct', expected_version: 1, corrected_output: { ...OUTPUT, vendor: 'ACME Corporation' } });
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'verdict needs you' }).click({ timeout: 20_000 });
    const panel = page.getByRole('region', { name: 'Conflict' });
    await panel.getByText('Taken from theirs: vendor').waitFor();
    await panel.getByText('Taken from yours: total').waitFor();
    assert.deepEqual(await tab.axe(), []);
    await tab.shot('review-conflict');
    await panel.getByRole('button', { name: 'Reset theirs and submit this' }).click();
    const now = await until(async () => { const got = await get(trace.id); return got.version === 4 && got; }, 'reset and corrected');
    assert.deepEqual(now.corrected_output, { vendor: 'ACME Corporation', total: 1250.45, note: 'none' });
    const events = await api(tuor, 'GET', `/v1/traces/${trace.id}/events`);
    assert.equal(events.at(-1).comment, 'as printed');
    await tab.close();
});

test('both changed one field: a person chooses', async () => {
    const p = await project(tuor);
    const [trace] = await seed(tuor, 1, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/status of 409/);
    const { page } = tab;
    await tab.goto(address(trace, p));
    await ready(page, trace);
    await page.getByLabel('total', { exact: true }).fill('1');
    await api(tuor, 'POST', `/v1/traces/${trace.id}/review`, { action: 'correct', expected_version: 1, corrected_output: { ...OUTPUT, total: 2 } });
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'verdict needs you' }).click({ timeout: 20_000 });
    const send = page.getByRole('button', { name: 'Reset theirs and submit this' });
    assert.equal(await send.isDisabled(), true, 'not before the choice');
    await page.getByRole('radio', { name: /^Theirs/ }).check();
    await page.getByRole('radio', { name: /^Mine/ }).check();
    await send.click();
    const now = await until(async () => { const got = await get(trace.id); return got.version === 4 && got; }, 'sent');
    assert.equal(now.corrected_output.total, 1);
    await tab.close();
});

test('a cut network: verdicts wait, are counted, and go out in the end', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 3, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/ERR_INTERNET_DISCONNECTED/);
    const { page } = tab;
    await tab.goto(address(list[2], p));
    await ready(page, list[2]);
    await page.waitForTimeout(800);
    await tab.context.setOffline(true);
    await page.keyboard.press('a');
    await ready(page, list[1]);
    await page.getByLabel('note', { exact: true }).fill('offline');
    await page.keyboard.press('Control+Enter');
    await ready(page, list[0]);
    await page.getByText('2 verdicts wait to be sent').waitFor({ timeout: 15_000 });
    assert.equal((await get(list[2].id)).status, 'pending');
    await tab.context.setOffline(false);
    await until(async () => (await get(list[1].id)).status === 'corrected', 'sent after the network is back', 30_000);
    assert.equal((await get(list[2].id)).status, 'approved');
    assert.equal((await get(list[1].id)).corrected_output.note, 'offline');
    await page.getByText('wait to be sent').waitFor({ state: 'detached' });
    await tab.close();
});

test('a killed tab: the verdict is sent by the next page, the draft is there', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 2, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/ERR_INTERNET_DISCONNECTED|chrome:\/\/crash|ERR_/);
    let { page } = tab;
    await tab.goto(address(list[1], p));
    await ready(page, list[1]);
    await page.waitForTimeout(500);
    await tab.context.setOffline(true);
    await page.getByLabel('vendor', { exact: true }).fill('Killed Inc.');
    await page.keyboard.press('Control+Enter');
    await ready(page, list[0]);
    await page.getByLabel('note', { exact: true }).fill('half a sent');
    await page.waitForTimeout(1000);
    await kill(page);
    await tab.context.setOffline(false);
    page = await tab.context.newPage();
    // Any page of the console sends what is left.
    await page.goto('/console/traces');
    await until(async () => (await get(list[1].id)).status === 'corrected', 'the verdict arrived');
    assert.equal((await get(list[1].id)).corrected_output.vendor, 'Killed Inc.');
    assert.equal((await api(tuor, 'GET', `/v1/traces/${list[1].id}/events`)).filter((one) => one.event_type === 'review.corrected').length, 1, 'once');
    await page.goto(address(list[0], p));
    await page.getByText('Your draft is back').waitFor();
    assert.equal(await page.getByLabel('note', { exact: true }).inputValue(), 'half a sent');
    await tab.close();
});

test('a stopped server', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 2, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/ERR_|status of 50\d/);
    const { page } = tab;
    await tab.goto(address(list[1], p));
    await ready(page, list[1]);
    await page.waitForTimeout(800);
    process.kill(Number(await readFile(tuor.env.TUOR_PIDFILE, 'utf8')), 'SIGTERM');
    await page.keyboard.press('x');
    await ready(page, list[0]);
    await page.getByText('1 verdict waits to be sent').waitFor({ timeout: 20_000 });
    await promisify(execFile)(fileURLToPath(new URL('../../quickstart', import.meta.url)), ['up', '--dir', tuor.dir, '--port', new URL(tuor.url).port]);
    await page.getByRole('button', { name: 'Send now' }).click();
    await until(async () => (await get(list[1].id)).status === 'rejected', 'sent when the server is back');
    await tab.close();
});

test('the session ends: after the sign-in everything is there', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 2, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/status of 401/);
    const { page } = tab;
    await tab.goto(address(list[0], p));
    await ready(page, list[0]);
    await page.getByLabel('note', { exact: true }).fill('typed before the end');
    await page.getByText('Draft saved').waitFor();
    // Else the lease, asked for after a moment, may find the session ended before the key does.
    const held = page.waitForResponse((reply) => reply.request().method() === 'PUT' && reply.url().endsWith(`/v1/queue/leases/${list[1].id}`));
    await tab.goto(address(list[1], p));
    await ready(page, list[1]);
    await held;
    await tab.context.clearCookies();
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor({ timeout: 15_000 });
    // On the page that was open: its address stays.
    await page.locator('input[autocomplete="username"]').fill(tuor.user);
    await page.locator('input[autocomplete="current-password"]').fill(tuor.password);
    await page.keyboard.press('Enter');
    await page.getByText('Your draft is back').waitFor();
    assert.equal(await page.getByLabel('note', { exact: true }).inputValue(), 'typed before the end');
    await until(async () => (await get(list[1].id)).status === 'approved', 'the verdict, too');
    await tab.close();
});

test('viewers see all and decide nothing, and are told why', async () => {
    const p = await project(tuor, { guidelines: 'Look closely.' });
    const [trace] = await seed(tuor, 1, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor, { as: await user(tuor, `viewer${process.pid}`, 'viewer') });
    const { page } = tab;
    await tab.goto(address(trace, p));
    await page.getByText('your role is viewer').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);
    assert.equal(await page.locator('.fields textarea').count(), 0);
    for (const key of ['a', 'x', 'Control+Enter']) await page.keyboard.press(key);
    assert.deepEqual(await tab.axe(), []);
    await page.waitForTimeout(200);
    assert.equal((await get(trace.id)).status, 'pending');
    await tab.close();
});

test('nobody sends what somebody else decided in this browser', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 2, () => ({ project_id: p.id, model_output: OUTPUT }));
    const tab = await open(tuor);
    tab.allow(/ERR_|chrome:\/\/crash|status of 409/);
    await tab.goto(address(list[1], p));
    await ready(tab.page, list[1]);
    await tab.page.waitForTimeout(500);
    await tab.context.setOffline(true);
    await tab.page.keyboard.press('a');
    await ready(tab.page, list[0]);
    await kill(tab.page);
    await tab.context.setOffline(false);
    await tab.context.clearCookies();
    await signInByRequest(tab.context, await user(tuor, `other${process.pid}`, 'reviewer'));
    const page = await tab.context.newPage();
    await page.goto(address(list[0], p));
    await ready(page, list[0]);
    await page.waitForTimeout(3000);
    assert.equal((await get(list[1].id)).status, 'pending');
    await tab.context.clearCookies();
    await signInByRequest(tab.context, tuor);
    await page.goto(address(list[0], p));
    await until(async () => (await get(list[1].id)).status === 'approved', 'its own person sends it');
    await tab.close();
});
