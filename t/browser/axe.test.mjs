// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Every screen, tab, dialog, menu and state under axe: light and dark, in both languages, wide, at 390 px, and at 320 px,
// which is what is left of 1280 at 400 % zoom; there, nothing but tables and pictures may scroll sideways.
//
// That is English, wide, in both colours, and German at 320 px. TUOR_AXE=all looks at both languages and colours at every
// size, TUOR_AXE=name does so at one state; DEBUG_AXE=1 prints what is found as it is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, ctl, open, project, server, user } from './lib.mjs';
import { scene } from './data/scene.mjs';
import { receiver } from './receiver.mjs';

const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 }, zoomed: { width: 320, height: 640 } };
const PASSES = [['en', 'wide'], ['de', 'zoomed'], ['de', 'wide'], ['en', 'zoomed'], ['en', 'narrow'], ['de', 'narrow']];
const asked = process.env.TUOR_AXE;
const passes = asked ? PASSES : PASSES.slice(0, 2);

const hooks = await receiver();
const tuor = await server({ include: hooks.conf });
const { invoices, scans, photos, support, people } = await scene(tuor, hooks);
const list = (p, more = '') => api(tuor, 'GET', `/v1/traces/?project_id=${p.id}&exclude_fields=model_input${more}`);
const first = async (p, status = 'pending') => (await list(p, `&status=${status}&limit=1`))[0].id;
const review = (p, id) => `/console/review/${id}?project=${p.id}`;
const send = (p, model_input, model_output) => api(tuor, 'POST', '/v1/traces/', { project_id: p.id, model_input, model_output, trace_config: { model: 'a-model-with-a-rather-long-name-2026-10-16' } });
const version = (p, content) => api(tuor, 'POST', `/v1/projects/${p.id}/prompts`, { content });

const bare = await project(tuor, { name: 'A project with a rather long name, for example' });
const odd = await project(tuor, { name: 'No texts', output_type: 'text' });
const misfit = await send(odd, { content: 'Why?' }, { no: 'text' });
const empty = await project(tuor, { name: 'Nothing yet' });
const few = await project(tuor, { name: 'Few reviews' });
await version(few, 'Answer.');
const nested = await send(bare, { content: `${'A_long_word_without_any_break'.repeat(6)} and the rest.`, images: [{ id: 1, deep: { deeper: ['x'] } }], note: 'n' },
    { a_field_with_a_rather_long_name: 'v', list: [{ sku: '1', price: 2 }, { sku: '2', price: 3 }], group: { inner: true, nothing: null } });
const [ada] = [people.ada];
const org = (await ctl(tuor, 'org', 'create', 'Fresh')).split(/\s/).pop();
const fresh = await user({ ...tuor, org }, 'fresh', 'admin');

const key = (...keys) => async (page) => { for (const one of keys) await page.keyboard.press(one); };
const click = (...what) => async (page) => { for (const one of what) await page.locator(one).first().click(); };
const both = (...steps) => async (page, tab) => { for (const one of steps) await one(page, tab); };
const there = (what) => (page) => page.locator(what).first().waitFor();
const dialog = there('dialog[open]');
const menu = there('[role=menu]');
/** Requests that match fail as status says; 0 leaves them without an answer. */
const failing = (pattern, status) => (page) => page.route(pattern, (route) => (status ? route.fulfill({ status, contentType: 'application/problem+json', body: '{"detail":"out of order"}' }) : undefined));
const DESK = '.actions .primary';

