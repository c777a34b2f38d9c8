// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// One document: its pages below each other. Those near the eye are drawn, the
// others are empty sheets, so that three hundred pages cost no more than three.

import type { PDFDocumentProxy } from 'pdfjs-dist';
import type { Labels } from './protocol.ts';
import { Sheet } from './sheet.ts';

const GAP = 12;
const STEPS = [0.25, 0.33, 0.5, 0.67, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 8];
/** CSS pixels for a point of the paper. */
const UNIT = 96 / 72;

/** null: as wide as the pane. Kept from one document to the next. */
let zoom: number | null = null;

export class Paper {
    readonly element = document.createElement('div');
    readonly sheets: Sheet[] = [];
    turns = 0;
    /** A page was drawn: what is marked on it has to be marked anew. */
    onDrawn: () => void = () => {};
    private top = 0;
    private timer = 0;
    private visible = false;
    private scale = 1;
    private observer: IntersectionObserver | null = null;
    private near = new Set<Sheet>();
    private resized: ResizeObserver | null = null;

    constructor(readonly pdf: PDFDocumentProxy, readonly name: string, private scroller: HTMLElement, private labels: Labels,
                private follow: (url: string) => void, private changed: () => void) {
        this.element.className = 'paper';
        this.element.hidden = true;
        scroller.append(this.element);
    }

    get pages(): number { return this.pdf.numPages; }
    get percent(): number { return this.scale / UNIT; }
    get fitted(): boolean { return zoom === null; }

    /** Draws the first page, shown or not. */
    async prepare(): Promise<void> {
        const first = await this.pdf.getPage(1);
        const size = first.getViewport({ scale: 1 });
        for (let number = 1; number <= this.pages; number++) {
            // A guess for the others, until each is loaded: most documents have one size.
            const sheet = new Sheet(this.pdf, number, size, this.labels, {
                link: this.follow, page: (dest) => void this.goToDestination(dest), sized: (sheet) => this.size(sheet),
            });
            this.sheets.push(sheet);
            this.element.append(sheet.element);
        }
        this.layout();
        await this.sheets[0].draw(this.scale, this.turns);
    }

    show(): void {
        if (this.visible) return;
        this.visible = true;
        this.element.hidden = false;
        this.layout();
        this.scroller.scrollTop = this.top;
        this.scroller.scrollLeft = 0;
        this.scroller.addEventListener('scroll', this.scrolled, { passive: true });
        this.observer = new IntersectionObserver((entries) => {
            for (const entry of entries) {
                const sheet = this.sheets[Number((entry.target as HTMLElement).dataset.page) - 1];
                if (entry.isIntersecting) this.near.add(sheet);
                else {
                    this.near.delete(sheet);
                    sheet.clear();
                }
            }
            this.draw();
        }, { root: this.scroller, rootMargin: '120% 0px' });
        for (const sheet of this.sheets) this.observer.observe(sheet.element);
        this.resized = new ResizeObserver(() => { if (zoom === null) this.rescale(); });
        this.resized.observe(this.scroller);
        this.changed();
    }

    hide(): void {
        if (!this.visible) return;
        this.visible = false;
        this.top = this.scroller.scrollTop;
        this.scroller.removeEventListener('scroll', this.scrolled);
        this.observer?.disconnect();
        this.resized?.disconnect();
        this.element.hidden = true;
        // What was being read stays drawn, for the way back; the rest goes.
        const page = this.page;
        for (const sheet of this.near) if (sheet.number !== page) sheet.clear();
        this.near.clear();
    }

    destroy(): void {
        this.hide();
        clearTimeout(this.timer);
        for (const sheet of this.sheets) sheet.clear();
        this.element.remove();
        void this.pdf.loadingTask.destroy();
    }

    // ------------------------------------------------------------- the scale

    private wanted(): number {
        if (zoom !== null) return zoom * UNIT;
        const widest = Math.max(...this.sheets.slice(0, 50).map((sheet) => sheet.width(this.turns)));
        const room = this.scroller.clientWidth - 2 * GAP;
        return room > 50 ? room / widest : UNIT;
    }
    private layout(): void {
        this.scale = this.wanted();
        for (const sheet of this.sheets) sheet.resize(this.scale, this.turns);
    }
    private size(sheet: Sheet): void {
        // Above what is being read: the reader must not notice.
        const before = sheet.element.offsetHeight, above = sheet.element.offsetTop + before < this.scroller.scrollTop;
        sheet.resize(this.scale, this.turns);
        if (above) this.scroller.scrollTop += sheet.element.offsetHeight - before;
    }

