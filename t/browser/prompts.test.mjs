// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A prompt written, refined from reviews and accepted, in the console.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server, user } from './lib.mjs';

const tuor = await server();
const TEXT = 'You read invoices.\nExtract the due_date and the currency.\nAnswer with JSON.\n';

/** n traces made with a prompt, each corrected. */
async function corrected(p, prompt, n) {
    const traces = await seed(tuor, n, (i) => ({ project_id: p.id, model_output: { due_date: `${i + 1} March 2024`, currency: 'eur' }, trace_config: { prompt_version_id: prompt.id } }));
    for (const [i, trace] of traces.entries()) {
        await api(tuor, 'POST', `/v1/traces/${trace.id}/review`, { action: 'correct', expected_version: 1, corrected_output: { due_date: `2024-03-${String(i + 1).padStart(2, '0')}`, currency: 'EUR' } });
    }
    return traces;
}

test('the first version, and a second one beside it', async () => {
    const p = await project(tuor);
    const tab = await open(tuor);
    await tab.goto(`/console/prompts?project=${p.id}`);
    await tab.page.getByRole('link', { name: 'Write the first version' }).click();
    await tab.page.getByLabel('First version').fill(TEXT);
    await tab.page.keyboard.press('Control+Enter');
    await tab.page.getByRole('link', { name: 'New version' }).click();

    const field = tab.page.getByLabel('New version');
    await field.fill(`${'ü'.repeat(8192)}x`);
    await tab.page.getByText('1 bytes too many.').waitFor();
    assert.ok(await tab.page.getByRole('button', { name: 'Save and make active' }).isDisabled(), '16 385 bytes are not sent');
    await field.fill(TEXT.replace('Answer with JSON.', 'Answer with JSON alone.'));
    await tab.page.locator('.sides ins').first().waitFor();
    await tab.page.reload();
    assert.match(await tab.page.getByLabel('New version').inputValue(), /JSON alone/, 'the draft is still there');

    await api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content: 'Somebody else was quicker.' });
    await tab.page.getByRole('button', { name: 'Save and make active' }).click();
    await tab.page.getByText('v2 was saved while you were writing').waitFor();
    await tab.page.getByRole('button', { name: 'Save anyway' }).click();
    await tab.page.getByRole('row', { name: /^v3 active/ }).waitFor();

    const { active } = await api(tuor, 'GET', `/v1/projects/${p.id}/prompts`);
    assert.equal(active.content, TEXT.replace('Answer with JSON.', 'Answer with JSON alone.'), 'the text as it was typed');
    await tab.page.getByRole('combobox', { name: 'From' }).selectOption({ label: 'v1' });
    assert.equal(await tab.page.locator('.sides ins').allTextContents().then((all) => all.join('')), ' alone', 'a word is marked');
    assert.match(tab.page.url(), /before=prm_/, 'the choice stands in the address');
    await tab.close();
});

test('a refinement: too few reviews, a suggestion, its evidence, accepted as edited', async () => {
    const p = await project(tuor);
    const v1 = await api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content: TEXT });
    const traces = await corrected(p, v1, 9);
    const tab = await open(tuor);
    tab.allow(/status of 409/);
    await tab.goto(`/console/prompts?project=${p.id}`);
    await tab.page.getByRole('button', { name: 'Refine from reviews' }).click();
    await tab.page.getByText('9 of 10 reviewed').waitFor();
    assert.deepEqual(await tab.axe(), []);
    await tab.page.keyboard.press('Escape');

    traces.push(...await corrected(p, v1, 1));
    await tab.page.getByRole('button', { name: 'Refine from reviews' }).click();
    await tab.page.getByText('Made from 10 reviews since v1').waitFor();
    await tab.page.getByRole('button', { name: /reviews? behind it/ }).click();
    await tab.page.locator('.evidence a').first().waitFor();
    const links = await tab.page.locator('.evidence a').evaluateAll((all) => all.map((one) => one.pathname.split('/').at(-1)));
    assert.ok(links.length > 0 && links.every((id) => traces.some((one) => one.id === id)), 'the traces behind it');
    assert.match(await tab.page.locator('.sides').textContent(), /YYYY-MM-DD/, 'what is suggested');

    await tab.page.reload();
    await tab.page.getByRole('button', { name: 'Edit', exact: true }).click();
    const field = tab.page.getByRole('textbox', { name: 'Suggestion' });
    await field.fill(`${await field.inputValue()}Mine.\n`);
    for (const colorScheme of ['light', 'dark']) {
        await tab.page.emulateMedia({ colorScheme });
        assert.deepEqual(await tab.axe(), [], colorScheme);
    }
    await tab.shot('prompts-suggestion');
    await tab.page.getByRole('button', { name: 'Accept as edited' }).click();
    await tab.page.getByRole('row', { name: /v2.*Refined from reviews/ }).waitFor();
    const { active } = await api(tuor, 'GET', `/v1/projects/${p.id}/prompts`);
    assert.deepEqual([active.source, active.parent_id, active.content.endsWith('Mine.\n')], ['refinement', v1.id, true]);
    await tab.page.getByRole('row', { name: /due_date/ }).getByText('100%').waitFor();
    for (const colorScheme of ['light', 'dark']) {
        await tab.page.emulateMedia({ colorScheme });
        assert.deepEqual(await tab.axe(), [], colorScheme);
    }
    await tab.shot('prompts');
    await tab.close();
});

test('a suggestion whose version is no longer active cannot be accepted', async () => {
    const p = await project(tuor);
    await corrected(p, await api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content: TEXT }), 10);
    const tab = await open(tuor);
    tab.allow(/status of 409/);
    await tab.goto(`/console/prompts?project=${p.id}`);
    await tab.page.getByRole('button', { name: 'Refine from reviews' }).click();
    await tab.page.getByText('Made from 10 reviews').waitFor();
    await api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content: 'Another one.' });
    await tab.page.getByRole('button', { name: 'Accept and make active' }).click();
    await tab.page.getByText('Another version has become active').waitFor();
    await tab.page.reload();
    await tab.page.getByText('v1 is no longer the active version').waitFor();
    assert.ok(await tab.page.getByRole('button', { name: 'Accept and make active' }).isDisabled());
    await tab.close();
});

test('a viewer reads and changes nothing; no refiner', async () => {
    const p = await project(tuor);
    await api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content: TEXT });
    const viewer = await open(tuor, { as: await user(tuor, `viewer-${process.pid}`, 'viewer') });
    await viewer.goto(`/console/prompts?project=${p.id}`);
    await viewer.page.getByText('Extract the due_date').waitFor();
    assert.equal(await viewer.page.getByRole('link', { name: 'New version' }).count() + await viewer.page.getByRole('button', { name: 'Refine from reviews' }).count(), 0);
    await viewer.close();

    // The demo server has a refiner; what one without it answers is put in here.
    const tab = await open(tuor);
    tab.allow(/status of 503/);
    await tab.page.route('**/refine', (route) => route.fulfill({ status: 503, contentType: 'application/json', headers: { 'Retry-After': '3600' },
        body: JSON.stringify({ detail: 'No refiner is configured on this server: the administrator chooses one with TuorRefiner' }) }));
    await tab.goto(`/console/prompts?project=${p.id}`);
    await tab.page.getByRole('button', { name: 'Refine from reviews' }).click();
    await tab.page.getByText('TuorRefiner builtin').waitFor();
    await tab.close();
});
