// Licensed under the Apache License, Version 2.0; see LICENSE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf, cutText, opensFirst } from '../src/inputs/branches.ts';
import { decodeBase64, fileName, imageKind, isPdf, textBytes } from '../src/inputs/bytes.ts';
import { chunkAt, chunks } from '../src/inputs/chunks.ts';
import { matches, typed, valuePatterns } from '../src/inputs/search.ts';
import { messagesOf, partText, shapeOf } from '../src/inputs/shape.ts';
import { fitScale, movedBy, START, turnedBy, zoomAt } from '../src/inputs/view.ts';
import { parseJson, printJson } from '../src/json.ts';

const bytes = (...parts: (string | number[])[]) => new Uint8Array(parts.flatMap((part) => typeof part === 'string' ? [...part].map((one) => one.charCodeAt(0)) : part));
const latin = (value: Uint8Array | null) => value && String.fromCharCode(...value);

const wellFormed = (text: string) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

// Node 20 has no Uint8Array.fromBase64: this is the way of browsers without it.
test('base64 is read as people send it', () => {
    for (const text of ['aGVsbG8/Pz4+', ' aGVs\nbG8/\r\n\tPz4+ ', 'data:image/png;base64,aGVsbG8/Pz4+', 'DATA:x/y;charset=utf-8;base64 ,aGVsbG8/Pz4+', 'aGVsbG8_Pz4-']) {
        assert.equal(latin(decodeBase64(text)), 'hello??>>', text);
    }
    assert.equal(latin(decodeBase64('YQ')), 'a', 'without padding');
    assert.equal(latin(decodeBase64('YQ==')), 'a');
    for (const text of ['', '   ', 'a', 'YQ=a', '<svg>', 'aGVsbG8*', 'data:text/html,<b>x</b>', 'data:image/png;base64,', 'données']) {
        assert.equal(decodeBase64(text), null, text);
    }
});

test('images are known by their first bytes, and how large they are', () => {
    const be = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
    const le = (value: number) => be(value).reverse();
    const kinds: [string, number, number, Uint8Array][] = [
        ['image/png', 800, 600, bytes([0x89], 'PNG\r\n\x1a\n', be(13), 'IHDR', be(800), be(600))],
        ['image/jpeg', 321, 123, bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 9, 0xff, 0xc2, 0, 11, 8, 0, 123, 1, 65, 3])],
        ['image/gif', 300, 2, bytes('GIF89a', [44, 1, 2, 0])],
        ['image/webp', 400, 301, bytes('RIFF', le(0), 'WEBPVP8X', le(10), le(0), [143, 1, 0, 44, 1, 0])],
        ['image/webp', 17, 5, bytes('RIFF', le(0), 'WEBPVP8L', le(10), [0x2f], le(16 | (4 << 14)))],
        ['image/webp', 9, 7, bytes('RIFF', le(0), 'WEBPVP8 ', le(10), [0, 0, 0, 0x9d, 1, 0x2a, 9, 0, 7, 0])],
        ['image/avif', 64, 48, bytes(be(24), 'ftypmif1', be(0), 'miafavif', be(20), 'ispe', be(0), be(8), be(6), be(20), 'ispe', be(0), be(64), be(48), be(0), be(0), be(0), be(0))],
        ['image/bmp', 10, 20, bytes('BM', le(0), le(0), le(54), le(40), le(10), le(-20), le(0))],
        ['image/png', 0, 0, bytes([0x89], 'PNG\r\n\x1a\n')],
    ];
    for (const [type, width, height, file] of kinds) {
        const kind = imageKind(file);
        assert.deepEqual([kind?.type, kind?.width, kind?.height], [type, width, height]);
    }
    for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'BM, the firm of two letters and more', '%PDF-1.7', 'RIFF....WAVE', '....ftypmp42........isom', '', 'GIF88a']) {
        assert.equal(imageKind(bytes(text)), null, text);
    }
});

test('a PDF says so at its beginning', () => {
    assert.equal(isPdf(bytes('%PDF-1.4\n')), true);
    assert.equal(isPdf(bytes('\n'.repeat(1000), '%PDF-1.4\n')), true);
    assert.equal(isPdf(bytes('\n'.repeat(2000), '%PDF-1.4\n')), false);
    assert.equal(isPdf(bytes('%PDF')), false);
});