// name: [address, what has to be there, what is done then, { as: whom, before: what is done first }]
const STATES = {
    'sign-in': ['/console/sign-in', 'input[name=password]', null, { as: null }],
    'sign-in wrong': ['/console/sign-in', 'input[name=password]', async (page) => {
        await page.fill('input[name=login]', 'nobody');
        await page.fill('input[name=password]', 'wrong');
        await page.keyboard.press('Enter');
        await page.locator('.wrong').waitFor();
    }, { as: null }],
    'first run': ['/console/', '.step', null, { as: fresh }],
    'not found': ['/console/nowhere', '.empty'],
    traces: [`/console/traces?project=${invoices.id}`, '.list tbody tr'],
    'traces of all': ['/console/traces?project=all', '.list tbody tr', click('tbody input[type=checkbox]')],
    'traces compact': [`/console/traces?project=${invoices.id}`, '.list tbody tr', both(click('.page > header button.plain:not([aria-haspopup])'), dialog)],
    'traces filter': [`/console/traces?project=${invoices.id}&model=gpt-4o`, '.list tbody tr', both(click('.filters button[aria-expanded]'), there('.popover'))],
    'traces saved': [`/console/traces?project=${invoices.id}`, '.list tbody tr', both(click('.page > header [aria-haspopup=menu]'), menu)],
    'traces save': [`/console/traces?project=${invoices.id}`, '.list tbody tr', both(click('.page > header [aria-haspopup=menu]', '[role=menu] button:last-child'), dialog)],
    'traces bulk': [`/console/traces?project=${invoices.id}&status=pending`, '.list tbody tr', both(click('thead input[type=checkbox]'), there('.bulk')), { wide: true }],
    'bulk reject': [`/console/traces?project=${invoices.id}&status=pending`, '.list tbody tr', both(click('tbody input[type=checkbox]', '.bulk button:nth-of-type(2)'), dialog)],
    'traces none match': [`/console/traces?project=${invoices.id}&model=none`, '.empty'],
    'traces none yet': [`/console/traces?project=${empty.id}`, 'pre.code'],
    'traces found': [`/console/traces?project=${invoices.id}`, '.list tbody tr', async (page) => {
        await page.fill('.find input', 'Paper');
        await page.locator('mark').first().waitFor();
    }],
    'traces failed': [`/console/traces?project=${support.id}`, '.note.wrong', null, { before: failing(/\/v1\/traces\/\?/, 500) }],
    'traces slow': [`/console/traces?project=${support.id}`, '.skeleton', null, { before: failing(/\/v1\/traces\/\?/, 0) }],
    menus: [`/console/traces?project=${invoices.id}`, '.list tbody tr', both(click('.bar .slot [aria-haspopup=menu]'), menu)],
    'project menu': [`/console/traces?project=${invoices.id}`, '.list tbody tr', both(click('.bar > .menu [aria-haspopup=menu]'), menu)],
    help: [review(invoices, await first(invoices)), DESK, both(key('?'), dialog)],
    palette: [review(invoices, await first(invoices)), DESK, both(key('Control+k'), dialog)],
    review: [review(invoices, await first(invoices)), DESK],
    'review edited': [review(invoices, await first(invoices)), DESK, async (page) => {
        await page.keyboard.press('e');
        await page.waitForTimeout(100);
        await page.keyboard.type('changed');
        await page.locator('.changed, tr:has(del), .saved.busy').first().waitFor();
    }],
    'review nested': [review(bare, nested.id), DESK],
    'review field menu': [review(bare, nested.id), DESK, async (page) => {
        await page.keyboard.press('e');
        await page.waitForTimeout(100);
        await page.locator('.fields [aria-haspopup=menu]').first().click();
        await menu(page);
    }, { not: 'wide' }],
    'review as json': [review(bare, nested.id), DESK, async (page) => {
        await page.keyboard.press('e');
        await page.waitForTimeout(50);
        await page.keyboard.press('Escape');
        await page.locator('.editor > button').last().click();
        await page.fill('#raw-json', '{"a": }');
        await page.locator('#raw-fault').waitFor();
    }],
    'review misfit': [review(odd, misfit.id), DESK, key('e')],
    'review text': [review(support, await first(support)), DESK, async (page) => {
        await page.keyboard.press('e');
        await page.waitForSelector('textarea.text:focus');
        await page.keyboard.type(' Added words.');
        await page.locator('.difference ins').waitFor();
    }],
    'review label': [review(photos, await first(photos)), DESK, key('2')],
    'review pdf': [review(scans, await first(scans)), `.viewer[data-state=drawn]`, null, { input: true }],
    'review image': [review(photos, await first(photos)), '.viewer img', null, { input: true }],
    'review input': [review(bare, nested.id), '.input', null, { input: true }],
    'review corrected': [review(invoices, await first(invoices, 'corrected')), '.outcome'],
    'review history': [review(invoices, await first(invoices, 'corrected')), '.outcome', both(key('h'), dialog)],
    'review reset': [review(invoices, await first(invoices, 'corrected')), '.outcome', both(click('.strip > .menu button'), menu)],
    'review delete': [review(invoices, await first(invoices, 'corrected')), '.outcome', both(click('.strip > .menu button', '.strip [role=menu] button:last-child'), dialog)],
    'review decided': [review(scans, await first(scans)), DESK, async (page) => {
        await page.keyboard.press('a');
        await page.locator('.sending .just').waitFor();
        await page.keyboard.press('z');
        await page.locator('.just button').waitFor({ state: 'detached' });
    }],
    'review gone': [review(invoices, 'trace_0000000000000000000000'), '.empty'],
    'review viewer': [review(invoices, await first(invoices)), '.why', null, { as: people.chiara }],
    'queue viewer': [`/console/review?project=${invoices.id}`, '.empty', null, { as: people.chiara }],
    queue: [`/console/review?project=${scans.id}`, '.queue-progress', null, { as: ada }],
    'queue empty': [`/console/review?project=${few.id}`, '.empty', null, { as: ada }],
    offline: [`/console/traces?project=${invoices.id}`, '.list tbody tr', async (page, tab) => {
        await tab.context.setOffline(true);
        await page.locator('.offline').waitFor({ timeout: 15_000 });
        await tab.context.setOffline(false);
    }],
    prompts: [`/console/prompts?project=${invoices.id}`, '.effect'],
    'prompts editor': [`/console/prompts?project=${invoices.id}`, '.effect', both(click('.page > header a.primary'), there('textarea'))],
    'prompts refine': [`/console/prompts?project=${few.id}`, '.prompts .content, .prompts table', both(click('.page > header button:first-of-type'), dialog)],
    'prompts none': [`/console/prompts?project=${empty.id}`, '.empty'],
    'prompts viewer': [`/console/prompts?project=${empty.id}`, '.empty', null, { as: people.chiara }],
    analytics: [`/console/analytics?project=${invoices.id}`, '.tiles'],
    'analytics tables': [`/console/analytics?project=${invoices.id}`, '.tiles', async (page) => { for (const open = page.locator('figure button[aria-expanded=false], figure button[aria-pressed=false]'); await open.count();) await open.first().click(); }],
    'analytics nothing': [`/console/analytics?project=${empty.id}`, '.empty'],
    webhooks: [`/console/webhooks?project=${invoices.id}`, '.sent'],
    delivery: [`/console/webhooks?project=${invoices.id}&status=failed`, '.sent', both(click('.sent a.open'), there('.attempts'))],
    'webhooks chosen': [`/console/webhooks?project=${invoices.id}&status=failed`, '.sent', click('tbody .pick input')],
    'webhooks none': [`/console/webhooks?project=${empty.id}`, '.empty'],
    'webhooks viewer': [`/console/webhooks?project=${empty.id}`, '.empty', null, { as: people.chiara }],
    audit: ['/console/audit', '.events li'],
    'audit failed': ['/console/audit', '.note.wrong', null, { before: failing(/\/v1\/events/, 503) }],
    projects: ['/console/settings/projects', 'tbody tr'],
    'project new': ['/console/settings/projects', 'tbody tr', both(click('main button.primary'), dialog)],
    'project edit': ['/console/settings/projects', 'tbody tr', both(click('tbody button:not(.icon)'), dialog)],
    webhook: [`/console/settings/webhooks?project=${invoices.id}`, 'form.card', click('details summary')],
    keys: ['/console/settings/keys', 'tbody tr'],
    'key new': ['/console/settings/keys', 'tbody tr', both(click('main button.primary'), dialog)],
    'key revoke': ['/console/settings/keys', 'tbody tr', both(click('tbody button'), dialog)],
    tags: ['/console/settings/tags', 'tbody tr'],
    'tag new': ['/console/settings/tags', 'tbody tr', both(click('main button.primary'), dialog)],
    members: ['/console/settings/members', 'tbody tr'],
    'member new': ['/console/settings/members', 'tbody tr', both(click('main button.primary'), dialog)],
    browser: ['/console/settings/browser', 'fieldset'],
    'review conflict': [async () => review(bare, (await send(bare, { content: 'x' }, { a_field_with_a_rather_long_name: 'v' })).id), DESK, conflict],
    'settings viewer': ['/console/settings/keys', '.note', null, { as: people.chiara }],
};

