// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Search in a document. Pages are read one after the other, from the one in sight,
// so that the first place shows at once and the number of places follows.

import { matches, typed, type Match } from '../inputs/search.ts';
import type { Paper } from './paper.ts';
import type { PageText } from './sheet.ts';

interface Place extends Match { page: number }
const MOST = 2000;
const AHEAD = 8;

export class Finder {
    count = 0;
    at = -1;
    /** Looking still; or nothing was looked for. */
    state: 'idle' | 'looking' | 'done' = 'idle';
    private paper: Paper | null = null;
    /** Read, and being read ahead. */
    private texts = new Map<number, PageText>();
    private reading = new Map<number, Promise<PageText>>();
    private places: Place[] = [];
    private pattern = '';
    private round = 0;

    constructor(private changed: () => void) {}

    use(paper: Paper | null): void {
        if (paper === this.paper) return;
        if (this.paper) this.paper.onDrawn = () => {};
        this.paper = paper;
        if (paper) paper.onDrawn = () => { if (this.count) this.mark(); };
        this.texts.clear();
        this.reading.clear();
        this.clear();
    }

    clear(): void {
        this.round++;
        this.places = [];
        this.pattern = '';
        this.count = 0;
        this.at = -1;
        this.state = 'idle';
        CSS.highlights?.clear();
        this.changed();
    }

    /** What is typed into the box. */
    async type(text: string): Promise<void> {
        if (!text.trim()) {
            this.clear();
            return;
        }
        await this.run([typed(text)]);
    }

    /** The first of the patterns that is found; the same again: its next place. */
    async find(patterns: string[]): Promise<{ count: number; at: number; page?: number }> {
        if (this.pattern && patterns.includes(this.pattern) && this.count) await this.step(1);
        else await this.run(patterns);
        return { count: this.count, at: this.at, page: this.places[this.at]?.page };
    }

    async step(by: 1 | -1): Promise<void> {
        if (!this.places.length) return;
        this.at = (this.at + by + this.places.length) % this.places.length;
        this.changed();
        await this.show(this.round);
    }

    private read(page: number): Promise<PageText> {
        const known = this.reading.get(page);
        if (known) return known;
        const { paper, texts } = this;
        const reading = paper!.sheets[page - 1].text().catch(() => ({ text: '', starts: [] })).then((text) => {
            if (paper === this.paper) texts.set(page, text);
            return text;
        });
        this.reading.set(page, reading);
        return reading;
    }

    private async run(patterns: string[]): Promise<void> {
        const paper = this.paper;
        if (!paper) return;
        this.clear();
        const round = this.round;
        this.state = 'looking';
        const from = paper.page;
        for (const pattern of patterns) {
            for (let offset = 0; offset < paper.pages; offset++) {
                const page = (from - 1 + offset) % paper.pages + 1;
                for (let next = 1; next <= AHEAD && offset + next < paper.pages; next++) void this.read((page - 1 + next) % paper.pages + 1);
                const { text } = await this.read(page);
                if (round !== this.round) return;
                const first = this.places.length === 0;
                const found = matches(text, pattern, MOST).map((match) => ({ ...match, page }));
                if (!found.length) continue;
                this.pattern = pattern;
                const current = first ? found[0] : this.places[this.at];
                // In the order of the pages, though the search began amid them.
                this.places = [...this.places, ...found].sort((a, b) => a.page - b.page || a.start - b.start);
                this.at = this.places.indexOf(current);
                this.count = this.places.length;
                this.changed();
                if (first) await this.show(round);
                if (round !== this.round) return;
                if (this.count >= MOST) break;
            }
            if (this.count) break;
        }
        this.state = 'done';
        this.changed();
        if (this.count) this.mark();
    }

    private async show(round: number): Promise<void> {
        const place = this.places[this.at];
        await this.paper!.reveal(place.page).catch(() => {});
        if (round !== this.round) return;
        const range = this.mark();
        if (!range) return;
        this.paper!.bring(range.getBoundingClientRect());
    }

    /** Marks what is drawn, and answers with the present place. Called again as pages are drawn. */
    mark(): Range | null {
        if (!this.paper || !this.places.length) return null;
        const ranges: Range[] = [];
        let current: Range | null = null;
        for (const [at, place] of this.places.entries()) {
            const spans = this.paper.sheets[place.page - 1].spans;
            const text = this.texts.get(place.page);
            if (!spans.length || !text) continue;
            const range = rangeOf(place, text, spans);
            if (!range) continue;
            if (at === this.at) current = range;
            else ranges.push(range);
        }
        if (CSS.highlights) {
            CSS.highlights.set('found', new Highlight(...ranges));
            if (current) CSS.highlights.set('found-current', new Highlight(current));
            else CSS.highlights.delete('found-current');
        } else if (current) getSelection()?.setBaseAndExtent(current.startContainer, current.startOffset, current.endContainer, current.endOffset);
        return current;
    }
}

function rangeOf({ start, end }: Match, { starts }: PageText, spans: HTMLElement[]): Range | null {
    const piece = (place: number) => {
        let low = 0, high = starts.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (starts[middle] <= place) low = middle;
            else high = middle - 1;
        }
        return low;
    };
    const range = new Range();
    const set = (which: 'setStart' | 'setEnd', at: number, offset: number) => {
        const node = spans[at]?.firstChild;
        if (!node) return false;
        range[which](node, Math.min(offset, node.textContent!.length));
        return true;
    };
    const first = piece(start), last = piece(end - 1);
    return set('setStart', first, start - starts[first]) && set('setEnd', last, end - starts[last]) ? range : null;
}
