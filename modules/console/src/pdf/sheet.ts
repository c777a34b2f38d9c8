// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// One page: its picture, its text above it for selection and search, its links.

import { AnnotationMode, TextLayer, type PageViewport, type PDFDocumentProxy, type PDFPageProxy } from 'pdfjs-dist';
import type { Labels } from './protocol.ts';

/** More than this many pixels are drawn coarser: memory. */
const PIXELS = 16_000_000;

export interface PageText { text: string; starts: number[] }
type TextContent = Awaited<ReturnType<PDFPageProxy['getTextContent']>>;
interface LinkAnnotation { subtype: string; url?: string; unsafeUrl?: string; dest?: unknown; rect: number[] }
interface Acts { link: (url: string) => void; page: (dest: unknown) => void; sized: (sheet: Sheet) => void }

export class Sheet {
    readonly element = document.createElement('div');
    /** The text's elements, in the order of PageText.starts; empty until drawn. */
    spans: HTMLElement[] = [];
    private loaded: Promise<PDFPageProxy> | null = null;
    private content: Promise<TextContent> | null = null;
    private size: { width: number; height: number };
    /** What is drawn, or being drawn: scale and turns. */
    private state = '';
    private going: Promise<void> = Promise.resolve();
    private cancel: (() => void) | null = null;
    private canvas: HTMLCanvasElement | null = null;
    private round = 0;

    constructor(private pdf: PDFDocumentProxy, readonly number: number, size: { width: number; height: number }, private labels: Labels, private acts: Acts) {
        this.size = { width: size.width, height: size.height };
        this.element.className = 'sheet';
        this.element.dataset.page = String(number);
        this.element.setAttribute('role', 'region');
        this.element.setAttribute('aria-label', labels.pageLabel.replace('{number}', String(number)));
    }

    width(turns: number): number { return turns % 2 ? this.size.height : this.size.width; }

    resize(scale: number, turns: number): void {
        const { width, height } = this.size;
        this.element.style.width = `${Math.floor((turns % 2 ? height : width) * scale)}px`;
        this.element.style.height = `${Math.floor((turns % 2 ? width : height) * scale)}px`;
        this.element.style.setProperty('--total-scale-factor', String(scale));
    }

    private load(): Promise<PDFPageProxy> {
        return this.loaded ??= this.pdf.getPage(this.number).then((page) => {
            const { width, height } = page.getViewport({ scale: 1 });
            if (Math.abs(width - this.size.width) > 0.5 || Math.abs(height - this.size.height) > 0.5) {
                this.size = { width, height };
                this.acts.sized(this);
            }
            return page;
        });
    }

    /** Does nothing if it is drawn so already. */
    draw(scale: number, turns: number): Promise<void> {
        const state = `${scale} ${turns}`;
        if (state === this.state) return this.going;
        this.cancel?.();
        this.state = state;
        return this.going = this.render(scale, turns, ++this.round);
    }

    private async render(scale: number, turns: number, round: number): Promise<void> {
        const page = await this.load();
        if (round !== this.round) return;
        const viewport = page.getViewport({ scale, rotation: (page.rotate + turns * 90) % 360 });
        const ratio = Math.min(devicePixelRatio || 1, Math.sqrt(PIXELS / (viewport.width * viewport.height)));
        const canvas = document.createElement('canvas');
        canvas.width = Math.max(1, Math.floor(viewport.width * ratio));
        canvas.height = Math.max(1, Math.floor(viewport.height * ratio));
        canvas.setAttribute('aria-hidden', 'true');
        const task = page.render({ canvas, viewport, transform: ratio === 1 ? undefined : [ratio, 0, 0, ratio, 0, 0], annotationMode: AnnotationMode.ENABLE });
        this.cancel = () => task.cancel();
        try {
            await task.promise;
        } catch (error) {
            canvas.width = canvas.height = 0;
            if (round !== this.round) return;
            this.state = '';
            throw error;
        } finally {
            if (round === this.round) this.cancel = null;
        }
        if (round !== this.round) {
            canvas.width = canvas.height = 0;
            return;
        }
        const layer = document.createElement('div');
        layer.className = 'textLayer';
        const old = this.canvas;
        this.canvas = canvas;
        this.element.replaceChildren(canvas, layer);
        if (old) old.width = old.height = 0;
        const text = new TextLayer({ textContentSource: await this.textContent(), container: layer, viewport });
        await text.render();
        const end = document.createElement('div');
        end.className = 'end';
        layer.append(end);
        this.spans = text.textDivs;
        await this.addLinks(page, viewport, round);
    }

    private textContent(): Promise<TextContent> {
        return this.content ??= this.load().then((page) => page.getTextContent());
    }

    /** The page's text, drawn or not; starts: where each of its pieces begins. */
    async text(): Promise<PageText> {
        const starts: number[] = [];
        let text = '';
        for (const item of (await this.textContent()).items) {
            if (!('str' in item)) continue;
            starts.push(text.length);
            text += item.str;
            if (item.hasEOL) text += '\n';
        }
        if (!this.state) this.forget();
        return { text, starts };
    }

    // Nothing of what a PDF can do at a click is done here: links to its own pages move, and
    // an address is told to the console, which shows it. Scripts, launches and forms are no links.
    private async addLinks(page: PDFPageProxy, viewport: PageViewport, round: number): Promise<void> {
        const found = (await page.getAnnotations({ intent: 'display' })) as LinkAnnotation[];
        if (round !== this.round) return;
        for (const one of found) {
            const url = one.url;
            if (one.subtype !== 'Link' || (!url && !one.dest)) continue;
            const [x1, y1] = viewport.convertToViewportPoint(one.rect[0], one.rect[1]);
            const [x2, y2] = viewport.convertToViewportPoint(one.rect[2], one.rect[3]);
            const link = document.createElement('button');
            link.type = 'button';
            link.className = 'pdf-link';
            link.setAttribute('role', 'link');
            link.title = url ?? '';
            link.setAttribute('aria-label', url ? this.labels.link.replace('{url}', url.slice(0, 200)) : this.labels.pageLink);
            const percent = (value: number, whole: number) => `${(100 * value / whole).toFixed(3)}%`;
            link.style.left = percent(Math.min(x1, x2), viewport.width);
            link.style.top = percent(Math.min(y1, y2), viewport.height);
            link.style.width = percent(Math.abs(x2 - x1), viewport.width);
            link.style.height = percent(Math.abs(y2 - y1), viewport.height);
            link.addEventListener('click', () => url ? this.acts.link(url) : this.acts.page(one.dest));
            this.element.append(link);
        }
    }

    /** An empty sheet again. */
    clear(): void {
        this.cancel?.();
        this.cancel = null;
        this.round++;
        this.state = '';
        this.spans = [];
        if (this.canvas) this.canvas.width = this.canvas.height = 0;
        this.canvas = null;
        this.element.replaceChildren();
        this.forget();
    }
    private forget(): void {
        void this.loaded?.then((page) => page.cleanup()).catch(() => {});
        this.loaded = null;
        this.content = null;
    }

    fail(): void { this.element.classList.add('failed'); }
}
