// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The input panes of the review screen: what they show, and what strangers' documents, images and texts cannot do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, open, project, seed, server } from './lib.mjs';
import { bmp, brokenPdf, gif, hostilePdf, hugePng, invoice, lockedPdf, png, scanPdf, svg, tiny } from './data/samples.mjs';

const tuor = await server();
const ELSEWHERE = 'http://elsewhere.invalid';
const SCRIPT = '<img src=x onerror="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)">x</a>{{constructor.constructor("alert(4)")()}}';
const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const frameOf = (page) => page.frames().find((frame) => frame.url().endsWith('/console/pdf.html'));

// A project with a trace for each of the inputs, opened at the first.
async function show(type, inputs, options) {
    const { id } = await project(tuor, { input_type: type, output_type: 'text' });
    const traces = await seed(tuor, inputs.length, (i) => ({ project_id: id, model_input: inputs[i], model_output: { content: 'x' } }));
    const tab = await open(tuor, { viewport: { width: 1440, height: 900 }, ...options });
    const turn = async (at) => {
        await tab.goto(`/console/review/${traces[at].id}?project=${id}`);
        await tab.page.locator(`.input[data-trace="${traces[at].id}"]`).waitFor();
    };
    await turn(0);
    return { ...tab, id, traces, turn, pane: tab.page.locator('.input') };
}
const drawn = (tab, at) => tab.page.locator(`.input[data-trace="${tab.traces[at].id}"] .pdf[data-state="drawn"]`).waitFor();

test('a text, its system prompt, and what else was sent', async () => {
    const tab = await show('text', [{ content: `line one\n  ${SCRIPT}`, system_prompt: SCRIPT, [SCRIPT]: { amount: 1.5, note: SCRIPT } },
        { messages: [{ role: 'user', content: [{ type: 'text', text: 'the question' }, { type: 'image_url', image_url: { url: `${ELSEWHERE}/x.png` } }] }, { role: SCRIPT, content: SCRIPT }] }]);
    assert.equal(await tab.pane.locator('.content').textContent(), `line one\n  ${SCRIPT}`, 'as it was sent');
    assert.equal(await tab.pane.locator('.system .text').isVisible(), false, 'closed at first');
    await tab.pane.locator('.system summary').click();
    assert.equal(await tab.pane.locator('.system .text').textContent(), SCRIPT);
    await tab.pane.locator('.others .key', { hasText: 'amount' }).waitFor();
    assert.equal(await tab.pane.locator('img, script, a').count(), 0, 'nothing of it became markup');
    const urls = await tab.page.evaluate(() => performance.getEntriesByType('resource').map((one) => one.name));
    assert.equal(urls.some((url) => /pdf/.test(url)), false, 'pdf.js is not loaded for a text');
    assert.deepEqual(await tab.axe({ runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] }), []);
    await tab.turn(1);
    await tab.pane.getByText('the question').waitFor();
    assert.equal(await tab.pane.locator('.message').count(), 2);
    assert.equal(await tab.pane.locator('img').count(), 0, 'a picture from elsewhere is an address');
    await tab.close();
});

test('the tree: keys, and large values', async () => {
    const tab = await show('text', [{ list: Array.from({ length: 5000 }, (_, at) => at), deep: { a: { b: { c: 1e400.toString() } } }, long: 'x'.repeat(100_000) }]);
    await tab.pane.getByText('This project shows text, but the input has no content.').waitFor();
    const items = tab.pane.getByRole('treeitem');
    assert.ok(await items.count() < 20, 'a long list stays closed');
    await items.first().focus();
    await tab.page.keyboard.press('ArrowRight');
    await tab.pane.getByText(/^Show 4.900 more$/).waitFor();
    await tab.page.keyboard.press('ArrowRight');
    assert.equal(await tab.page.evaluate(() => document.activeElement.querySelector('.index')?.textContent), '0', 'into the branch');
    await tab.page.keyboard.press('ArrowLeft');
    await tab.page.keyboard.press('ArrowLeft');
    assert.equal(await items.first().getAttribute('aria-expanded'), 'false');
    await tab.page.keyboard.press('End');
    assert.match(await tab.page.evaluate(() => document.activeElement.textContent), /^long/);
    await tab.page.keyboard.press('Enter');
    await tab.page.waitForFunction(() => document.querySelector('.tree .text')?.textContent.length === 100_000);
    await tab.close();
});