/** What is wider than its place, but for what scrolls inside itself. */
const sideways = (page) => page.evaluate(() => [document.documentElement, document.querySelector('main'), ...document.querySelectorAll('dialog[open], .pane, .alone')]
    .filter((one) => one && one.clientWidth > 0 && one.scrollWidth > one.clientWidth).map((one) => {
        const right = one.getBoundingClientRect().left + one.clientWidth;
        const out = [...one.querySelectorAll('*')].filter((inner) => inner.getBoundingClientRect().right > right + 1 && inner.getClientRects().length && !inner.closest('.table, .tabs, nav, pre, .unseen, .sheet'));
        return `${one.tagName} is ${one.scrollWidth} wide: ${out.slice(-3).map((inner) => `${inner.tagName}.${inner.className} «${inner.textContent.slice(0, 30)}»`).join(', ')}`;
    }));
/** Text that ends before it ends, where nothing says the rest. */
const cut = (page) => page.evaluate(() => [...document.querySelectorAll('button, .button, label, h1, h2, h3, th, legend, .tabs > *')]
    .filter((one) => one.getClientRects().length && !one.matches('.unseen') && !one.querySelector('.clip, .unseen') && getComputedStyle(one).overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1)
    .map((one) => `cut: ${one.tagName}.${one.className} «${one.textContent.slice(0, 40)}»`));

