// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The figures of a project, as charts and as tables.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { api, open, project, seed, server } from './lib.mjs';

const tuor = await server();

test('outcomes, reached by keyboard, in tables and as CSV', async () => {
    const p = await project(tuor);
    const traces = await seed(tuor, 6, (i) => ({ project_id: p.id, model_output: { total: i, note: '=1+1' }, trace_config: { model: i % 2 ? 'small' : '=large' } }));
    const verdicts = ['approve', 'approve', 'reject', 'correct', 'correct'];
    for (const [i, action] of verdicts.entries()) {
        await api(tuor, 'POST', `/v1/traces/${traces[i].id}/review`, { action, expected_version: 1, ...(action === 'correct' ? { corrected_output: { total: 100, note: '=1+1' } } : {}) });
    }
    const tab = await open(tuor);
    await tab.goto(`/console/analytics?project=${p.id}&range=7d`);
    const tile = (name) => tab.page.locator('.tiles > div').filter({ hasText: name }).locator('dd').textContent();
    await tab.page.locator('.tiles').waitFor();
    assert.deepEqual([await tile('Created'), await tile('Approved'), await tile('Corrected'), await tile('Rejected')], ['6', '40%', '40%', '20%']);

    const chart = tab.page.getByRole('group', { name: 'Traces over time' });
    assert.equal(await chart.getByRole('img').count(), 7, 'a bar for each of seven days');
    await chart.getByRole('img').first().focus();
    await tab.page.keyboard.press('End');
    const text = await tab.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    assert.match(text, /6 traces\. Approved 2, Corrected 2, Rejected 1, Pending 1$/, 'a bar says its values');
    assert.ok((await tab.page.locator('.readout').first().textContent()).includes('6 traces'), 'and shows them');
    for (const colorScheme of ['light', 'dark']) {
        await tab.page.emulateMedia({ colorScheme });
        assert.deepEqual(await tab.axe(), [], colorScheme);
    }
    await tab.shot('analytics');

    await tab.page.getByRole('button', { name: 'Table: Most corrected fields' }).click();
    await tab.page.getByRole('row', { name: 'total 2 100%' }).waitFor();
    await tab.page.getByRole('button', { name: 'Table: By model' }).click();
    await tab.page.getByRole('row', { name: /^small 3/ }).waitFor();
    const models = tab.page.getByRole('figure', { name: 'By model' });
    const [download] = await Promise.all([tab.page.waitForEvent('download'), models.getByRole('button', { name: 'Download as CSV' }).click()]);
    const csv = await readFile(await download.path(), 'utf8');
    assert.match(csv, /^\ufeffModel,Traces,Approved,Corrected,Rejected,Pending,Approved of reviewed\r\n/);
    assert.ok(csv.includes('\r\n\'=large,3,1,1,1,0,0.333\r\n'), csv);
    assert.deepEqual(await tab.axe(), [], 'tables');
    await tab.close();
});

test('the period stands in the address, and an empty one says so', async () => {
    const p = await project(tuor);
    const tab = await open(tuor, { viewport: { width: 390, height: 844 } });
    await tab.goto(`/console/analytics?project=${p.id}&range=all`);
    await tab.page.getByRole('heading', { name: 'Nothing to count yet' }).waitFor();
    await seed(tuor, 1, () => ({ project_id: p.id }));
    await tab.page.getByRole('button', { name: '12 months' }).click();
    await tab.page.getByRole('group', { name: 'Traces over time' }).waitFor();
    assert.match(tab.page.url(), /range=1y/);
    await tab.page.getByRole('combobox', { name: /^By/ }).selectOption('month');
    await tab.page.waitForURL(/bucket=month/);
    await tab.page.goto(`/console/analytics?project=${p.id}&from=2020-01-01&to=2020-01-31`);
    await tab.page.getByRole('heading', { name: 'No traces in this period' }).waitFor();
    assert.deepEqual(await tab.axe(), []);
    assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing sticks out at 390 px');
    await tab.page.getByRole('link', { name: 'Show all time' }).click();
    await tab.page.getByRole('group', { name: 'Traces over time' }).waitFor();
    await tab.close();
});
