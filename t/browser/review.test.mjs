// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The review screen by keyboard alone, how quickly it moves on, and whether everybody can use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server } from './lib.mjs';
import { keystrokes, percentile, stopwatch } from './speed.mjs';

const tuor = await server();
const INVOICE = { vendor_name: 'Acme Corp', invoice_date: '2026-05-15', total_amount: 1250.54, rate: 0.5, items: [{ sku: 'A', price: 1 }] };
const REPLY = 'Thank you for writing to us. Your parcel was delayed at the depot and arrives tomorrow. ';

/** The id of the trace that is shown. */
const shown = (page) => page.locator('.strip h1').textContent().then((text) => text.split(' ').at(-1));
/** pause: longer where it asks the server, which takes so many requests a minute. */
const until = async (what, told, pause = 50, ms = 40_000) => {
    for (const end = Date.now() + ms; ;) {
        const got = await what();
        if (got) return got;
        assert.ok(Date.now() < end, told);
        await new Promise((resolve) => setTimeout(resolve, pause));
    }
};
const moved = (page, from) => until(async () => {
    const id = await page.locator('.strip h1').textContent({ timeout: 200 }).catch(() => 'none');
    return id.split(' ').at(-1) !== from;
}, 'the next trace is shown');

test('20 mixed traces by keyboard alone', async () => {
    const [tag] = await Promise.all([api(tuor, 'POST', '/v1/tags/', { name: `mixed ${process.pid}` })]);
    const types = { key_value: INVOICE, text: { content: REPLY.repeat(5) }, classification: { label: 'billing_dispute', alternatives: ['billing_dispute', 'technical_support', 'refund'] } };
    const ids = [];
    const kinds = {};
    const projects = {};
    for (const type of Object.keys(types)) projects[type] = await project(tuor, { output_type: type });
    for (let i = 0; i < 20; i++) {
        const type = Object.keys(types)[i % 3];
        const [trace] = await seed(tuor, 1, () => ({ project_id: projects[type].id, model_output: types[type] }));
        await api(tuor, 'POST', `/v1/traces/${trace.id}/tags`, { tag_ids: [tag.id] });
        ids.push(trace.id);
        kinds[trace.id] = type;
    }
    const tab = await open(tuor);
    await tab.context.addInitScript(() => {
        globalThis.pointed = 0;
        for (const name of ['pointerdown', 'mousedown', 'click']) addEventListener(name, (event) => { if (event.isTrusted && event.detail !== 0) globalThis.pointed++; }, true);
    });
    const { page } = tab;
    await tab.goto(`/console/review/${ids[19]}?tag=${tag.id}&status=pending`);
    await page.waitForSelector('.editor');
    let strokes = 0;
    const press = (key) => { strokes++; return page.keyboard.press(key); };
    const expected = {};
    for (let i = 0; i < 20; i++) {
        await page.waitForSelector('.actions .primary');
        const id = await shown(page);
        assert.ok(!(id in expected), 'each comes once');
        const type = kinds[id];
        if (i % 3 === 0) {
            await press(i % 2 ? 'x' : 'a');
            expected[id] = i % 2 ? 'rejected' : 'approved';
        } else if (i % 3 === 1 && i < 12) {
            if (type === 'classification') await press('2');
            else {
                await press('e');
                await page.waitForSelector('.editor :focus');
                if (type === 'key_value') {
                    await press('Enter');
                    await press('Enter');
                    await page.keyboard.type('1250.45');
                } else await page.keyboard.type('Hello. ');
            }
            await press('Control+Enter');
            expected[id] = 'corrected';
        } else {
            await press('a');
            expected[id] = 'approved';
        }
        await moved(page, id);
    }
    await page.getByRole('heading', { name: 'That was the last one' }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.pointed), 0, 'no pointer');
    assert.ok(strokes <= 60, `${strokes} keystrokes`);
    console.log(`# 20 traces: ${strokes} keystrokes beside what was typed`);
    await until(async () => (await api(tuor, 'GET', `/v1/traces/?tag=${tag.id}&status=pending`)).length === 0, 'all of them are judged', 1000);
    for (const id of ids) {
        const trace = await api(tuor, 'GET', `/v1/traces/${id}`);
        assert.equal(trace.status, expected[id], id);
        if (trace.status === 'corrected' && kinds[id] === 'key_value') assert.deepEqual(trace.correction_diff, [{ path: 'total_amount', from: 1250.54, to: 1250.45 }]);
        if (trace.status === 'corrected' && kinds[id] === 'classification') assert.notEqual(trace.corrected_output.label, 'billing_dispute');
    }
    await tab.close();
});

