// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The settings: projects, webhook, keys, tags, members, this browser; what others than administrators see.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { api, ctl, open, project, server, user } from './lib.mjs';

const tuor = await server();

const line = (t, text) => t.page.getByRole('row').filter({ hasText: text });
const button = (t, name) => t.page.getByRole('button', { name, exact: true });
async function show(t, name) {
    await t.goto(`/console/settings/${name}`);
    await t.page.getByRole('heading', { name: 'Settings' }).waitFor();
}
async function clean(t, name) {
    for (const colorScheme of ['light', 'dark']) {
        await t.page.emulateMedia({ colorScheme });
        assert.deepEqual(await t.axe(), [], `${name}: accessible, ${colorScheme}`);
        await t.shot(`settings-${name}-${colorScheme}`);
    }
    await t.page.emulateMedia({ colorScheme: 'light' });
}

test('projects: created, changed, archived and brought back', async () => {
    const name = `Settings ${process.pid}`;
    const t = await open(tuor);
    t.allow(/status of 422/);
    await show(t, 'projects');
    await button(t, 'Create project').click();
    await clean(t, 'project-new');
    await t.page.getByLabel('Name').fill(name);
    await t.page.getByLabel('Input type').selectOption({ label: 'PDF' });
    await t.page.getByLabel('Output type').selectOption({ label: 'Classification' });
    await t.page.getByLabel('Guidelines').fill('Totals include VAT.');
    await button(t, 'Create').click();
    await t.page.getByRole('heading', { name: `${name} is ready` }).waitFor();
    await t.page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    const made = (await api(tuor, 'GET', '/v1/projects/')).find((one) => one.name === name);
    assert.deepEqual([made.input_type, made.output_type, made.guidelines], ['pdf', 'classification', 'Totals include VAT.']);
    await line(t, name).getByText(made.id).waitFor();
    await t.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await t.page.getByRole('button', { name: `Copy ${made.id}` }).click();
    assert.equal(await t.page.evaluate(() => navigator.clipboard.readText()), made.id, 'the ID is copied');
    await clean(t, 'projects');

    await t.page.getByRole('button', { name: `Edit: ${name}` }).click();
    await t.page.getByLabel('Name').fill('   ');
    await button(t, 'Save').click();
    await t.page.locator('.field .wrong').waitFor();
    await t.page.getByLabel('Name').fill(`${name} b`);
    await t.page.getByLabel('Output type').selectOption({ label: 'Text' });
    await t.page.getByText('This changes how all traces of the project are shown').waitFor();
    await clean(t, 'project-edit');
    await button(t, 'Save').click();
    await line(t, `${name} b`).getByText('Text', { exact: true }).waitFor();
    await t.page.getByRole('button', { name: `Edit: ${name} b` }).click();
    await button(t, 'Archive').click();
    await t.page.getByLabel(/^Show \d+ archived/).check();
    await line(t, `${name} b`).getByText('Archived').waitFor();
    await t.page.getByRole('button', { name: `Edit: ${name} b` }).click();
    await button(t, 'Bring back').click();
    await line(t, `${name} b`).waitFor();
    await t.page.waitForFunction((wanted) => ![...document.querySelectorAll('tr')].some((one) => one.textContent.includes(wanted) && one.textContent.includes('Archived')), `${name} b`);
    assert.equal((await api(tuor, 'GET', `/v1/projects/${made.id}`)).archived, false);
    await t.close();
});

test('webhook: set up, tested, its secret changed; what the server refuses stands beside the field', async () => {
    const p = await project(tuor);
    const t = await open(tuor);
    t.allow(/status of 4(22|09)/);
    await show(t, `webhooks?project=${p.id}`);
    assert.equal(await button(t, 'Send a test').isDisabled(), true, 'nothing to test yet');
    await t.page.getByLabel('URL').fill('https://127.0.0.1/hook');
    await button(t, 'Make one').first().click();
    await button(t, 'Save').click();
    await t.page.locator('.field .wrong').first().waitFor();
    await clean(t, 'webhook-refused');
    await t.page.getByLabel('URL').fill('https://hooks.test/tuor');
    await t.page.getByLabel('Send verdicts').check();
    await t.page.getByLabel('Also send the headers').check();
    await button(t, 'Save').click();
    await t.page.getByText('Saved', { exact: true }).first().waitFor();
    const saved = await api(tuor, 'GET', `/v1/projects/${p.id}`);
    assert.deepEqual([saved.webhook_url, saved.webhook_active, saved.webhook_secret_set, saved.webhook_standard], ['https://hooks.test/tuor', true, true, true]);
    await button(t, 'Send a test').click();
    await t.page.locator('.status.rejected').waitFor({ timeout: 30000 });
    const [delivery] = await api(tuor, 'GET', `/v1/projects/${p.id}/webhook-deliveries`);
    assert.equal(await t.page.locator('.status.rejected').textContent(), delivery.error, 'the real outcome');
    await clean(t, 'webhook-tested');
    await t.page.getByText('Change the secret without a gap').click();
    await t.page.getByLabel('New secret').fill('another secret');
    await button(t, 'Sign with both').click();
    await t.page.getByText('Deliveries are signed with both secrets now.').waitFor();
    assert.equal((await api(tuor, 'GET', `/v1/projects/${p.id}`)).webhook_secret_next_set, true);
    await clean(t, 'webhook-both');
    await button(t, 'Use the new one alone').click();
    await button(t, 'Sign with both').waitFor();
    assert.equal((await api(tuor, 'GET', `/v1/projects/${p.id}`)).webhook_secret_next_set, false);
    await t.close();
});

