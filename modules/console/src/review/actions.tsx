// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The bar under the panes: where to go, what to decide, what was just decided.

import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { memo } from '../memo.ts';
import { Glyph, Key, Menu } from '../ui/index.tsx';
import { watchFound } from './find.ts';
import type { Decision } from './order.ts';
import { UNDO_MS, type Entry, type Outbox } from './verdicts.ts';

export interface Acts {
    /** The trace. */
    of: string;
    canDecide: boolean;
    /** Why not. */
    why: string | null;
    changed: boolean;
    problem: string | null;
    approve: () => void;
    reject: () => void;
    submit: () => void;
}

/** What can be decided comes from the case through sink, so that only the bar is rendered anew for it. of: the trace that is shown, if it is there. */
export type Sink = { tell: (acts: Acts | null) => void };

export const Actions = memo(({ of, sink, onPrev, onNext, hasPrev, hasNext, outbox, undo, recent, reopen, onTrouble }: {
    of: string | null; sink: Sink; onPrev: () => void; onNext: () => void; hasPrev: boolean; hasNext: boolean; outbox: Outbox; entries: Entry[];
    undo: () => void; recent: Decision[]; reopen: (id: string) => void; onTrouble: (entry: Entry) => void;
}) => {
    const [told, setTold] = useState<Acts | null>(null);
    sink.tell = setTold;
    const acts = told?.of === of ? told : null;
    return (
        <footer class="actions">
            <div class="row">
                <button type="button" class="plain" disabled={!hasPrev} onClick={onPrev} aria-label={t('review.previous')}><Glyph name="left" /><Key keys="k" /></button>
                <button type="button" class="plain" disabled={!hasNext} onClick={onNext} aria-label={t('review.next')}><Key keys="j" /><Glyph name="right" /></button>
                {recent.length > 0 && <Menu start name={t('review.recent')} label={<span class="recent-label">{t('review.recentShort')}</span>} items={recent.map((one) => ({ label: `${t(`review.done.${one.action}`)} · ${one.trace.slice(0, 10)}…${one.trace.slice(-4)}`, run: () => reopen(one.trace) }))} />}
            </div>
            <Sending outbox={outbox} undo={undo} onTrouble={onTrouble} of={acts?.of ?? null} />
            <div class="row decide">
                {acts?.canDecide && (
                    <>
                        {acts.problem && acts.changed && <span class="wrong problem" role="alert">{acts.problem}</span>}
                        <button type="button" class="reject" onClick={acts.reject}><Glyph name="rejected" />{t('review.reject')}<Key keys="x" /></button>
                        {acts.changed
                            ? <button type="button" class="primary" disabled={acts.problem !== null} onClick={acts.submit}><Glyph name="corrected" />{t('review.submit')}<Key keys="mod+Enter" /></button>
                            : <button type="button" class="primary" onClick={acts.approve}><Glyph name="approved" />{t('review.approve')}<Key keys="a" /></button>}
                    </>
                )}
                {acts && !acts.canDecide && acts.why && <span class="quiet row why"><Glyph name="lock" />{acts.why}</span>}
            </div>
        </footer>
    );
});

/** 'Approved · Undo z', what waits for the server, what needs a person. */
function Sending({ outbox, undo, onTrouble, of }: { outbox: Outbox; undo: () => void; onTrouble: (entry: Entry) => void; of: string | null }) {
    const [found, setFound] = useState('');
    useEffect(() => {
        setFound('');
        return watchFound(setFound);
    }, [of]);
    const [, turn] = useState(0);
    const now = Date.now();
    const last = outbox.entries.findLast((one) => one.state === 'waiting' && one.tries === 0 && one.due > now);
    useEffect(() => {
        if (!last) return;
        const timer = setTimeout(() => turn((old) => old + 1), Math.min(UNDO_MS, last.due - Date.now()) + 20);
        return () => clearTimeout(timer);
    }, [last?.key]);
    const stuck = outbox.hold > now ? outbox.unsent : outbox.entries.filter((one) => one.tries > 0 && (one.state === 'waiting' || one.state === 'sending')).length;
    const trouble = outbox.troubled;
    return (
        <div class="sending row wrap" role="status">
            {found && <span class="row just"><Glyph name="search" />{found}</span>}
            {last && <span class="row just">{t(`review.done.${last.action}`)} · <button type="button" class="link" onClick={undo}>{t('review.undo')}</button><Key keys="z" /></span>}
            {stuck > 0 && <span class="row stuck"><Glyph name="warn" />{t('review.unsent', { count: stuck })}<button type="button" class="link" onClick={() => outbox.retry()}>{t('review.sendNow')}</button></span>}
            {trouble.length > 0 && <button type="button" class="trouble" onClick={() => onTrouble(trouble[0])}><Glyph name="warn" />{t('review.trouble', { count: trouble.length })}</button>}
            {!outbox.kept && <span class="row stuck"><Glyph name="warn" />{t('review.notKept')}</span>}
        </div>
    );
}