test('a verdict can be taken back for some seconds, and nothing is sent', async () => {
    const p = await project(tuor);
    const [one, two] = await seed(tuor, 2, () => ({ project_id: p.id, model_output: INVOICE }));
    const tab = await open(tuor);
    const { page } = tab;
    await tab.goto(`/console/review/${two.id}?project=${p.id}`);
    await page.waitForSelector('.actions .primary');
    await page.waitForTimeout(300);
    await page.keyboard.press('a');
    await moved(page, two.id);
    assert.equal(await shown(page), one.id);
    await page.keyboard.press('z');
    await moved(page, one.id);
    assert.equal(await shown(page), two.id);
    await page.waitForTimeout(5500);
    assert.equal((await api(tuor, 'GET', `/v1/traces/${two.id}`)).status, 'pending');
    await tab.close();
});

test('untouched numbers keep their characters', async () => {
    const p = await project(tuor);
    const output = '{"a":0.10,"b":1e400,"c":12345678901234567890,"d":"x"}';
    const reply = await fetch(`${tuor.url}/v1/traces/`, { method: 'POST', headers: { 'X-API-Key': tuor.key, 'Content-Type': 'application/json' }, body: `{"project_id":"${p.id}","model_input":{"content":"x"},"model_output":${output}}` });
    const { id } = await reply.json();
    const tab = await open(tuor);
    await tab.goto(`/console/review/${id}?project=${p.id}`);
    await tab.page.waitForSelector('.fields');
    await tab.page.getByLabel('d', { exact: true }).fill('y');
    await tab.page.keyboard.press('Control+Enter');
    const text = await until(async () => {
        const got = await (await fetch(`${tuor.url}/v1/traces/${id}`, { headers: { 'X-API-Key': tuor.key } })).text();
        return got.includes('"status":"corrected"') && got;
    }, 'it is corrected', 1000);
    assert.ok(text.includes(`"corrected_output":${output.replace('"x"', '"y"')}`), text);
    await tab.close();
});

test('from the key to the next trace, painted', async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 40, (i) => ({ project_id: p.id, model_input: { content: `${i} ${REPLY.repeat(60)}` }, model_output: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`field_${at}`, at % 2 ? at : `value ${at}`])) }));
    const tab = await open(tuor, { viewport: { width: 1440, height: 900 } });
    const { page } = tab;
    await tab.goto(`/console/review/${list[39].id}?project=${p.id}&status=pending`);
    await page.waitForSelector('.fields');
    const watch = await stopwatch(tab);
    const times = [];
    for (let i = 0; i < 35; i++) {
        await page.waitForTimeout(150);
        await page.waitForSelector('.actions .primary');
        times.push(await watch(`.input[data-trace="${list[38 - i].id}"]`, () => page.keyboard.press(i % 2 ? 'a' : 'j')));
        assert.equal(await shown(page), list[38 - i].id);
    }
    const of = (name, q) => percentile(times.map((one) => one[name]), q).toFixed(0);
    console.log(`# key to next trace painted, prefetched: p50 ${of('wall', 0.5)} ms, p95 ${of('wall', 0.95)} ms; main thread p50 ${of('main', 0.5)} ms, p95 ${of('main', 0.95)} ms (${times.length} times)`);
    // How long it may take, t/browser/measure.mjs says; here only that it does not hang, on whatever machine.
    assert.ok(percentile(times.map((one) => one.wall), 0.5) < 5_000, 'within reason');

    const x = await project(tuor, { output_type: 'text' });
    const [long] = await seed(tuor, 1, () => ({ project_id: x.id, model_output: { content: REPLY.repeat(235).slice(0, 20_000) } }));
    await tab.goto(`/console/review/${long.id}?project=${x.id}`);
    await page.waitForSelector('textarea.text');
    await page.keyboard.press('e');
    await page.waitForSelector('textarea.text:focus');
    const typed = await keystrokes(tab);
    console.log(`# keystroke in 20 KB of text: p50 ${percentile(typed, 0.5).toFixed(1)} ms, p95 ${percentile(typed, 0.95).toFixed(1)} ms`);
    await page.locator('.difference ins').first().waitFor();
    await tab.close();
});

