// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The console's side of the PDF frame: made once, fed with documents by messages.

import { language, t } from '../i18n.ts';
import { BASE } from '../router.ts';
import type { FromFrame, Labels, ToFrame } from '../pdf/protocol.ts';

const KEPT = 4;
const LABELS: (keyof Labels)[] = ['document', 'zoomIn', 'zoomOut', 'fitWidth', 'rotate', 'page', 'pages', 'search', 'searchNext', 'searchBack', 'noMatch', 'matchOf', 'escape', 'pageLabel', 'link', 'pageLink', 'download', 'zoom'];

/** Which of count places is shown, from 0, and on which page. */
export interface Found { count: number; at: number; page?: number }
export type PdfState = 'opening' | 'drawn' | 'password' | 'broken' | 'slow';

export class PdfFrame {
    readonly element: HTMLIFrameElement;
    onState: (key: string, state: PdfState) => void = () => {};
    onEscape: () => void = () => {};
    onLink: (url: string) => void = () => {};
    onDownload: () => void = () => {};
    private ready = false;
    private waiting: { message: ToFrame; transfer: Transferable[] }[] = [];
    /** Documents in the frame, the one used last at the end. */
    private held = new Map<string, PdfState>();
    private shown: string | null = null;
    private finds = new Map<number, (found: Found) => void>();
    private nextFind = 1;
    private timer = 0;

    constructor() {
        this.element = document.createElement('iframe');
        this.element.setAttribute('sandbox', 'allow-scripts');
        this.element.setAttribute('referrerpolicy', 'no-referrer');
        this.element.src = `${BASE}pdf.html`;
        addEventListener('message', this.listen);
        this.watch();
    }

    destroy(): void {
        removeEventListener('message', this.listen);
        clearTimeout(this.timer);
        this.element.remove();
        for (const answer of this.finds.values()) answer({ count: 0, at: -1 });
    }

    has(key: string): boolean { return this.held.has(key); }
    state(key: string): PdfState { return this.held.get(key) ?? 'opening'; }
    /** Too slow, or never there: a new frame has to take its place. */
    get stuck(): boolean { return this.shown !== null && this.held.get(this.shown) === 'slow'; }

    /** bytes: what the frame is to take over; not needed for what it has. */
    open(key: string, name: string, bytes: Uint8Array<ArrayBuffer> | null): void {
        if (this.held.has(key) || !bytes) return;
        for (const old of this.held.keys()) {
            if (this.held.size < KEPT) break;
            if (old === this.shown) continue;
            this.held.delete(old);
            this.post({ type: 'drop', key: old });
        }
        this.held.set(key, 'opening');
        // decodeBase64 made this buffer for itself alone: it goes as a whole.
        this.post({ type: 'open', key, name, bytes: bytes.buffer }, [bytes.buffer]);
    }

    show(key: string, name: string): void {
        this.element.title = t('input.pdfTitle', { name });
        if (this.shown === key) return;
        this.shown = key;
        const state = this.state(key);
        this.held.delete(key);
        this.held.set(key, state);
        this.post({ type: 'show', key });
        this.watch();
    }

    hide(): void {
        if (this.shown === null) return;
        this.shown = null;
        this.post({ type: 'hide' });
    }

    find(text: string, patterns: string[]): Promise<Found> {
        const id = this.nextFind++;
        this.post({ type: 'find', id, text, patterns });
        return new Promise((resolve) => this.finds.set(id, resolve));
    }

    // A PDF can keep its reader busy for ever: say so, and let go of it.
    private watch(): void {
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => {
            if (this.shown !== null && this.state(this.shown) === 'opening') this.tell(this.shown, 'slow');
        }, 15_000);
    }

    private tell(key: string, state: PdfState): void {
        if (!this.held.has(key)) return;
        this.held.set(key, state);
        this.onState(key, state);
    }

    private post(message: ToFrame, transfer: Transferable[] = []): void {
        if (!this.ready) this.waiting.push({ message, transfer });
        // The frame has no origin to name here. Our own policy lets it be no other site (frame-src).
        else this.element.contentWindow?.postMessage(message, '*', transfer);
    }

    private listen = (event: MessageEvent<FromFrame>): void => {
        if (event.source !== this.element.contentWindow || event.origin !== 'null') return;
        const message = event.data;
        switch (message?.type) {
        case 'ready': {
            this.ready = true;
            const labels = Object.fromEntries(LABELS.map((one) => [one, t(`input.${one}`)])) as unknown as Labels;
            this.post({ type: 'setup', labels, language, theme: document.documentElement.dataset.theme ?? null });
            this.waiting.splice(0).forEach((one) => this.post(one.message, one.transfer));
            break;
        }
        case 'drawn': this.tell(message.key, 'drawn'); break;
        case 'failed': this.tell(message.key, message.why === 'password' ? 'password' : 'broken'); break;
        case 'found':
            this.finds.get(message.id)?.({ count: Number(message.count), at: Number(message.at), page: Number(message.page) || undefined });
            this.finds.delete(message.id);
            break;
        case 'escape': this.onEscape(); break;
        case 'active': dispatchEvent(new Event('tuor-active')); break;
        case 'download': this.onDownload(); break;
        case 'link': if (typeof message.url === 'string') this.onLink(message.url); break;
        }
    };
}
