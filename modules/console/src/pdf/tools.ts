// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The bar above the pages, and the keys.

import type { Finder } from './find.ts';
import type { Paper } from './paper.ts';
import type { Labels } from './protocol.ts';

interface Acts { escape: () => void; download: () => void; scroller: HTMLElement }

export class Tools {
    readonly element = document.createElement('div');
    private paper: Paper | null = null;
    private page = document.createElement('input');
    private pages = document.createElement('span');
    private percent = document.createElement('output');
    private fit: HTMLButtonElement;
    private search = document.createElement('input');
    private found = document.createElement('output');
    private name = document.createElement('span');

    constructor(private labels: Labels, private finder: Finder, private acts: Acts) {
        const button = (text: string, label: string, run: () => void) => {
            const one = document.createElement('button');
            one.type = 'button';
            one.textContent = text;
            one.title = label;
            if (text !== label) one.setAttribute('aria-label', label);
            one.addEventListener('click', run);
            return one;
        };
        this.element.className = 'tools';
        this.element.setAttribute('role', 'toolbar');
        this.element.setAttribute('aria-label', labels.document);
        this.page.type = 'text';
        this.page.inputMode = 'numeric';
        this.page.className = 'page';
        this.page.setAttribute('aria-label', labels.page);
        this.page.addEventListener('change', () => this.go());
        this.search.type = 'search';
        this.search.setAttribute('aria-label', labels.search);
        this.search.placeholder = labels.search;
        let timer = 0;
        this.search.addEventListener('input', () => {
            clearTimeout(timer);
            timer = window.setTimeout(() => void finder.type(this.search.value), 150);
        });
        this.found.className = 'found';
        this.percent.className = 'percent';
        this.percent.setAttribute('aria-label', labels.zoom);
        this.name.className = 'name';
        this.fit = button(labels.fitWidth, labels.fitWidth, () => this.paper?.setZoom(null));
        const hint = document.createElement('span');
        hint.className = 'hint';
        hint.textContent = labels.escape;
        this.element.append(
            this.page, this.pages, space(),
            button('−', labels.zoomOut, () => this.paper?.zoomStep(false)), this.percent, button('+', labels.zoomIn, () => this.paper?.zoomStep(true)),
            this.fit, button(labels.rotate, labels.rotate, () => this.paper?.turn()), space(),
            this.search, this.found,
            button('↑', labels.searchBack, () => void finder.step(-1)), button('↓', labels.searchNext, () => void finder.step(1)),
            hint, this.name, button(labels.download, labels.download, acts.download));
        document.addEventListener('keydown', (event) => this.key(event));
        // The wheel with Ctrl, and two fingers on a touchpad, zoom to where the pointer is.
        acts.scroller.addEventListener('wheel', (event) => {
            if (!event.ctrlKey || !this.paper) return;
            event.preventDefault();
            const frame = acts.scroller.getBoundingClientRect();
            this.paper.setZoom(this.paper.percent * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.005)), event.clientX - frame.left, event.clientY - frame.top);
        }, { passive: false });
        // While somebody drags, what lies behind the text takes no part in the selection.
        acts.scroller.addEventListener('pointerdown', (event) => (event.target as Element).closest('.textLayer')?.classList.add('selecting'));
        addEventListener('pointerup', () => document.querySelectorAll('.selecting').forEach((one) => one.classList.remove('selecting')));
    }

    use(paper: Paper | null): void {
        this.paper = paper;
        this.search.value = '';
        this.update();
    }

    /** The console looked for this. */
    searched(text: string): void {
        this.search.value = text;
        this.update();
    }

    update(): void {
        const { paper, finder, labels } = this;
        for (const control of this.element.querySelectorAll<HTMLButtonElement | HTMLInputElement>('button, input')) control.disabled = !paper;
        this.name.textContent = this.name.title = paper?.name ?? '';
        this.pages.textContent = paper ? labels.pages.replace('{count}', String(paper.pages)) : '';
        if (document.activeElement !== this.page) this.page.value = paper ? String(paper.page) : '';
        this.percent.textContent = paper ? `${Math.round(paper.percent * 100)} %` : '';
        this.fit.setAttribute('aria-pressed', String(paper?.fitted ?? false));
        this.found.textContent = finder.count ? labels.matchOf.replace('{at}', String(finder.at + 1)).replace('{count}', String(finder.count))
            : finder.state === 'done' ? labels.noMatch : finder.state === 'looking' ? '…' : '';
    }

    private go(): void {
        const page = Number.parseInt(this.page.value, 10);
        if (this.paper && page) this.paper.goTo(page);
        this.page.value = String(this.paper?.page ?? '');
    }

    private key(event: KeyboardEvent): void {
        const { paper, acts } = this;
        const field = event.target === this.search || event.target === this.page;
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
            this.search.focus();
            this.search.select();
        } else if (event.ctrlKey || event.metaKey || event.altKey) return;
        else if (event.key === 'Escape') {
            if (!field) acts.escape();
            else {
                if (event.target === this.search) {
                    this.search.value = '';
                    this.finder.clear();
                }
                acts.scroller.focus();
            }
        } else if (event.key === 'Enter' && event.target === this.search) void this.finder.step(event.shiftKey ? -1 : 1);
        else if (event.key === 'Enter' && event.target === this.page) this.go();
        else if (field || !paper) return;
        else if (event.key === '/') this.search.focus();
        else if (event.key === '+' || event.key === '=') paper.zoomStep(true);
        else if (event.key === '-') paper.zoomStep(false);
        else if (event.key === '0') paper.setZoom(null);
        else if (event.key === 'r') paper.turn();
        else if (event.key === 'Home') acts.scroller.scrollTop = 0;
        else if (event.key === 'End') acts.scroller.scrollTop = acts.scroller.scrollHeight;
        else if (event.key === 'PageDown' || event.key === 'PageUp') acts.scroller.scrollTop += (event.key === 'PageDown' ? 0.9 : -0.9) * acts.scroller.clientHeight;
        else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && document.activeElement === document.body) acts.scroller.scrollTop += event.key === 'ArrowDown' ? 48 : -48;
        else return;
        event.preventDefault();
    }
}

function space(): HTMLElement {
    const one = document.createElement('span');
    one.className = 'space';
    return one;
}
