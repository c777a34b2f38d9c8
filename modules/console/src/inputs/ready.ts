// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What has to be decoded before it can be shown, done once for a trace: for the
// one on the screen, the next two and the one before.

import type { Project } from '../api.ts';
import type { Json } from '../json.ts';
import { decodeBase64, fileName, imageKind, isPdf, textBytes, type ImageKind } from './bytes.ts';
import { shapeOf, type Shape } from './shape.ts';

const KEPT = 4;

export interface ReadyImage { url: string; kind: ImageKind }
export interface Ready {
    shape: Shape;
    name: string;
    /** What is wrong with the main part, as a key of the texts. */
    problem?: 'notBase64' | 'notPdf' | 'notImage';
    image?: ReadyImage;
    /** The main part as text, where it is no image but can be read. */
    text?: string;
    /** A PDF's bytes, until they are handed to its frame; decoded anew afterwards. */
    bytes?: Uint8Array<ArrayBuffer>;
}

const cache = new Map<string, { input: Json; ready: Ready }>();
/** In use on the screen: not thrown out. */
const pinned = new Map<string, number>();

export function readyInput(project: Project, input: Json, traceId: string): Ready {
    const name = `${project.input_type} ${traceId}`;
    const old = cache.get(name);
    // A trace's input never changes, but it may have been loaded without its large members before.
    const ready = old && (old.input === input || shapeOf(project.input_type, input).main === old.ready.shape.main) ? old.ready : prepare(project, input);
    if (old && old.ready !== ready) forget(old.ready);
    cache.delete(name);
    cache.set(name, { input, ready });
    for (const [other, { ready: gone }] of cache) {
        if (cache.size <= KEPT) break;
        if (pinned.has(other)) continue;
        cache.delete(other);
        forget(gone);
    }
    return ready;
}

/** Keeps a trace's image while it is shown; answers with the end of that. */
export function pinInput(project: Project, traceId: string): () => void {
    const name = `${project.input_type} ${traceId}`;
    pinned.set(name, (pinned.get(name) ?? 0) + 1);
    return () => {
        const left = pinned.get(name)! - 1;
        if (left) pinned.set(name, left);
        else pinned.delete(name);
    };
}

function forget(ready: Ready): void {
    if (ready.image) URL.revokeObjectURL(ready.image.url);
}

function prepare(project: Project, input: Json): Ready {
    const shape = shapeOf(project.input_type, input);
    const ready: Ready = { shape, name: fileName(shape.filename, project.input_type === 'pdf' ? 'document.pdf' : 'image') };
    if (shape.misfit || shape.main === undefined || project.input_type === 'text') return ready;
    const bytes = decodeBase64(shape.main);
    if (!bytes) {
        // <svg …> as it stands, in place of base64
        return { ...ready, problem: 'notBase64', text: /^\s*</.test(shape.main) ? shape.main : undefined };
    }
    if (project.input_type === 'pdf') {
        return isPdf(bytes) ? { ...ready, bytes } : { ...ready, problem: 'notPdf', text: textBytes(bytes) ?? undefined };
    }
    const kind = imageKind(bytes);
    if (!kind) return { ...ready, problem: 'notImage', text: textBytes(bytes) ?? undefined };
    return { ...ready, image: { kind, url: URL.createObjectURL(new Blob([bytes], { type: kind.type })) } };
}

/** Saves the main part as a file. Its type says nothing, so that no browser opens what is in it. */
export function downloadMain(ready: Ready): void {
    const bytes = ready.shape.main === undefined ? null : decodeBase64(ready.shape.main);
    if (!bytes) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    link.download = ready.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
