// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A screenshot with a palette of 256 colours: a quarter of its size. The browser reads the picture; the palette is made
// of the colours that are there most often, each other one goes to the nearest.
import { crc32, deflateSync } from 'node:zlib';

const COLOURS = 256;

export async function small(context, png) {
    const page = await context.newPage();
    try {
        const { width, height, data } = await page.evaluate(async (base64) => {
            const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))]));
            const canvas = new OffscreenCanvas(image.width, image.height);
            const drawn = canvas.getContext('2d');
            drawn.drawImage(image, 0, 0);
            const { data: pixels } = drawn.getImageData(0, 0, image.width, image.height);
            let text = '';
            for (let at = 0; at < pixels.length; at += 32768) text += String.fromCharCode(...pixels.subarray(at, at + 32768));
            return { width: image.width, height: image.height, data: btoa(text) };
        }, png.toString('base64'));
        return encode(width, height, Buffer.from(data, 'base64'));
    } finally {
        await page.close();
    }
}

function encode(width, height, rgba) {
    const counts = new Map();
    for (let at = 0; at < rgba.length; at += 4) {
        const colour = rgba.readUIntBE(at, 3);
        counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, COLOURS).map(([colour]) => colour);
    const parts = palette.map((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]);
    const nearest = new Map(palette.map((colour, at) => [colour, at]));
    const indexOf = (colour) => {
        let best = nearest.get(colour);
        if (best !== undefined) return best;
        let least = Infinity;
        for (const [at, [red, green, blue]] of parts.entries()) {
            const far = (red - (colour >> 16)) ** 2 + (green - ((colour >> 8) & 255)) ** 2 + (blue - (colour & 255)) ** 2;
            if (far < least) [least, best] = [far, at];
        }
        nearest.set(colour, best);
        return best;
    };
    // No filter: rows of flat colours deflate best as they are.
    const rows = Buffer.alloc(height * (width + 1));
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = indexOf(rgba.readUIntBE((y * width + x) * 4, 3));
    const chunk = (type, data) => {
        const body = Buffer.concat([Buffer.from(type), data]);
        const frame = Buffer.alloc(8);
        frame.writeUInt32BE(data.length, 0);
        frame.writeUInt32BE(crc32(body), 4);
        return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 3, 0, 0, 0], 8);
    return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', header), chunk('PLTE', Buffer.from(parts.flat())), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
