// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Word differences from a worker: it is ended when it thinks for more than half a
// second, and lines are compared instead.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Piece } from './words.ts';

const PATIENCE = 500;
/** Several changes at once, such as a paste and what it set going, are one. */
const PAUSE = 10;

// Trusted Types: one policy, good for one address.
let address: string | null = null;
function workerAddress(): string {
    if (address === null) {
        const url = new URL(`/console/${document.querySelector<HTMLMetaElement>('meta[name="tuor-words-worker"]')!.content}`, location.href).href;
        const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): unknown } } }).trustedTypes;
        address = types
            ? types.createPolicy('tuor-worker', { createScriptURL: (asked: string) => {
                if (asked !== url) throw new TypeError(`no worker: ${asked}`);
                return asked;
            } }).createScriptURL(url) as string
            : url;
    }
    return address;
}

class Differ {
    private worker: Worker | null = null;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private id = 0;

    ask(before: string, after: string, done: (pieces: Piece[] | null, by: 'words' | 'lines') => void, by: 'words' | 'lines' = 'words'): void {
        const id = ++this.id;
        clearTimeout(this.timer);
        this.worker ??= new Worker(workerAddress(), { type: 'module' });
        this.worker.onmessage = ({ data }: MessageEvent<{ id: number; pieces: Piece[] | null }>) => {
            if (data.id !== this.id) return;
            clearTimeout(this.timer);
            if (data.pieces === null && by === 'words') this.ask(before, after, done, 'lines');
            else done(data.pieces, by);
        };
        this.timer = setTimeout(() => {
            this.end();
            if (by === 'words') this.ask(before, after, done, 'lines');
            else done(null, by);
        }, PATIENCE);
        this.worker.postMessage({ id, before, after, by });
    }
    end(): void {
        clearTimeout(this.timer);
        this.worker?.terminate();
        this.worker = null;
        this.id++;
    }
}

export interface Differences { pieces: Piece[] | null; by: 'words' | 'lines'; of: string }

/** The differences of two texts, a moment after they changed; the last ones until then. */
export function useDifferences(before: string, after: string): Differences {
    const differ = useRef<Differ | null>(null);
    const [found, setFound] = useState<Differences>({ pieces: [], by: 'words', of: before });
    useEffect(() => () => differ.current?.end(), []);
    useEffect(() => {
        if (before === after) {
            setFound({ pieces: [[0, after]], by: 'words', of: after });
            return;
        }
        const timer = setTimeout(() => {
            differ.current ??= new Differ();
            differ.current.ask(before, after, (pieces, by) => setFound({ pieces, by, of: after }));
        }, PAUSE);
        return () => clearTimeout(timer);
    }, [before, after]);
    return found;
}