test('bytes that are text can be read, and file names are harmless', () => {
    assert.equal(textBytes(bytes('<svg/>')), '<svg/>');
    assert.equal(textBytes(bytes([0xff, 0xfe])), null);
    assert.equal(textBytes(bytes('a', [0])), null);
    assert.equal(fileName('../../etc/passwd', 'x'), 'passwd');
    assert.equal(fileName('C:\\a\\invoice\u202Efdp.exe', 'x'), 'invoicefdp.exe');
    assert.equal(fileName(' \n', 'document.pdf'), 'document.pdf');
    assert.equal(fileName(undefined, 'image'), 'image');
});

test('a long text is cut into pieces that make it again', () => {
    const texts = ['', 'a', 'a\n\n\nb'.repeat(20), `${'x'.repeat(99)}\u{1F600}`.repeat(5), 'word '.repeat(100), '\n'.repeat(100), '\u{1F600}'.repeat(101)];
    for (const text of texts) {
        for (const size of [7, 50, 100]) {
            const all = chunks(text, size);
            assert.equal(all.map((one) => one.text).join(''), text);
            for (const one of all) {
                assert.ok(one.text.length > 0 && one.text.length <= size + 1);
                assert.ok(wellFormed(one.text), 'no character is cut in two');
                assert.equal(text.slice(one.start, one.start + one.text.length), one.text);
            }
            for (let at = 0; at < text.length; at++) {
                const one = all[chunkAt(all, at)];
                assert.ok(one.start <= at && at < one.start + one.text.length);
            }
        }
    }
    assert.equal(chunks('one\ntwo\nthree', 9)[0].text, 'one\ntwo\n', 'behind a line');
    assert.equal(chunks('a\nb\n', 100)[0].lines, 2);
    assert.ok(chunks('a b\n'.repeat(1_250_000)).length < 400, 'five megabytes');
});

const hits = (value: string, text: string) => {
    for (const pattern of valuePatterns(value)) {
        const found = matches(text, pattern);
        if (found.length) return found.map(({ start, end }) => text.slice(start, end));
    }
    return [];
};

test('a value is found as it may be printed', () => {
    assert.deepEqual(hits('1250.45', 'Total: 1.250,45 €; 11250.45; 1250.455'), ['1.250,45']);
    assert.deepEqual(hits('1250.45', 'Total $1,250.45.'), ['1,250.45']);
    assert.deepEqual(hits('1250.50', '1 250,5'), ['1 250,5']);
    assert.deepEqual(hits('1250', '1,250.00 or 12500'), ['1,250.00']);
    assert.deepEqual(hits('-12.5', 'a credit of −12,50'), ['−12,50']);
    assert.deepEqual(hits('5', '15 50 5 5.1 x5'), ['5']);
    assert.deepEqual(hits('2026-05-15', 'on May 15, 2026'), ['May 15, 2026']);
    assert.deepEqual(hits('2026-05-15', 'am 15. Mai 2026'), ['15. Mai 2026']);
    assert.deepEqual(hits('2026-05-15', '15.05.2026'), ['15.05.2026']);
    assert.deepEqual(hits('2026-05-15', '5/15/26'), ['5/15/26']);
    assert.deepEqual(hits('2026-05-15', '2026-05-16'), []);
    assert.deepEqual(hits('Acme Corp', 'ACME\n  CORP., Acme Corporation'), ['ACME\n  CORP']);
    assert.deepEqual(hits('corp', 'Corporation'), ['Corp'], 'part of a word, if it stands nowhere alone');
    assert.deepEqual(hits('a.*(b', 'a.*(b axxb'), ['a.*(b']);
    assert.deepEqual(hits('  ', 'anything'), []);
    for (const odd of ['12-345678', '[x]', '\\', 'a-b', '$^', '{1}', '2026-99-99', '🙂']) assert.deepEqual(hits(odd, `<${odd}>`), [odd]);
    assert.deepEqual(matches('Abc abc', typed('aBC')).length, 2);
});