test('keys: shown once, used, revoked', async () => {
    const name = `key ${process.pid}`;
    const t = await open(tuor);
    await show(t, 'keys');
    await button(t, 'Create API key').click();
    await t.page.getByLabel('Name').fill(name);
    await button(t, 'Create').click();
    const key = await t.page.locator('dialog code.secret').textContent();
    const use = () => fetch(`${tuor.url}/v1/me`, { headers: { 'X-API-Key': key } });
    assert.equal((await use()).status, 200, 'it works');
    await clean(t, 'key-made');
    await t.page.keyboard.press('Escape');
    await t.page.getByText('Did you copy it?').waitFor();
    await button(t, 'I have stored it').click();
    assert.equal(await t.page.locator('dialog').count(), 0);
    await line(t, name).getByText(`tuor_…${key.slice(-4)}`).waitFor();
    assert.doesNotMatch(await t.page.content(), new RegExp(key), 'it is gone from the page');
    await clean(t, 'keys');
    await t.page.getByRole('button', { name: `Revoke: ${name}` }).click();
    await clean(t, 'key-revoke');
    await t.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await line(t, name).waitFor({ state: 'detached' });
    assert.equal((await use()).status, 401, 'refused at once');
    await t.page.getByLabel(/^Show \d+ revoked/).check();
    await line(t, name).getByText('Revoked').waitFor();
    await t.close();
});

test('tags: created, changed, doubled, deleted', async () => {
    const name = `tag ${process.pid}`;
    const t = await open(tuor);
    t.allow(/status of 409/);
    await show(t, 'tags');
    await button(t, 'Create tag').click();
    await t.page.getByLabel('Name').fill(name);
    await t.page.getByLabel('Green').check();
    await t.page.getByLabel('Description').fill('A description');
    await clean(t, 'tag-new');
    await button(t, 'Create').click();
    await line(t, name).getByText('A description').waitFor();
    assert.equal((await api(tuor, 'GET', '/v1/tags/')).find((one) => one.name === name).color, '#16a34a');
    await button(t, 'Create tag').click();
    await t.page.getByLabel('Name').fill(name.toUpperCase());
    await button(t, 'Create').click();
    await t.page.getByRole('dialog').getByRole('alert').waitFor();
    await t.page.keyboard.press('Escape');
    await clean(t, 'tags');
    await t.page.getByRole('button', { name: `Edit: ${name}` }).click();
    await t.page.getByLabel('Another colour').first().check();
    await t.page.locator('input[type=color]').fill('#123456');
    await button(t, 'Save').click();
    await t.page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal((await api(tuor, 'GET', '/v1/tags/')).find((one) => one.name === name).color, '#123456');
    await t.page.getByRole('button', { name: `Edit: ${name}` }).click();
    await button(t, 'Delete').click();
    await t.page.getByText('It is taken off every trace.').waitFor();
    await button(t, 'Delete').click();
    await line(t, name).waitFor({ state: 'detached' });
    await t.close();
});

