// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A long text in pieces, so that a browser lays out only those in sight.

/** start: where the piece begins in the text; lines: a guess of its height, for the scroll bar. */
export interface Chunk { start: number; text: string; lines: number }

const SIZE = 16384;
const COLUMNS = 90;

/** Put together, the pieces are the text again. They end behind a newline, or within a long line behind a space. */
export function chunks(text: string, size = SIZE): Chunk[] {
    const all: Chunk[] = [];
    for (let start = 0; start < text.length;) {
        let end = Math.min(start + size, text.length);
        if (end < text.length) {
            // Within the piece alone: a text without newlines must not be searched from its start each time.
            const piece = text.slice(start, end);
            const newline = piece.lastIndexOf('\n'), space = piece.lastIndexOf(' ');
            if (newline >= 0) end = start + newline + 1;
            else if (space > size / 2) end = start + space + 1;
            else if (text.charCodeAt(end - 1) >= 0xd800 && text.charCodeAt(end - 1) <= 0xdbff) end++;
        }
        const piece = text.slice(start, end);
        all.push({ start, text: piece, lines: lines(piece) });
        start = end;
    }
    return all;
}

function lines(piece: string): number {
    let count = 0;
    for (let at = 0; at < piece.length;) {
        const newline = piece.indexOf('\n', at);
        const end = newline < 0 ? piece.length : newline;
        count += Math.max(1, Math.ceil((end - at) / COLUMNS));
        at = end + 1;
    }
    return count;
}

/** The piece that holds the character at this place. */
export function chunkAt(all: Chunk[], place: number): number {
    let low = 0, high = all.length - 1;
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (all[middle].start <= place) low = middle;
        else high = middle - 1;
    }
    return low;
}