test('what is shown as what', () => {
    const shape = (type: 'text' | 'pdf' | 'image', text: string) => shapeOf(type, parseJson(text));
    const text = shape('text', '{"content":"c","system_prompt":"s","n":1.50,"filename":"f"}');
    assert.deepEqual([text.main, text.system, printJson(text.others!), text.misfit], ['c', 's', '{"n":1.50,"filename":"f"}', undefined]);
    const pdf = shape('pdf', '{"pdf_base64":"eA==","filename":"f.pdf"}');
    assert.deepEqual([pdf.main, pdf.filename, pdf.others], ['eA==', 'f.pdf', null]);
    assert.deepEqual(shape('pdf', '{"content":"c"}').misfit, { key: 'pdf_base64', reason: 'missing' });
    assert.equal(printJson(shape('pdf', '{"content":"c","system_prompt":"s"}').others!), '{"content":"c","system_prompt":"s"}', 'all of it');
    assert.deepEqual(shape('image', '{"image_base64":17}').misfit, { key: 'image_base64', reason: 'notText' });
    assert.deepEqual(shape('text', '{"content":{"a":1}}').misfit, undefined);
    assert.equal(printJson(shape('text', '{"content":{"a":1}}').others!), '{"content":{"a":1}}');
    assert.deepEqual(shape('text', '{}').misfit, { key: 'content', reason: 'missing' });
    assert.deepEqual(shape('text', '[]').misfit, { key: '', reason: 'notObject' });
    const twice = shape('text', '{"content":"first","content":"second"}');
    assert.deepEqual([twice.main, printJson(twice.others!)], ['second', '{"content":"first"}'], 'nothing that was sent is hidden');
});

test('messages of a chat', () => {
    const chat = messagesOf(parseJson('[{"role":"user","name":"ada","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"x"}}]},{"role":"assistant","content":null,"tool_calls":[]}]'))!;
    assert.deepEqual(chat.map((one) => [one.role, one.name, one.rest.map((member) => member.key)]), [['user', 'ada', []], ['assistant', undefined, ['tool_calls']]]);
    const parts = chat[0].content!;
    assert.deepEqual(parts.kind === 'array' && parts.items.map(partText), ['hi', undefined]);
    for (const none of ['[]', '{}', '["hi"]', '[{"content":"no role"}]', '"x"']) assert.equal(messagesOf(parseJson(none)), undefined, none);
});

test('a tree shows little at first', () => {
    assert.deepEqual(childrenOf(parseJson('{"a":1,"a":2}')).map((one) => one.name), ['a', 'a']);
    assert.deepEqual(childrenOf(parseJson('[true]')).map((one) => [one.name, one.index]), [['0', true]]);
    assert.deepEqual(childrenOf(parseJson('"x"')), []);
    assert.deepEqual([opensFirst(0), opensFirst(50), opensFirst(51)], [false, true, false]);
    assert.equal(cutText('short'), 'short');
    assert.equal(cutText('x'.repeat(5000)).length, 400);
    assert.ok(wellFormed(cutText(`${'x'.repeat(399)}\u{1F600}${'y'.repeat(99)}`)));
});

test('an image zooms to where one points', () => {
    const image = { width: 2000, height: 1000 }, pane = { width: 500, height: 500 };
    assert.equal(fitScale(image, pane, 0), 0.25);
    assert.equal(fitScale(image, pane, 1), 0.25);
    assert.equal(fitScale({ width: 10, height: 10 }, pane, 0), 1, 'never enlarged');
    assert.equal(fitScale({ width: 0, height: 0 }, pane, 0), 1);
    const view = zoomAt(START, image, pane, 4, 100, 50);
    // The point of the image under (100, 50) is there afterwards, too.
    assert.deepEqual([view.scale, (100 - view.x) / view.scale, (50 - view.y) / view.scale], [1, 100 / 0.25, 50 / 0.25]);
    assert.equal(zoomAt(view, image, pane, 1e9).scale, 40);
    assert.equal(zoomAt(view, image, pane, 1e-9).scale, 0.02);
    const far = movedBy(view, image, pane, 1e6, 1e6);
    assert.ok(far.x - image.width / 2 < pane.width / 2, 'part of it stays in sight');
    assert.equal(movedBy(START, image, pane, 9, 9), START, 'what is seen whole does not move');
    let round = view;
    for (let turn = 0; turn < 4; turn++) round = turnedBy(round, image, pane);
    assert.deepEqual({ ...round, x: Math.round(round.x), y: Math.round(round.y) }, view);
});
