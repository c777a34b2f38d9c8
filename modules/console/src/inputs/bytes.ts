// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Base64 as people send it, and what the bytes are. What a payload says about its
// own type counts for nothing: only the first bytes do.

type Decoder = { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };

/**
 * The bytes, or null if this is not base64. Harmless habits are let through: white space, a data: URL's
 * beginning, the URL-safe alphabet, missing padding.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
    let body = text;
    const url = /^\s*data:[^,]{0,200},/i.exec(text.slice(0, 300));
    if (url) {
        if (!/;\s*base64\s*,$/i.test(url[0])) return null;
        body = text.slice(url[0].length);
    }
    if (/[-_]/.test(body)) body = body.replaceAll('-', '+').replaceAll('_', '/');
    try {
        const native = (Uint8Array as unknown as Decoder).fromBase64;
        if (native) return nonEmpty(native.call(Uint8Array, body));
        const binary = atob(body.replace(/\s+/g, ''));
        const bytes = new Uint8Array(binary.length);
        for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
        return nonEmpty(bytes);
    } catch {
        return null;
    }
}

const nonEmpty = <T extends Uint8Array>(bytes: T) => bytes.length ? bytes : null;

export interface ImageKind { type: string; name: string; width: number; height: number }

const ascii = (bytes: Uint8Array, at: number, text: string) => {
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
};

/** PNG, JPEG, GIF, WebP, AVIF or BMP, with its size (0 if the header does not tell); null for anything else. */
export function imageKind(bytes: Uint8Array): ImageKind | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const [type, name, is, size] of IMAGES) {
        if (!is(bytes, view)) continue;
        let width = 0, height = 0;
        try {
            [width, height] = size(view, bytes);
        } catch { /* cut off: the browser will say so */ }
        return { type, name, width, height };
    }
    return null;
}

type Known = [type: string, name: string, is: (bytes: Uint8Array, view: DataView) => boolean, size: (view: DataView, bytes: Uint8Array) => [number, number]];

const IMAGES: Known[] = [
    ['image/png', 'PNG', (bytes) => bytes[0] === 0x89 && ascii(bytes, 1, 'PNG\r\n\x1a\n'), (view) => [view.getUint32(16), view.getUint32(20)]],
    ['image/jpeg', 'JPEG', (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff, jpegSize],
    ['image/gif', 'GIF', (bytes) => ascii(bytes, 0, 'GIF87a') || ascii(bytes, 0, 'GIF89a'), (view) => [view.getUint16(6, true), view.getUint16(8, true)]],
    ['image/webp', 'WebP', (bytes) => ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP'), webpSize],
    ['image/avif', 'AVIF', isAvif, avifSize],
    ['image/bmp', 'BMP', (bytes, view) => ascii(bytes, 0, 'BM') && bytes.length > 26 && [12, 40, 52, 56, 64, 108, 124].includes(view.getUint32(14, true)),
        (view) => view.getUint32(14, true) === 12 ? [view.getUint16(18, true), view.getUint16(20, true)]
            : [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))]],
];

// The frame header (SOF) stands behind segments that each say their length.
function jpegSize(view: DataView): [number, number] {
    let at = 2;
    while (at < view.byteLength) {
        if (view.getUint8(at) !== 0xff) break;
        const marker = view.getUint8(at + 1);
        if (marker === 0xff) at++;
        else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
        else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
        else at += 2 + view.getUint16(at + 2);
    }
    return [0, 0];
}

function webpSize(view: DataView, bytes: Uint8Array): [number, number] {
    const three = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    if (ascii(bytes, 12, 'VP8X')) return [three(24) + 1, three(27) + 1];
    if (ascii(bytes, 12, 'VP8L')) {
        const bits = view.getUint32(21, true);
        return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
}

function isAvif(bytes: Uint8Array, view: DataView): boolean {
    if (bytes.length < 16 || !ascii(bytes, 4, 'ftyp')) return false;
    const end = Math.min(view.getUint32(0), bytes.length - 3, 256);
    for (let at = 8; at < end; at += 4) {
        if (at !== 12 && (ascii(bytes, at, 'avif') || ascii(bytes, at, 'avis'))) return true;
    }
    return false;
}

// The largest of the sizes (ispe) that its parts have: tiles and thumbnails have one, too.
function avifSize(view: DataView, bytes: Uint8Array): [number, number] {
    let best: [number, number] = [0, 0];
    for (let at = 16, end = Math.min(bytes.length - 16, 4096); at < end; at++) {
        if (!ascii(bytes, at, 'ispe')) continue;
        const size: [number, number] = [view.getUint32(at + 8), view.getUint32(at + 12)];
        if (size[0] * size[1] > best[0] * best[1]) best = size;
    }
    return best;
}

/** %PDF- among the first bytes, as readers accept it. */
export function isPdf(bytes: Uint8Array): boolean {
    for (let at = 0, end = Math.min(1024, bytes.length - 5); at <= end; at++) {
        if (bytes[at] === 0x25 && ascii(bytes, at, '%PDF-')) return true;
    }
    return false;
}

/** The text, if these bytes are some: SVG, HTML, an error message that was stored as a picture. */
export function textBytes(bytes: Uint8Array): string | null {
    try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        return /[\0-\x08\x0e-\x1f]/.test(text.slice(0, 4096)) ? null : text;
    } catch {
        return null;
    }
}

/** A name that is safe to download under: no path, no control character, nothing that turns its end round. */
export function fileName(name: string | undefined, fallback: string): string {
    const cleaned = (name ?? '').replace(/[\0-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').replace(/^.*[\\/]/, '').trim().slice(0, 200);
    return cleaned || fallback;
}