test('five megabytes of text', async () => {
    const content = Array.from({ length: 62_000 }, (_, at) => `Line ${at}: lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod.`).join('\n').slice(0, 5_100_000);
    const tab = await show('text', [{ content }]);
    const length = () => tab.page.evaluate(() => document.querySelector('.content').textContent.length);
    assert.equal(await length(), content.length, 'all of it is there');
    const copied = await tab.page.evaluate(() => {
        const pieces = document.querySelector('.content').children;
        getSelection().setBaseAndExtent(pieces[0].firstChild, 5, pieces[2].firstChild, 7);
        const event = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
        pieces[0].dispatchEvent(event);
        return event.clipboardData.getData('text/plain');
    });
    assert.equal(copied, content.slice(5, 5 + copied.length), 'copied over the pieces as it was sent');
    await tab.close();
});

test('a PDF: pages, search, keys, and the way back', async () => {
    const tab = await show('pdf', [{ pdf_base64: base64(invoice(300)), filename: 'invoice.pdf', po: 'PO-1' }]);
    await drawn(tab, 0);
    const frame = frameOf(tab.page);
    assert.equal(await frame.evaluate(() => self.origin), 'null', 'the frame has no origin');
    await frame.locator('.sheet[data-page="1"] .textLayer', { hasText: 'Acme Corp' }).waitFor();
    assert.equal(await frame.locator('.tools .name').textContent(), 'invoice.pdf');
    assert.equal(await frame.locator('.sheet').count(), 300);
    await frame.locator('main').focus();
    await tab.page.keyboard.press('End');
    await frame.locator('.sheet[data-page="300"] canvas').waitFor();
    await frame.waitForFunction(() => document.querySelectorAll('canvas').length < 12 && !document.querySelector('.sheet[data-page="1"] canvas'));
    await frame.locator('.page').fill('150');
    await tab.page.keyboard.press('Enter');
    await frame.locator('.sheet[data-page="150"] canvas').waitFor();
    await frame.locator('main').focus();
    await tab.page.keyboard.press('/');
    await tab.page.keyboard.type('NEEDLE');
    await frame.locator('.found', { hasText: '1 of 1' }).waitFor();
    assert.equal(await frame.evaluate(() => [...CSS.highlights.get('found-current')][0].toString()), 'needle');
    await tab.page.keyboard.press('Escape');
    const wide = () => frame.evaluate(() => document.querySelector('.sheet').offsetWidth);
    const before = await wide();
    await tab.page.keyboard.press('+');
    assert.ok(await wide() > before, 'zoomed');
    await tab.page.keyboard.press('0');
    assert.equal(await wide(), before, 'as wide as the pane');
    await tab.page.keyboard.press('r');
    await frame.waitForFunction(() => document.querySelector('.sheet').offsetWidth > document.querySelector('.sheet').offsetHeight);
    await tab.page.keyboard.press('Escape');
    await tab.page.waitForFunction(() => document.activeElement?.tagName !== 'IFRAME');
    await tab.close();
});

