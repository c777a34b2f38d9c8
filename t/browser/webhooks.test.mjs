// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The delivery log in the console, with a real receiver over TLS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server, user } from './lib.mjs';
import { receiver } from './receiver.mjs';

const hooks = await receiver();
const tuor = await server({ include: hooks.conf });

/** A project with a webhook, and n verdicts that are on their way to it. */
async function judged(n) {
    const p = await project(tuor);
    await api(tuor, 'PUT', `/v1/projects/${p.id}`, { webhook_url: hooks.url('/hook'), webhook_secret: 'a secret of some length', webhook_active: true });
    const traces = await seed(tuor, n, () => ({ project_id: p.id }));
    for (const trace of traces) {
        await api(tuor, 'POST', `/v1/traces/${trace.id}/review`, { action: 'approve', expected_version: 1 });
    }
    return { p, traces };
}
const down = () => ({ status: 500, body: '<b>down</b>' });
const up = () => ({ status: 200, body: 'ok' });

test('a failed delivery, its attempts, and the retry that arrives', async () => {
    hooks.answer = down;
    const { p, traces } = await judged(1);
    const tab = await open(tuor);
    await tab.goto(`/console/webhooks?project=${p.id}`);
    await tab.page.getByRole('row', { name: /Failed/ }).getByRole('link', { name: 'Failed' }).click();
    const pane = tab.page.getByRole('complementary', { name: 'Delivery' });
    await pane.getByText('<b>down</b>').waitFor();
    assert.match(tab.page.url(), /delivery=whd_/, 'which one stands in the address');
    assert.equal(await pane.getByRole('link', { name: 'Open the trace' }).getAttribute('href'), `/console/review/${traces[0].id}`);
    for (const colorScheme of ['light', 'dark']) {
        await tab.page.emulateMedia({ colorScheme });
        assert.deepEqual(await tab.axe(), [], colorScheme);
    }
    await tab.shot('webhooks');

    const sent = hooks.requests.length;
    let answer;
    hooks.answer = () => new Promise((resolve) => { answer = () => resolve(up()); });
    await pane.getByRole('button', { name: 'Send again' }).click();
    await tab.page.getByRole('table').getByText(/Waiting|Sending/).waitFor();
    while (!answer) await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    // Nobody reloads: the pane and the list find out by themselves.
    await pane.getByText('Delivered').waitFor();
    await tab.page.getByRole('table').getByText('Delivered').waitFor();
    assert.equal(await pane.locator('.attempts > li').count(), 2, 'two attempts');
    assert.equal(hooks.requests.length, sent + 1, 'one more request');
    assert.equal(hooks.requests[sent].headers['x-tuor-event-id'], hooks.requests[sent - 1].headers['x-tuor-event-id'], 'of the same event');
    await tab.close();
});

test('chosen ones and a period are sent again; the status filters', async () => {
    hooks.answer = down;
    const { p } = await judged(4);
    const tab = await open(tuor);
    await tab.goto(`/console/webhooks?project=${p.id}&status=failed`);
    await tab.page.getByRole('row', { name: /Failed/ }).nth(3).waitFor();
    hooks.answer = up;
    for (const at of [0, 1]) {
        await tab.page.getByRole('row', { name: /Failed/ }).nth(at).getByRole('checkbox').check();
    }
    await tab.page.getByRole('button', { name: 'Send 2 again' }).click();
    await tab.page.waitForFunction(() => document.querySelectorAll('.webhooks tbody tr').length === 2);

    await tab.page.getByRole('button', { name: 'Send failed ones again' }).click();
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
    await tab.page.getByRole('dialog').getByText('2 deliveries are sent again.').waitFor();
    assert.deepEqual(await tab.axe(), []);
    await tab.page.keyboard.press('Escape');
    await tab.page.getByRole('heading', { name: 'No such deliveries' }).waitFor();
    await tab.page.getByRole('button', { name: 'Delivered' }).click();
    await tab.page.getByRole('row', { name: /Delivered/ }).nth(3).waitFor();
    assert.match(tab.page.url(), /status=success/);
    await tab.close();
});

test('no webhook, a test, and who may only look', async () => {
    const p = await project(tuor);
    const tab = await open(tuor);
    await tab.goto(`/console/webhooks?project=${p.id}`);
    const link = tab.page.getByRole('link', { name: 'Set up the webhook' });
    assert.equal(await link.getAttribute('href'), `/console/settings/webhooks?project=${p.id}`);
    assert.deepEqual(await tab.axe(), []);

    hooks.answer = up;
    await api(tuor, 'PUT', `/v1/projects/${p.id}`, { webhook_url: hooks.url('/test'), webhook_secret: 'a secret of some length' });
    await tab.page.reload();
    await tab.page.getByText('The webhook is off').waitFor();
    await tab.page.getByRole('button', { name: 'Send a test' }).click();
    await tab.page.getByRole('complementary', { name: 'Delivery' }).getByText('Delivered').waitFor();
    assert.equal(JSON.parse(hooks.requests.at(-1).body).action, 'test');
    await tab.close();

    const viewer = await open(tuor, { as: await user(tuor, `viewer-${process.pid}`, 'viewer') });
    await viewer.goto(`/console/webhooks?project=${p.id}`);
    await viewer.page.getByRole('row', { name: /Delivered/ }).waitFor();
    assert.equal(await viewer.page.getByRole('button', { name: /^Send / }).count() + await viewer.page.getByRole('checkbox').count(), 0, 'nothing to press');
    await viewer.close();
});
