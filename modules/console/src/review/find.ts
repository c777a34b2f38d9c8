// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A value of the output, looked for in the input: where it is, and how often, is said.

import { t } from '../i18n.ts';
import { findInInput } from '../inputs/index.tsx';

type Found = Awaited<ReturnType<typeof findInInput>>;

/** '3 places, this is the first, on page 2' */
export function findText({ count, at, page }: Found): string {
    if (count === 0) return t('review.foundNone');
    const where = page ? t('review.foundOnPage', { page }) : '';
    return t('review.found', { count, at: at + 1 }) + where;
}

/** Whoever shows what was found. */
type Watcher = (said: string) => void;
const watchers = new Set<Watcher>();
let round = 0;

export function watchFound(tell: Watcher): () => void {
    watchers.add(tell);
    return () => { watchers.delete(tell); };
}

export async function find(text: string): Promise<void> {
    if (text.trim() === '') return;
    const mine = ++round;
    const said = findText(await findInInput(text));
    if (mine !== round) return;
    watchers.forEach((tell) => tell(said));
}
