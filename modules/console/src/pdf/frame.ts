// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The page that shows PDFs, in a frame without an origin: whatever a PDF does to
// pdf.js finds no session, no API and no other page here. Bytes come by message.

import '../tokens.css';
import './pdf.css';
import { getDocument, PasswordException, PDFWorker, VerbosityLevel, type PDFDocumentProxy } from 'pdfjs-dist';
import type { FromFrame, Labels, ToFrame } from './protocol.ts';
import { Paper } from './paper.ts';
import { Finder } from './find.ts';
import { Tools } from './tools.ts';

const base = new URL('/console/', location.href).href;
const data = `${base}${PDF_DATA}/`;
const say = (message: FromFrame) => parent.postMessage(message, location.origin);

// A page without an origin may not start a worker by its address, but it may from a
// blob; not as a module, though (see build.mjs). The one policy that Trusted Types allow here lets one address through, once.
async function startWorker(): Promise<PDFWorker> {
    const script = await (await fetch(`${base}${PDF_WORKER}`)).blob();
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    type Policies = { createPolicy(name: string, rules: { createScriptURL(text: string): string }): { createScriptURL(text: string): string } };
    const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
    const policy = policies?.createPolicy('tuor-worker', {
        createScriptURL: (text) => {
            if (text !== url) throw new TypeError('not the worker');
            return text;
        },
    });
    const port = new Worker(policy ? policy.createScriptURL(url) : url);
    return PDFWorker.create({ port, verbosity: VerbosityLevel.ERRORS });
}
const worker = startWorker();

// ----------------------------------------------------------------- documents

const papers = new Map<string, Paper>();
/** Until a document can be shown, or never can. */
const openings = new Map<string, Promise<void>>();
const dropped = new Set<string>();
let shown: string | null = null;
let labels: Labels;
let tools: Tools;
let finder: Finder;
const place = document.createElement('main');

async function open(key: string, name: string, bytes: ArrayBuffer): Promise<void> {
    dropped.delete(key);
    let pdf: PDFDocumentProxy;
    try {
        pdf = await getDocument({
            data: new Uint8Array(bytes), worker: await worker, verbosity: VerbosityLevel.ERRORS,
            cMapUrl: `${data}cmaps/`, standardFontDataUrl: `${data}standard_fonts/`, wasmUrl: `${data}wasm/`, iccUrl: `${data}iccs/`,
            // The same letters on every machine: our own in place of those that a PDF leaves out.
            useSystemFonts: false,
            // Forms of the old kind (XFA) bring markup and scripts along.
            enableXfa: false, stopAtErrors: false,
            canvasMaxAreaInBytes: 256 * 1024 * 1024,
        }).promise;
    } catch (error) {
        say({ type: 'failed', key, why: error instanceof PasswordException ? 'password' : 'broken' });
        return;
    }
    if (dropped.has(key)) {
        void pdf.loadingTask.destroy();
        return;
    }
    const paper = new Paper(pdf, name, place, labels, (url) => say({ type: 'link', url }), () => tools.update());
    papers.set(key, paper);
    try {
        await paper.prepare();
    } catch {
        papers.delete(key);
        paper.destroy();
        say({ type: 'failed', key, why: 'broken' });
        return;
    }
    if (shown === key) present(key);
    else say({ type: 'drawn', key, pages: paper.pages });
}

function present(key: string): void {
    const paper = papers.get(key);
    for (const [other, one] of papers) if (other !== key) one.hide();
    finder.use(paper ?? null);
    tools.use(paper ?? null);
    if (!paper) return;
    paper.show();
    // Behind two frames: drawn, and seen.
    requestAnimationFrame(() => requestAnimationFrame(() => say({ type: 'drawn', key, pages: paper.pages })));
}

// Answers in any case: somebody waits for it.
async function find(id: number, patterns: string[], text: string): Promise<void> {
    let found: { count: number; at: number; page?: number } = { count: 0, at: -1 };
    try {
        await openings.get(shown ?? '');
        found = await finder.find(patterns);
        tools.searched(text);
    } finally {
        say({ type: 'found', id, ...found });
    }
}

addEventListener('message', (event: MessageEvent<ToFrame>) => {
    if (event.source !== parent || event.origin !== location.origin) return;
    const message = event.data;
    switch (message.type) {
    case 'setup': {
        labels = message.labels;
        document.documentElement.lang = message.language;
        if (message.theme) document.documentElement.dataset.theme = message.theme;
        finder = new Finder(() => tools.update());
        tools = new Tools(labels, finder, { escape: () => say({ type: 'escape' }), download: () => say({ type: 'download' }), scroller: place });
        place.tabIndex = 0;
        place.setAttribute('aria-label', labels.document);
        const head = document.createElement('header');
        head.append(tools.element);
        document.body.append(head, place);
        break;
    }
    case 'open': openings.set(message.key, open(message.key, message.name, message.bytes)); break;
    case 'show':
        shown = message.key;
        present(message.key);
        break;
    case 'hide':
        shown = null;
        present('');
        break;
    case 'drop':
        dropped.add(message.key);
        openings.delete(message.key);
        papers.get(message.key)?.destroy();
        papers.delete(message.key);
        break;
    case 'find':
        void find(message.id, message.patterns, message.text);
        break;
    }
});
// Somebody reads here, which the console cannot see. Every few seconds are enough.
let told = 0;
for (const name of ['keydown', 'pointermove', 'wheel', 'scroll']) {
    addEventListener(name, () => {
        if (performance.now() - told < 5000) return;
        told = performance.now();
        say({ type: 'active' });
    }, { capture: true, passive: true });
}
say({ type: 'ready' });