async function conflict(page) {
    await page.keyboard.press('e');
    await page.waitForTimeout(100);
    await page.keyboard.type('mine');
    await page.waitForTimeout(150);
    const id = page.url().match(/trace_\w+/)[0];
    await api(tuor, 'POST', `/v1/traces/${id}/review`, { action: 'correct', expected_version: 1, corrected_output: { a_field_with_a_rather_long_name: 'theirs', added: 'x' } });
    await page.keyboard.press('Control+Enter');
    await page.locator('.trouble').click({ timeout: 20_000 });
    await page.locator('.conflict').waitFor();
}

for (const [language, size] of passes) {
    test(`${language}, ${size}`, async () => {
        const tabs = new Map();
        const tabOf = async (as) => {
            if (!tabs.has(as)) {
                const tab = await open(tuor, { as, viewport: SIZES[size], locale: language === 'de' ? 'de-DE' : 'en-GB', reducedMotion: 'reduce' });
                tab.allow(/status of (401|404|409|500|503)/, /ERR_INTERNET_DISCONNECTED/);
                await tab.context.addInitScript(() => { try { localStorage.setItem('tuor.hint.keys', 'new'); } catch { /* the frame of PDFs has none */ } });
                tab.page.setDefaultTimeout(20_000);
                tabs.set(as, tab);
            }
            return tabs.get(as);
        };
        const found = [];
        for (const [name, [address, ready, act, { as = tuor, before, input, wide, not } = {}]] of Object.entries(STATES)) {
            if ((asked && asked !== 'all' && asked !== name) || (wide && size !== 'wide') || not === size) continue;
            const tab = await tabOf(as);
            const { page } = tab;
            const note = (lines) => { found.push(...lines.map((line) => `${name}: ${line}`)); if (process.env.DEBUG_AXE) for (const line of lines) console.error(`${language} ${size} ${name}: ${line}`); };
            try {
                await page.unrouteAll({ behavior: 'ignoreErrors' });
                await before?.(page);
                await tab.goto(typeof address === 'string' ? address : await address());
                if (input && size !== 'wide') {
                    await page.locator('#tab-input').click();
                }
                await page.locator(ready).first().waitFor({ state: input ? 'visible' : 'attached' });
                await act?.(page, tab);
                await page.waitForTimeout(120);
                for (const colorScheme of asked || size === 'wide' ? ['light', 'dark'] : ['light']) {
                    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
                    // In the dark the colours are other ones, all else is the same.
                    const only = colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {};
                    note((await tab.axe(only)).map((line) => `${colorScheme}: ${line}`));
                    // preload would put its own styles into the frame, whose policy forbids that.
                    const frame = page.frames().find((one) => one.url().endsWith('/pdf.html'));
                    if (frame && ready.includes('drawn')) note((await tab.axe(colorScheme === 'dark' ? { preload: false, ...only } : { preload: false, rules: { 'page-has-heading-one': { enabled: false } } }, frame)).map((line) => `${colorScheme}, PDF: ${line}`));
                    await tab.shot(`${name.replaceAll(' ', '-')}-${language}-${size}-${colorScheme}`);
                }
                note(await sideways(page));
                note(await cut(page));
                note(await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').map(() => 'moves, though less motion is wished for')));
                await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
            } catch (error) {
                note([`not reached: ${String(error.message).split('\n')[0]}`]);
            }
        }
        for (const tab of tabs.values()) {
            await tab.page.unrouteAll({ behavior: 'ignoreErrors' });
            await tab.close();
        }
        assert.deepEqual(found, []);
    });
}
