// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Measures what the console promises, against a server of its own: node t/browser/measure.mjs
//
// wall grows with what else the machine does (its load is printed); main, the milliseconds that the page's main thread was
// busy, hardly does. TUOR_MEASURE_ROWS is the size of the project whose list is shown, 100000 unless told; 0 leaves it out.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { test } from 'node:test';
import { invoice } from './data/samples.mjs';
import { open, project, seed, server } from './lib.mjs';
import { keystrokes, loading, percentile, stopwatch, turnTo } from './speed.mjs';

const ROWS = Number(process.env.TUOR_MEASURE_ROWS ?? 100_000);
const REPLY = 'Thank you for writing to us. Your parcel was delayed at the depot and arrives tomorrow. ';
const FIELDS = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`field_${at}`, at % 2 ? at : `value ${at}`]));
const table = [];
let tuor;

/** times: of watch(), or milliseconds; target: of the named figure's p95 */
function note(what, target, times, figure = 'wall') {
    const line = { 'what': what, 'target p95': target };
    const all = times.map((one) => (typeof one === 'number' ? { [figure]: one } : one));
    for (const name of ['wall', 'main']) {
        if (all[0]?.[name] === undefined) continue;
        for (const q of [50, 95]) line[`${name} p${q}`] = Number(percentile(all.map((one) => one[name]), q / 100).toFixed(1));
    }
    line.times = all.length;
    line.load = Number(loadavg()[0].toFixed(1));
    table.push(line);
}
const shownInput = (trace) => `.input[data-trace="${trace.id}"]`;
/** A tab that shows the trace; loaded: how long that took, until wait was painted. */
const show = async (p, trace, wait = '.actions .primary') => {
    const tab = await open(tuor, { viewport: { width: 1440, height: 900 } });
    const loaded = await loading(tab, `/console/review/${trace.id}?project=${p.id}`, wait);
    return { ...tab, loaded, watch: await stopwatch(tab) };
};

