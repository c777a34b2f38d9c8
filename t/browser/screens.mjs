// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Makes the pictures of docs/screens anew: node t/browser/screens.mjs [NAME …]. No test, and not run as one.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { api, open, server } from './lib.mjs';
import { receiver } from './receiver.mjs';
import { small } from './data/palette.mjs';
import { scene } from './data/scene.mjs';

const out = fileURLToPath(new URL('../../docs/screens/', import.meta.url));
const wanted = process.argv.slice(2);
const hooks = await receiver();
const tuor = await server({ include: hooks.conf });
const { invoices, scans, photos, support, people } = await scene(tuor, hooks);

// Each variant has a trace of its own, which nobody held a moment ago.
const trace = (project, { status = 'pending', same = false } = {}) => async (variant) => {
    const found = await api(tuor, 'GET', `/v1/traces/?project_id=${project.id}&status=${status}&limit=3&exclude_fields=model_input`);
    return `/console/review/${found[same ? 0 : variant % found.length].id}?project=${project.id}`;
};
const ready = (what) => (page) => page.locator(what).first().waitFor();

const input = async (page) => {
    const tab = page.getByRole('tab', { name: 'Input' });
    if (await tab.isVisible()) await tab.click();
};

// name: [address, or what tells it for the variant; what has to be there; what is done before]
const SCREENS = {
    'sign-in': ['/console/sign-in', ready('input[name=password]')],
    traces: [`/console/traces?project=${invoices.id}`, ready('.list tbody tr')],
    review: [trace(invoices), ready('.fields'), async (page) => {
        const date = page.getByRole('textbox', { name: 'invoice_date', exact: true });
        await date.fill('2026-10-16');
        await date.blur();
        await page.waitForTimeout(700);
    }],
    'review-pdf': [trace(scans), ready('.actions .primary'), async (page) => {
        await input(page);
        await page.locator('.viewer[data-state=drawn]').waitFor();
    }],
    'review-image': [trace(photos), ready('.actions .primary'), async (page) => {
        await input(page);
        await page.locator('.viewer img').waitFor();
    }],
    'review-text': [trace(support, { same: true }), ready('textarea.text'), async (page) => {
        const text = page.getByRole('textbox', { name: 'Text' });
        await text.fill((await text.inputValue()).replace('You was', 'You were').replace('a error', 'an error').replace('7 day.', '7 days.').replace('sorry', 'very sorry'));
        await page.locator('.difference').waitFor();
    }],
    corrected: [trace(invoices, { status: 'corrected' }), ready('.outcome')],
    queue: [`/console/review?project=${invoices.id}`, ready('.queue-progress')],
    prompts: [`/console/prompts?project=${invoices.id}`, ready('.effect')],
    analytics: [`/console/analytics?project=${invoices.id}`, (page) => page.getByRole('heading', { name: 'By model' }).waitFor()],
    webhooks: [`/console/webhooks?project=${invoices.id}`, ready('.sent'), async (page) => {
        await page.getByRole('row', { name: /Failed/ }).first().getByRole('link', { name: 'Failed' }).click();
        await page.locator('.attempts').waitFor();
    }],
    audit: ['/console/audit', ready('.events li')],
    projects: [`/console/settings/projects?project=${invoices.id}`, ready('.settings form, .settings tbody tr')],
    webhook: [`/console/settings/webhooks?project=${invoices.id}`, ready('.settings form')],
    'api-keys': ['/console/settings/keys', ready('tbody tr')],
    tags: ['/console/settings/tags', ready('tbody tr')],
    members: ['/console/settings/members', ready('tbody tr')],
    keys: [trace(invoices), ready('.fields'), async (page) => { await page.keyboard.press('?'); await page.locator('.help').waitFor(); }],
};

test('screens', async () => {
    await mkdir(out, { recursive: true });
    for (const [nth, [variant, context]] of [['', { viewport: { width: 1280, height: 800 } }], ['-dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }], ['-narrow', { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true }]].entries()) {
        for (const [name, [address, there, prepare]] of Object.entries(SCREENS)) {
            if ((variant === '-narrow' && name === 'keys') || (wanted.length > 0 && !wanted.includes(name))) continue;
            const tab = await open(tuor, { as: name === 'sign-in' ? null : name.startsWith('review') || name === 'queue' ? people.ada : tuor, locale: 'en-GB', reducedMotion: 'reduce', ...context });
            tab.allow(/401|409/);
            await tab.context.addInitScript(() => { try { localStorage.setItem('tuor.hint.keys', 'seen'); } catch { /* the frame of PDFs has none */ } });
            await tab.goto(typeof address === 'string' ? address : await address(nth));
            await there(tab.page);
            await prepare?.(tab.page);
            await tab.page.waitForTimeout(400);
            const bytes = await small(tab.context, await tab.page.screenshot());
            await writeFile(`${out}${name}${variant}.png`, bytes);
            console.log(`${name}${variant}: ${Math.round(bytes.length / 1024)} KB`);
            await tab.page.goto('about:blank');
            await tab.close();
        }
    }
});