test('a scan is decoded by WebAssembly, in the frame alone', async () => {
    const tab = await show('pdf', [{ pdf_base64: base64(scanPdf()) }]);
    await drawn(tab, 0);
    const frame = frameOf(tab.page);
    const colours = await frame.evaluate(() => {
        const canvas = document.querySelector('.sheet canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let at = 0; at < data.length; at += 4) seen.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
        return seen.size;
    });
    assert.ok(colours > 20, `the picture is there: ${colours} colours`);
    await tab.close();
});

test('a hostile PDF does nothing', async () => {
    const tab = await show('pdf', [{ pdf_base64: base64(hostilePdf(ELSEWHERE)), filename: `${SCRIPT}.pdf` }]);
    await drawn(tab, 0);
    const frame = frameOf(tab.page);
    await frame.locator('.textLayer', { hasText: 'Hostile' }).first().waitFor();
    const links = await frame.locator('.pdf-link').evaluateAll((all) => all.map((one) => one.title));
    assert.deepEqual(links.map((one) => one.split('#')[0]), [`${ELSEWHERE}/clicked`, `${ELSEWHERE}/remote.pdf`, ''], 'two addresses, and a page of its own: no script, program or form');
    await frame.locator('.pdf-link').first().click();
    await tab.pane.locator('.address', { hasText: `${ELSEWHERE}/clicked` }).waitFor();
    const link = tab.pane.locator('.note a');
    assert.deepEqual([await link.getAttribute('rel'), await link.getAttribute('target')], ['noopener noreferrer', '_blank'], 'shown first');
    await frame.locator('.pdf-link').nth(2).click();
    await frame.locator('.sheet[data-page="2"] canvas').waitFor();
    await frame.locator('.sheet[data-page="1"]').click({ position: { x: 100, y: 560 } });
    // What the frame could do if its code were bent: none of it reaches anything.
    const escape = await frame.evaluate(async () => {
        const tried = {};
        const attempt = async (name, run) => { try { tried[name] = String(await run()); } catch (error) { tried[name] = error.name; } };
        await attempt('cookie', () => document.cookie);
        await attempt('storage', () => localStorage.length);
        await attempt('parent', () => parent.document.title);
        await attempt('top', () => { top.location = 'about:blank'; });
        await attempt('popup', () => window.open('about:blank'));
        return tried;
    });
    assert.deepEqual(escape, { cookie: 'SecurityError', storage: 'SecurityError', parent: 'SecurityError', top: 'SecurityError', popup: 'null' });
    const api = await frame.evaluate(() => fetch('/v1/me', { credentials: 'include' }).then((reply) => reply.status, (error) => error.name));
    assert.equal(api, 'TypeError', 'no API');
    tab.allow(/console\.error/);
    assert.deepEqual(tab.complaints.filter((line) => /dialog|foreign|exception/.test(line)), []);
    await tab.context.close();
});

test('a PDF that cannot be shown says why, and can be saved', async () => {
    const tab = await show('pdf', [{ pdf_base64: base64(lockedPdf()), filename: '../locked.pdf' }, { pdf_base64: base64(brokenPdf()) }, { pdf_base64: '*no base64*' },
        { pdf_base64: base64(png(2, 2)) }, { content: 'no pdf here' }, { pdf_base64: { a: 1 } }, { pdf_base64: `data:text/html;base64,${base64(invoice())}` }]);
    await tab.pane.getByText('protected with a password').waitFor();
    const [download] = await Promise.all([tab.page.waitForEvent('download'), tab.pane.getByRole('button', { name: 'Download' }).first().click()]);
    assert.equal(download.suggestedFilename(), 'locked.pdf', 'by its name alone');
    for (const [at, text] of [[1, 'is damaged'], [2, 'not valid base64'], [3, 'is not a PDF'], [4, 'This project shows PDFs, but the input has no pdf_base64.'], [5, 'is not a text']]) {
        await tab.turn(at);
        await tab.pane.getByText(text).waitFor();
    }
    await tab.turn(6);
    await drawn(tab, 6);
    await tab.close();
});

test('images are what their bytes are', async () => {
    const files = [['PNG', png(40, 30)], ['GIF', gif()], ['BMP', bmp()], ['JPEG', tiny('jpeg')], ['WebP', tiny('webp')], ['AVIF', tiny('avif')]];
    const tab = await show('image', files.map(([name, file], at) => ({ image_base64: at % 2 ? `data:image/svg+xml;base64,${base64(file)}` : base64(file), media_type: ['image/svg+xml', 'text/html', '"><script>'][at % 3], filename: `${name} <img src=x onerror=alert(1)>` })));
    for (const [at, [name]] of files.entries()) {
        await tab.turn(at);
        await tab.page.waitForFunction(() => document.querySelector('.input img')?.naturalWidth > 0);
        assert.match(await tab.pane.locator('.name small').textContent(), new RegExp(`^${name}`));
        assert.equal(await tab.pane.locator('img').getAttribute('alt'), `${name} <img src=x onerror=alert(1)>`);
        const type = await tab.page.evaluate(async () => (await fetch(document.querySelector('.input img').src).catch(() => null))?.headers.get('content-type') ?? 'unreadable');
        assert.ok(type === 'unreadable' || type === `image/${name.toLowerCase()}`, type);
    }
    tab.allow(/Content Security Policy|policy: |Fetch API cannot load/);
    await tab.close();
});

test('what is no image is not shown as one', async () => {
    const tab = await show('image', [{ image_base64: base64(svg(ELSEWHERE)), media_type: 'image/svg+xml' }, { image_base64: `data:image/svg+xml,${svg(ELSEWHERE)}`, media_type: 'image/png' },
        { image_base64: base64('<html><script>alert(1)</script>'), media_type: 'image/png' }, { image_base64: base64(hugePng()), media_type: 'image/png' },
        { image_base64: base64(Buffer.from('\xff\xd8\xff\xe0 no picture', 'latin1')) }, { image_base64: base64(Buffer.from([0, 1, 2, 255])) }, { image_url: `${ELSEWHERE}/x.png` }]);
    for (const [at, text] of [[0, 'shown as text'], [1, 'not valid base64'], [2, 'shown as text'], [3, /40.000 × 25.000/], [5, 'is no PNG, JPEG'], [6, 'has no image_base64'], [4, 'is damaged']]) {
        await tab.turn(at);
        await tab.pane.getByText(text).first().waitFor();
        if (at !== 4) assert.equal(await tab.pane.locator('img').count(), 0, text);
    }
    await tab.turn(0);
    assert.match(await tab.pane.locator('.text').textContent(), /<script>alert/, 'to be read');
    await tab.close();
});

test('an image is zoomed, moved and turned, and the next one lies as it did', async () => {
    const tab = await show('image', [{ image_base64: base64(png(1600, 1200)), filename: 'a.png' }, { image_base64: base64(png(1600, 1200)), filename: 'b.png' }]);
    const image = tab.pane.locator('img');
    await tab.page.waitForFunction(() => document.querySelector('.input img')?.naturalWidth > 0);
    const scale = async () => Number(await image.getAttribute('data-scale'));
    const fitted = await scale();
    assert.ok(fitted < 1, 'seen whole');
    const canvas = tab.pane.locator('.canvas');
    const box = await canvas.boundingBox();
    const point = { x: box.x + box.width / 4, y: box.y + box.height / 3 };
    const under = () => image.evaluate((one, at) => { const frame = one.getBoundingClientRect(); return [(at.x - frame.left) / frame.width, (at.y - frame.top) / frame.height].map((part) => part.toFixed(2)).join(); }, point);
    const place = await under();
    await tab.page.mouse.move(point.x, point.y);
    await tab.page.mouse.wheel(0, -400);
    await tab.page.waitForFunction((old) => Number(document.querySelector('.input img').dataset.scale) > old * 1.5, fitted);
    assert.equal(await under(), place, 'to where the pointer is');
    await canvas.focus();
    const left = (await image.boundingBox()).x;
    await tab.page.keyboard.press('ArrowLeft');
    await tab.page.waitForFunction((old) => document.querySelector('.input img').getBoundingClientRect().x > old, left);
    await tab.page.keyboard.press('r');
    await tab.page.waitForFunction(() => document.querySelector('.input img').dataset.turns === '1');
    await tab.page.keyboard.press('1');
    await tab.page.waitForFunction(() => document.querySelector('.input img').dataset.scale === '1.0000');
    assert.deepEqual(await tab.axe({ runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] }), []);
    await tab.page.locator('.desk').first().focus();
    // The list begins with the newest.
    await tab.page.keyboard.press('k');
    await tab.page.locator(`.input[data-trace="${tab.traces[1].id}"] img[data-turns="1"][data-scale="1.0000"]`).waitFor();
    await tab.close();
});