test('measure', async () => {
    tuor = await server();

    let tab = await open(tuor, { as: null });
    await tab.goto('/console/sign-in');
    await tab.page.waitForSelector('input');
    const files = await tab.page.evaluate(() => performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize]));
    const kb = (ending) => files.filter(([name]) => name.endsWith(ending)).reduce((sum, [, size]) => sum + size, 0) / 1024;
    table.push({ 'what': 'first load, script', 'target p95': '40 KB', 'KB': Number(kb('.js').toFixed(1)) }, { 'what': 'first load, styles', 'target p95': '10 KB', 'KB': Number(kb('.css').toFixed(1)) });
    await tab.context.close();

    const fields = await project(tuor);
    const list = await seed(tuor, 60, (i) => ({ project_id: fields.id, model_input: { content: `${i} ${REPLY.repeat(60)}` }, model_output: FIELDS }));
    tab = await show(fields, list.at(-1));
    const approved = [];
    for (const next of list.slice(0, -1).reverse().slice(0, 50)) {
        await tab.page.waitForTimeout(250);
        await tab.page.waitForSelector('.actions .primary');
        approved.push(await tab.watch(shownInput(next), () => tab.page.keyboard.press('a')));
    }
    note('approved, next trace painted (30 fields, prefetched)', '100 ms', approved);
    await tab.close();

    const texts = await project(tuor, { output_type: 'text' });
    const long = await seed(tuor, 30, (i) => ({ project_id: texts.id, model_input: { content: `${i} ${REPLY.repeat(60)}` }, model_output: { content: REPLY.repeat(235).slice(0, 20_000) } }));
    tab = await show(texts, long.at(-1));
    const asked = [];
    // Every fourth: its neighbours are prefetched.
    for (let at = 25; at >= 0; at -= 4) {
        await tab.page.waitForTimeout(500);
        asked.push(await tab.watch(shownInput(long[at]), () => turnTo(tab.page, `/console/review/${long[at].id}?project=${texts.id}`)));
    }
    note('text trace, not prefetched', '200 ms', asked);
    const differences = [];
    for (const trace of long.slice(10, 20)) {
        await turnTo(tab.page, `/console/review/${trace.id}?project=${texts.id}`);
        await tab.page.waitForSelector(`${shownInput(trace)}`);
        await tab.page.waitForSelector('.actions .primary');
        await tab.page.keyboard.press('e');
        await tab.page.waitForSelector('textarea.text:focus');
        if (trace === long[10]) note('keystroke in 20 KB of text', '16 ms main', await keystrokes(tab), 'main');
        else differences.push(await tab.watch('.difference ins', () => tab.page.keyboard.press('x')));
        await tab.page.keyboard.press('Escape');
    }
    const bare = await open(tuor);
    await bare.page.setContent('<textarea rows="20" cols="90" spellcheck></textarea>');
    await bare.page.locator('textarea').fill(REPLY.repeat(235).slice(0, 20_000));
    note('  the same in an empty page', '', await keystrokes(bare), 'main');
    await bare.context.close();
    note('difference shown after a key', '150 ms', differences);
    await tab.context.close();

    const pdfs = await project(tuor, { input_type: 'pdf', output_type: 'text' });
    const papers = await seed(tuor, 12, (i) => ({ project_id: pdfs.id, model_input: { pdf_base64: Buffer.from(invoice(2, `Vendor ${i}`)).toString('base64') }, model_output: { content: 'x' } }));
    const drawn = (trace) => `${shownInput(trace)} .pdf[data-state="drawn"]`;
    const cold = [];
    for (let i = 0; i < 5; i++) {
        tab = await show(pdfs, papers.at(-1), drawn(papers.at(-1)));
        cold.push(tab.loaded);
        if (i < 4) await tab.context.close();
    }
    note('PDF, first page, cold (the page loaded anew)', '1500 ms', cold);
    const warm = [];
    for (const next of papers.slice(0, -1).reverse()) {
        await tab.page.waitForTimeout(1500);
        warm.push(await tab.watch(drawn(next), () => tab.page.keyboard.press('j')));
    }
    note('PDF, first page, prefetched', '150 ms', warm);
    await tab.context.close();

    const plain = await project(tuor, { output_type: 'text' });
    const [large] = await seed(tuor, 1, () => ({ project_id: plain.id, model_input: { content: `${REPLY}\n`.repeat(59_000).slice(0, 5_000_000) }, model_output: { content: 'x' } }));
    const usable = [];
    for (let i = 0; i < 5; i++) {
        tab = await show(plain, large, `body:has(.actions .primary) ${shownInput(large)} .text`);
        usable.push(tab.loaded);
        await tab.context.close();
    }
    note('5 MB of text usable (the page loaded anew)', '2500 ms', usable);

    if (ROWS) {
        const many = await project(tuor);
        const url = (await readFile(tuor.ctl.replaceAll("'", ''), 'utf8')).match(/TUOR_DATABASE_URL='(.*)'/)[1];
        execFileSync('psql', ['-qXv', 'ON_ERROR_STOP=1', '-d', url], { input: `
            INSERT INTO tuor.traces (org_id, id, project_id, status, version, created_at, created_by, updated_at, updated_by, model, model_input, model_output)
                SELECT '${tuor.org}', 'trace_' || lpad('${Date.now()}' || lpad(n::text, 8, '0'), 22, '0'), '${many.id}', 'pending', 1, at, 'key_0000000000000000000000', at, 'key_0000000000000000000000',
                       'measured', jsonb_build_object('content', 'Input ' || n || repeat(' lorem ipsum', 20))::text, '{"vendor_name":"Acme Corp","total_amount":1250.54}'
                    FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS at FROM generate_series(1, ${ROWS}) n) s;
            ANALYZE tuor.traces;` });
        tab = await open(tuor, { viewport: { width: 1440, height: 900 } });
        await tab.goto('/console/audit');
        await tab.page.waitForSelector('main h1');
        const watch = await stopwatch(tab);
        const pages = [];
        for (let i = 0; i < 20; i++) {
            pages.push(await watch('tbody tr[data-row]', () => turnTo(tab.page, `/console/traces?project=${many.id}`)));
            await turnTo(tab.page, '/console/audit');
            await tab.page.waitForSelector('tbody tr[data-row]', { state: 'detached' });
            await tab.page.waitForTimeout(200);
        }
        note(`list of ${ROWS} traces, first page painted`, '150 ms', pages.slice(1));
        await tab.context.close();
    }
    console.table(table);
    console.log(`${availableParallelism()} processors, load ${loadavg().map((one) => one.toFixed(1)).join(' ')}`);
});