test('members: added, changed, removed; the last administrator stays', async () => {
    const org = (await ctl(tuor, 'org', 'create', `Members ${process.pid}`)).split(/\s/).pop();
    const admin = await user({ ...tuor, org }, `boss${process.pid}`, 'admin');
    const login = `member${process.pid}`;
    const t = await open(tuor, { as: admin });
    t.allow(/status of 409/);
    await show(t, 'members');
    await button(t, 'Add member').click();
    await t.page.getByLabel('Login').fill(login);
    await t.page.getByLabel('Name').fill('Grace');
    await t.page.getByRole('radio', { name: /^Viewer/ }).check();
    await clean(t, 'member-new');
    await button(t, 'Add member').last().click();
    await line(t, 'Grace').getByText('Viewer').waitFor();
    await clean(t, 'members');
    await t.page.getByRole('button', { name: `Edit: ${login}` }).click();
    await t.page.getByRole('radio', { name: /^Reviewer/ }).check();
    await button(t, 'Save').click();
    await line(t, 'Grace').getByText('Reviewer').waitFor();
    await t.page.getByRole('button', { name: `Edit: ${admin.user}` }).click();
    await t.page.getByRole('radio', { name: /^Viewer/ }).check();
    await button(t, 'Save').click();
    await t.page.getByText('This is the only administrator.').waitFor();
    await clean(t, 'member-last');
    await t.page.keyboard.press('Escape');
    await t.page.getByRole('button', { name: `Remove: ${login}` }).click();
    await t.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await line(t, 'Grace').waitFor({ state: 'detached' });
    await t.close();
});

test('this browser: colours, language and keys, at once and for good', async () => {
    const t = await open(tuor);
    await show(t, 'browser');
    await t.page.getByLabel('Dark').check();
    assert.equal(await t.page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await t.page.getByLabel('Single-key shortcuts').uncheck();
    await t.page.getByLabel('Deutsch').check();
    await t.page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
    assert.equal(await t.page.getByLabel('Dunkel').isChecked(), true);
    assert.equal(await t.page.getByLabel('Kürzel mit einer Taste').isChecked(), false);
    assert.deepEqual(await t.axe(), []);
    for (const tab of ['projects', 'webhooks', 'keys', 'tags', 'members']) {
        await t.goto(`/console/settings/${tab}`);
        await t.page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
        assert.doesNotMatch(await t.page.locator('main').textContent(), /settings\.|common\./, `every text of ${tab} is there`);
    }
    await t.close();
});

test('others see what they may, and why not the rest', async () => {
    const t = await open(tuor, { as: await user(tuor, `sv${process.pid}`, 'viewer'), viewport: { width: 390, height: 844 } });
    for (const [tab, text] of [['projects', 'create and change projects'], ['webhooks', 'change webhooks'], ['keys', 'see and create API keys'], ['tags', 'create and change tags'], ['members', 'see and change members']]) {
        await show(t, tab);
        await t.page.getByText(`Only administrators may ${text}.`).waitFor();
        assert.equal(await t.page.getByRole('button', { name: /^(Create|Edit|Add|Save)/ }).count(), 0, tab);
        await clean(t, `viewer-${tab}`);
    }
    await t.close();
});

test('what httpd.conf declares of a project is refused once, then locked', async () => {
    const id = `proj_${'Declared'.padEnd(22, '0')}`;
    const conf = path.join(tmpdir(), `tuor-declared-${process.pid}.conf`);
    after(() => rm(conf, { force: true }));
    await writeFile(conf, `${await readFile(new URL('server.conf', import.meta.url), 'utf8')}\n<TuorProject ${id}>\n  Organization Demo\n  Name "From the file"\n  OutputType text\n</TuorProject>\n`);
    const own = await server({ include: conf });
    for (let i = 0; i < 100 && !(await api(own, 'GET', '/v1/projects/')).some((one) => one.id === id); i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
    const t = await open(own);
    t.allow(/status of 409/);
    await show(t, 'projects');
    await t.page.getByRole('button', { name: 'Edit: From the file' }).click();
    await t.page.getByText('declared in the server', { exact: false }).waitFor();
    assert.equal(await button(t, 'Archive').isDisabled(), true, 'never archived');
    await t.page.getByLabel('Name').fill('From here');
    await t.page.getByLabel('Guidelines').fill('Be kind.');
    await button(t, 'Save').click();
    await t.page.getByRole('alert').getByText('declares name', { exact: false }).waitFor();
    assert.deepEqual([await t.page.getByLabel('Name').isDisabled(), await t.page.getByLabel('Name').inputValue()], [true, 'From the file'], 'locked, as it was');
    assert.equal(await t.page.getByLabel('Guidelines').inputValue(), 'Be kind.', 'what was typed elsewhere stays');
    await clean(t, 'project-declared');
    await button(t, 'Save').click();
    await t.page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal((await api(own, 'GET', `/v1/projects/${id}`)).guidelines, 'Be kind.');
    await t.page.getByRole('button', { name: 'Edit: From the file' }).click();
    assert.equal(await t.page.getByLabel('Name').isDisabled(), true, 'and stays locked');
    await t.close();
});