    /** Keeps the point at (x, y) of the pane where it is. */
    private rescale(x = this.scroller.clientWidth / 2, y = 0): void {
        const old = this.scale;
        const anchor = this.sheets[this.page - 1];
        if (!anchor) return;
        const box = anchor.element.getBoundingClientRect(), frame = this.scroller.getBoundingClientRect();
        const inX = x - (box.left - frame.left), inY = y - (box.top - frame.top);
        this.layout();
        const grown = this.scale / old;
        const now = anchor.element.getBoundingClientRect();
        this.scroller.scrollLeft += now.left - frame.left + inX * grown - x;
        this.scroller.scrollTop += now.top - frame.top + inY * grown - y;
        this.changed();
        // Drawn pages are stretched until the hand rests.
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.draw(), 120) as unknown as number;
    }

    setZoom(to: number | null, x?: number, y?: number): void {
        zoom = to === null ? null : Math.min(8, Math.max(0.1, to));
        this.rescale(x, y);
    }
    zoomStep(up: boolean): void {
        const now = this.percent;
        this.setZoom(up ? STEPS.find((one) => one > now * 1.01) ?? 8 : STEPS.findLast((one) => one < now * 0.99) ?? 0.25);
    }
    turn(): void {
        const page = this.page;
        this.turns = (this.turns + 1) % 4;
        this.layout();
        this.goTo(page);
        this.draw();
        this.changed();
    }

    // ------------------------------------------------------------ the place

    /** The page at the upper third of the pane, from 1. */
    get page(): number {
        if (!this.visible) return 1;
        const line = this.scroller.scrollTop + this.scroller.clientHeight / 3;
        let low = 0, high = this.sheets.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.sheets[middle].element.offsetTop <= line) low = middle;
            else high = middle - 1;
        }
        return low + 1;
    }
    goTo(page: number): void {
        const sheet = this.sheets[Math.min(this.pages, Math.max(1, page)) - 1];
        this.scroller.scrollTop = sheet.element.offsetTop - GAP;
    }
    private async goToDestination(dest: unknown): Promise<void> {
        const list = typeof dest === 'string' ? await this.pdf.getDestination(dest) : dest;
        if (!Array.isArray(list)) return;
        const at: unknown = list[0];
        const index = typeof at === 'number' ? at : at && typeof at === 'object' ? await this.pdf.getPageIndex(at as Parameters<PDFDocumentProxy['getPageIndex']>[0]).catch(() => -1) : -1;
        if (index >= 0) this.goTo(index + 1);
    }

    private told = 0;
    private scrolled = (): void => {
        if (this.page !== this.told) {
            this.told = this.page;
            this.changed();
        }
    };

    // What is nearest to the eye first.
    private draw(): void {
        if (!this.visible) return;
        const page = this.page;
        const order = [...this.near].sort((a, b) => Math.abs(a.number - page) - Math.abs(b.number - page));
        for (const sheet of order) void sheet.draw(this.scale, this.turns).then(() => this.onDrawn(), () => sheet.fail());
    }

    /** Draws a page, wherever it is, and answers when its text is there. */
    async reveal(page: number): Promise<Sheet> {
        const sheet = this.sheets[page - 1];
        if (!this.near.has(sheet)) this.goTo(page);
        await sheet.draw(this.scale, this.turns);
        return sheet;
    }
    /** Moves so that this part of a page is seen. */
    bring(box: DOMRect): void {
        const frame = this.scroller.getBoundingClientRect();
        if (box.top < frame.top + 20 || box.bottom > frame.bottom - 20) this.scroller.scrollTop += box.top - frame.top - frame.height / 3;
        if (box.left < frame.left + 10 || box.right > frame.right - 10) this.scroller.scrollLeft += box.left - frame.left - frame.width / 3;
    }
}