test("a row's tools are there when it is, and nothing of a hand comes along to the next trace", async () => {
    const p = await project(tuor);
    const list = await seed(tuor, 3, (i) => ({ project_id: p.id, model_output: { vendor: `Acme ${i}`, total: i, items: [{ sku: `A${i}` }], last: 'z' } }));
    const tab = await open(tuor);
    const { page } = tab;
    await tab.goto(`/console/review/${list[2].id}?project=${p.id}`);
    await page.waitForSelector('.actions .primary');
    assert.equal(await page.locator('select.kind').count(), 0);
    const press = async (key, label) => {
        await page.keyboard.press(key);
        await page.waitForFunction((wanted) => document.activeElement.getAttribute('aria-label') === wanted, label);
    };
    await press('e', 'vendor');
    await page.keyboard.press('End');
    await press('ArrowRight', 'Find vendor in the input');
    await press('ArrowDown', 'Find total in the input');
    await press('ArrowRight', 'Type of total');
    await press('ArrowRight', 'Remove total');
    await press('ArrowDown', 'Remove items');
    await press('ArrowDown', 'Remove Item 1');
    await press('ArrowUp', 'Remove items');
    assert.equal(await page.locator('select.kind').count(), 0, 'a list has no type to choose');
    await press('Tab', 'sku');
    await page.keyboard.type('typed');
    await page.keyboard.press('Control+Enter');
    await moved(page, list[2].id);
    const values = () => page.locator('textarea.cell').evaluateAll((all) => all.map((one) => one.value));
    assert.deepEqual(await values(), ['Acme 1', '1', 'A1', 'z']);
    assert.equal(await page.evaluate(() => document.activeElement.matches('textarea')), false, 'keys decide again');
    await page.waitForSelector('.actions .primary');
    await page.keyboard.press('a');
    await moved(page, list[1].id);
    assert.deepEqual(await values(), ['Acme 0', '0', 'A0', 'z'], 'in the rows of the last one');
    await page.keyboard.press('k');
    await moved(page, list[0].id);
    await page.getByText('Approved · not sent yet').waitFor();
    assert.equal(await page.locator('textarea.cell').count(), 0, 'decided: nothing to edit');
    await tab.close();
});

for (const colorScheme of ['light', 'dark']) {
    test(`accessible, ${colorScheme}`, async () => {
        const tab = await open(tuor, { colorScheme, reducedMotion: 'reduce' });
        for (const [type, output] of [['key_value', INVOICE], ['text', { content: REPLY }], ['classification', { label: 'a', alternatives: ['a', 'b'] }], ['text', { no: 'text' }]]) {
            const p = await project(tuor, { output_type: type, guidelines: 'Dates as YYYY-MM-DD.' });
            const [trace] = await seed(tuor, 1, () => ({ project_id: p.id, model_output: output, trace_config: { model: 'gpt-4o' } }));
            await tab.goto(`/console/review/${trace.id}?project=${p.id}`);
            await tab.page.waitForSelector('.actions .primary');
            if (type === 'classification') await tab.page.keyboard.press('2');
            else {
                await tab.page.keyboard.press('e');
                await tab.page.waitForTimeout(100);
                if (output.content || type === 'key_value') await tab.page.keyboard.type('changed');
            }
            await tab.page.waitForTimeout(400);
            assert.deepEqual(await tab.axe(), [], `${type}, ${colorScheme}`);
            await tab.shot(`review-${type}-${colorScheme}`);
        }
        await tab.close();
    });
}
