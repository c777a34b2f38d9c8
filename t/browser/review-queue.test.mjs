// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Two reviewers empty one queue, and never have the same trace in front of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server, user } from './lib.mjs';

const tuor = await server();
const TRACES = 100;

const shown = async (page) => (await page.locator('.strip h1').textContent({ timeout: 100 }).catch(() => '')).split(' ').at(-1);

test(`two browsers, ${TRACES} traces, none of them twice`, { timeout: 240_000 }, async () => {
    const p = await project(tuor);
    await seed(tuor, TRACES, (i) => ({ project_id: p.id, model_output: { number: i } }));
    const people = [await user(tuor, `ada${process.pid}`, 'reviewer'), await user(tuor, `bob${process.pid}`, 'reviewer')];
    const tabs = await Promise.all(people.map((as) => open(tuor, { as })));
    // Quicker than anybody reads: twenty leases are given to one tab, and verdicts wait for seconds.
    tabs.forEach((tab) => tab.allow(/queue\/next/));
    const seen = tabs.map(() => new Set());
    await Promise.all(tabs.map(async (tab, at) => {
        const { page } = tab;
        await tab.goto(`/console/review?project=${p.id}`);
        await page.locator('.actions .primary, .empty').first().waitFor();
        for (let last = ''; ;) {
            const id = await shown(page);
            if (id && id !== last && await page.locator('.actions .primary').count()) {
                seen[at].add(id);
                last = id;
                await page.keyboard.press('a');
            } else if (await page.getByRole('heading', { name: 'The queue is empty' }).count()) break;
            else await page.waitForTimeout(10);
        }
    }));
    const [ada, bob] = seen;
    assert.deepEqual([...ada].filter((id) => bob.has(id)), [], 'nobody saw what the other one had');
    assert.equal(ada.size + bob.size, TRACES);
    assert.ok(ada.size > 10 && bob.size > 10, `${ada.size} and ${bob.size}`);
    for (const end = Date.now() + 30_000; ;) {
        const left = await api(tuor, 'GET', `/v1/traces/?project_id=${p.id}&status=pending`);
        if (left.length === 0) break;
        assert.ok(Date.now() < end, `${left.length} are left`);
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const all = await api(tuor, 'GET', `/v1/traces/?project_id=${p.id}&limit=500&exclude_fields=model_input,model_output`);
    assert.ok(all.every((one) => one.status === 'approved' && one.version === 2), 'each judged once');
    for (const tab of tabs) await tab.close();
});

test('a tab loaded anew goes on where it was, and progress counts', async () => {
    const p = await project(tuor);
    await seed(tuor, 4, (i) => ({ project_id: p.id, model_output: { number: i } }));
    const tab = await open(tuor);
    const { page } = tab;
    await tab.goto(`/console/review?project=${p.id}`);
    await page.locator('.actions .primary').waitFor();
    await page.getByText('0 of 4 today').waitFor();
    const first = await shown(page);
    const each = async () => Number.parseFloat(await page.locator('.pace').textContent());
    await page.waitForTimeout(1200);
    await page.keyboard.press('a');
    await page.getByText('1 of 4 today').waitFor();
    assert.ok(await each() >= 1.2, 'how long it took');
    await page.keyboard.press('z');
    await page.getByText('0 of 4 today').waitFor();
    assert.equal(await page.locator('.pace').count(), 0, 'what is taken back does not count');
    assert.equal(await shown(page), first);
    await page.keyboard.press('a');
    await page.waitForFunction((id) => !document.querySelector('.strip h1')?.textContent.endsWith(id), first);
    await page.getByText('1 of 4 today').waitFor();
    const took = await each();
    assert.ok(took >= 1.2 && took < 60, `${took} seconds`);
    const second = await shown(page);
    await page.reload();
    await page.locator('.actions .primary').waitFor();
    assert.equal(await shown(page), second);
    await page.locator('.pace').waitFor();
    assert.equal(await each(), took, 'it is kept');
    await page.keyboard.press('a');
    await page.getByText('2 of 4 today').waitFor();
    await tab.close();
});

test('who has it in front of them is shown to others', async () => {
    const p = await project(tuor);
    const [trace] = await seed(tuor, 1, () => ({ project_id: p.id, model_output: { a: 1 } }));
    const as = await user(tuor, `holder${process.pid}`, 'reviewer');
    const holder = await open(tuor, { as });
    await holder.goto(`/console/review?project=${p.id}`);
    await holder.page.locator('.actions .primary').waitFor();
    const tab = await open(tuor);
    await tab.goto(`/console/review/${trace.id}?project=${p.id}`);
    await tab.page.getByText(`${as.user} is reviewing this trace`).waitFor();
    // The same person, a second time: nobody else, and no error in the browser's own log.
    const again = await open(tuor, { as });
    await again.goto(`/console/review/${trace.id}?project=${p.id}`);
    await again.page.getByText('You have this trace open in another tab').waitFor();
    await again.close();
    await tab.close();
    await holder.close();
});