test('a PDF of the next trace is ready before it is asked for', async () => {
    const tab = await show('pdf', Array.from({ length: 4 }, (_, at) => ({ pdf_base64: base64(invoice(2, `Vendor ${at}`)), filename: `${at}.pdf` })));
    await drawn(tab, 0);
    const frame = frameOf(tab.page);
    await tab.page.locator('.desk').first().focus();
    for (let at = 1; at < 4; at++) {
        // Drawn behind the scenes, before anybody turns to it.
        await frame.waitForFunction((text) => [...document.querySelectorAll('.paper[hidden] .textLayer')].some((one) => one.textContent.includes(text)), `Vendor ${at}`);
        await tab.page.keyboard.press('k');
        await drawn(tab, at);
        await frame.locator('.paper:not([hidden]) .textLayer', { hasText: `Vendor ${at}` }).first().waitFor();
    }
    assert.equal(tab.page.frames().filter((frame) => frame.url().endsWith('pdf.html')).length, 1, 'one frame for all');
    await tab.close();
});

test('columns keep their places, until somebody wants it otherwise; what is looked for is counted', async () => {
    const columns = 'Widgets        1,000.45\nGadgets          250.00\n';
    const tab = await show('text', [{ content: columns }, { content: 'Prose, and more prose.' }]);
    const body = tab.pane.locator('.body');
    const mono = () => body.locator('.content').evaluate((text) => getComputedStyle(text).fontFamily.includes('mono'));
    const face = tab.pane.getByRole('button', { name: /All letters as wide/ });
    assert.equal(await mono(), true);
    await tab.turn(1);
    assert.equal(await mono(), false);
    await tab.turn(0);
    await face.click();
    assert.equal(await mono(), false);
    await tab.turn(0);
    assert.equal(await mono(), false, 'remembered');
    await face.click();
    assert.equal(await mono(), true);

    await tab.page.getByRole('textbox', { name: 'Text' }).fill('gets');
    await tab.page.keyboard.press('Control+g');
    await tab.page.locator('.sending', { hasText: '2 places, shown: 1' }).waitFor();
    assert.deepEqual(await tab.axe(), []);
    await tab.close();
});
