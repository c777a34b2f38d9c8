// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The desk: one trace after the other, what was decided, and what is on its way.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ApiError, Trace } from '../api.ts';
import { InputPane, warmInput } from '../inputs/index.tsx';
import { t } from '../i18n.ts';
import { useShortcuts, typing } from '../keys.ts';
import { useSteady } from '../memo.ts';
import { can, useSession } from '../session.ts';
import { store, stored } from '../settings.ts';
import { announce, Empty, ErrorNote, Skeleton } from '../ui/index.tsx';
import { Actions, type Acts, type Sink } from './actions.tsx';
import { Case } from './case.tsx';
import { Autosave } from './drafts.ts';
import { advance, current, near, open, remember, skipped, step, type Decision } from './order.ts';
import { dayOf, Pace, withTrace } from './pace.ts';
import type { Post } from './post.ts';
import { Panes } from './panes.tsx';
import { Strip } from './strip.tsx';
import { traces, useTrace } from './traces.ts';
import type { Entry } from './verdicts.ts';
import type { Walk } from './walk.ts';

export interface Judgement { action: Entry['action']; corrected?: string; comment?: string; version: number }

export function Desk({ walk, post, decided, setDecided }: { walk: Walk; post: Post; decided: ReadonlySet<string>; setDecided: (change: (old: ReadonlySet<string>) => ReadonlySet<string>) => void }) {
    const { me, everyProject } = useSession();
    const { outbox } = post;
    const { order } = walk;
    const id = current(order);
    const loaded = useTrace(id);
    const [, turn] = useState(0);
    const [epoch, setEpoch] = useState(0);
    const [deleted, setDeleted] = useState<Trace | null>(null);
    const [recent, setRecent] = useRecent(post.who);
    const [side, setSide] = useState<'input' | 'output'>('output');
    const sink = useRef<Sink>({ tell: () => {} });
    const root = useRef<HTMLDivElement>(null);
    const listeners = useRef(new Set<(kept: boolean, error: unknown) => void>());
    const pace = usePace(id);
    const laps = useRef(new Map<string, number>());
    const autosave = useMemo(() => new Autosave(post.drafts, (kept, error) => listeners.current.forEach((tell) => tell(kept, error))), [post]);

    useEffect(() => outbox.watch(() => turn((old) => old + 1)), [outbox]);
    useEffect(() => {
        const save = () => void autosave.now();
        document.addEventListener('visibilitychange', save);
        addEventListener('pagehide', save);
        return () => {
            document.removeEventListener('visibilitychange', save);
            removeEventListener('pagehide', save);
            save();
            // Whoever leaves has decided.
            outbox.flush(false);
        };
    }, [autosave, outbox]);

    // The next two and the one before, payload and first page.
    const wanted = near(order, decided).join(' ');
    useEffect(() => {
        for (const one of wanted.split(' ').filter(Boolean)) {
            (traces.peek(one) ? Promise.resolve(traces.peek(one)!) : traces.load(one)).then((trace) => {
                const project = everyProject.find((candidate) => candidate.id === trace.project_id);
                if (project && trace.model_input) warmInput(project, trace.model_input, trace.id);
            }).catch(() => { /* it is asked for again when it is shown */ });
        }
    }, [wanted]);

    // The old content stays until the new one is there; nothing can be decided meanwhile.
    const last = useRef<Trace | undefined>(undefined);
    const fresh = loaded.trace;
    if (fresh) last.current = fresh;
    const trace = fresh ?? (id !== null && !loaded.slow && !loaded.error ? last.current : undefined);
    const project = trace && everyProject.find((one) => one.id === trace.project_id);
    const waiting = fresh && outbox.entries.findLast((one) => one.trace === fresh.id && (one.state === 'waiting' || one.state === 'sending'));
    const trouble = trace && outbox.entries.find((one) => one.trace === trace.id && (one.state === 'conflict' || one.state === 'refused'));

    // Taken back, a trace goes on where it was.
    const clock = (one: string, yes: boolean) => {
        const spent = yes ? pace.of(one) : laps.current.get(one);
        if (spent === undefined || yes === laps.current.has(one)) return;
        if (yes) laps.current.set(one, spent);
        else laps.current.delete(one);
        const name = `pace.${post.who}`;
        store(name, JSON.stringify(withTrace(dayOf(stored(name)), spent, yes ? 1 : -1)));
    };
    const mark = (one: string, yes: boolean) => {
        clock(one, yes);
        setDecided((old) => {
            const next = new Set(old);
            if (yes) next.add(one);
            else next.delete(one);
            return next;
        });
        walk.judged(one, yes);
    };
    const forward = (done: ReadonlySet<string>) => walk.move((old) => advance(old, done));

    /** The screen moves on while it is stored; sent later. */
    const decide = async (of: Trace, judgement: Judgement) => {
        void autosave.now();
        const stored = outbox.add({ trace: of.id, project: of.project_id, ...judgement });
        setRecent((old) => remember(old, { trace: of.id, action: judgement.action, at: Date.now() }));
        mark(of.id, true);
        forward(new Set([...decided, of.id]));
        announce(t(`review.done.${judgement.action}`));
        try {
            await stored;
        } catch {
            mark(of.id, false);
            setRecent((old) => old.filter((one) => one.trace !== of.id));
            setEpoch((old) => old + 1);
            walk.move((old) => open(old, of.id));
            announce(t('review.notStored'));
        }
    };
    const undo = async () => {
        const entry = outbox.entries.findLast((one) => one.state === 'waiting');
        const back = entry ?? (recent[0] && { trace: recent[0].trace, key: '' });
        if (!back) return;
        const taken = entry ? await outbox.undo(entry.key) : false;
        if (taken) {
            mark(back.trace, false);
            setRecent((old) => old.filter((one) => one.trace !== back.trace));
            setEpoch((old) => old + 1);
        }
        announce(t(taken ? 'review.undone' : 'review.alreadySent'));
        walk.move((old) => open(old, back.trace));
    };
    const reopen = (one: string) => walk.move((old) => open(old, one));

    const hasPrev = order.at > 0;
    const hasNext = order.at < order.ids.length && (order.at < order.ids.length - 1 || !walk.more);
    const group = t('review.groupMove');
    const previous = () => { if (hasPrev) walk.move((old) => step(old, -1)); };
    const next = () => { if (hasNext) walk.move((old) => step(old, 1)); };
    useShortcuts([
        { keys: ['j', 'ArrowRight'], does: t('review.next'), group, off: !hasNext, run: next },
        { keys: ['k', 'ArrowLeft'], does: t('review.previous'), group, off: !hasPrev, run: previous },
        { keys: 'z', does: t('review.undoLast'), group: t('review.groupDecide'), off: outbox.entries.length === 0 && recent.length === 0, run: () => void undo() },
    ]);
    const onKeyDown = (event: KeyboardEvent) => {
        if (event.key !== 'Escape' || event.defaultPrevented || !typing(event.target) || (event.target as Element).closest('dialog')) return;
        event.preventDefault();
        root.current?.focus();
    };

    const does = useSteady({
        previous, next, reopen, undo: () => void undo(), decide: (of: Trace, judgement: Judgement) => void decide(of, judgement),
        trouble: (entry: Entry) => reopen(entry.trace), again: () => setEpoch((old) => old + 1), acts: (now: Acts | null) => sink.current.tell(now),
        reset: (one: string) => mark(one, false),
    });
    const bar = (of: string | null) => (
        <Actions of={of} sink={sink.current} onPrev={does.previous} onNext={does.next} hasPrev={hasPrev} hasNext={hasNext} outbox={outbox} entries={outbox.entries} undo={does.undo} recent={recent} reopen={does.reopen}
            onTrouble={does.trouble} />
    );
    // The pane stays from trace to trace, and rests while somebody types at its right.
    const input = useMemo(() => (trace && project ? <InputPane project={project} input={trace.model_input!} traceId={trace.id} /> : null), [trace?.id, project]);
    const finished = id === null && !walk.more;
    if (id === null || !trace || !project || deleted?.id === id) {
        return (
            <div class="desk" ref={root} tabIndex={-1} onKeyDown={onKeyDown}>
                <div class="pane alone-pane">
                    <h1 class="unseen">{t('shell.review')}</h1>
                    {deleted && deleted.id === id
                        ? <Deleted trace={deleted} onRestored={() => setDeleted(null)} onNext={next} />
                        : loaded.error ? <Missing error={loaded.error} retry={loaded.reload} onNext={hasNext ? next : null} back={walk.back} />
                        : finished ? <Finished walk={walk} passed={skipped(order, decided)} onPassed={(one) => reopen(one)} />
                        : walk.error ? <ErrorNote error={walk.error} retry={walk.retry} />
                        : loaded.slow || id === null ? <Skeleton lines={12} /> : null}
                </div>
                {bar(null)}
            </div>
        );
    }
    return (
        <div class="desk" ref={root} tabIndex={-1} onKeyDown={onKeyDown} aria-busy={!fresh}>
            <Strip trace={trace} project={project} loading={!fresh} onReset={does.reset} onDeleted={setDeleted} />
            <Panes side={side} onSide={setSide} at={trace.id} left={input} right={(
                <Case of={`${trace.id}:${trace.version}:${epoch}`} trace={trace} project={project} post={post} autosave={autosave} saved={listeners.current}
                    waiting={waiting ?? null} trouble={trouble ?? null} allowed={can(me, 'reviewer')} loading={!fresh} onActs={does.acts} onSide={setSide}
                    decide={does.decide} again={does.again} undo={does.undo} kind={walk.kind} />
            )} />
            {bar(fresh ? fresh.id : null)}
        </div>
    );
}

function Finished({ walk, passed, onPassed }: { walk: Walk; passed: string[]; onPassed: (id: string) => void }) {
    const first = walk.kind === 'queue';
    useEffect(() => announce(t(first ? 'review.queueEmpty' : 'review.listEnd')), []);
    return (
        <Empty title={t(first ? 'review.queueEmpty' : 'review.listEnd')} action={(
            <div class="row wrap">
                {passed.length > 0 && <button type="button" class="primary" onClick={() => onPassed(passed[0])}>{t('review.toPassed', { count: passed.length })}</button>}
                {first && <button type="button" onClick={walk.retry}>{t('review.lookAgain')}</button>}
                <a class="button" href={walk.back}>{t('review.backToList')}</a>
            </div>
        )}>{first ? (passed.length > 0 ? t('review.queuePassed', { count: passed.length }) : t('review.queueEmptyText')) : t('review.listEndText')}</Empty>
    );
}

function Missing({ error, retry, onNext, back }: { error: ApiError; retry: () => void; onNext: (() => void) | null; back: string }) {
    if (error.status !== 404) return <ErrorNote error={error} retry={retry} />;
    return (
        <Empty title={t('review.gone')} action={<div class="row">{onNext && <button type="button" class="primary" onClick={onNext}>{t('review.next')}</button>}<a class="button" href={back}>{t('review.backToList')}</a></div>}>
            {t('review.goneText')}
        </Empty>
    );
}

function Deleted({ trace, onRestored, onNext }: { trace: Trace; onRestored: () => void; onNext: () => void }) {
    const [error, setError] = useState<ApiError | null>(null);
    const restore = async () => {
        const { changeTrace } = await import('../api.ts');
        try {
            traces.put(await changeTrace(trace.id, 'restore', trace.version));
            onRestored();
        } catch (problem) {
            setError(problem as ApiError);
        }
    };
    return (
        <Empty title={t('review.deleted')} action={<div class="stack"><ErrorNote error={error} /><div class="row"><button type="button" onClick={() => void restore()}>{t('review.restore')}</button><button type="button" class="primary" onClick={onNext}>{t('review.next')}</button></div></div>}>
            {t('review.deletedText')}
        </Empty>
    );
}

// What is done in the PDF's frame is told as 'tuor-active' (pdf-frame.ts).
const DEEDS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'scroll', 'tuor-active'];

/** The clock of the traces at this desk. */
function usePace(id: string | null): Pace {
    const [pace] = useState(() => new Pace());
    useEffect(() => {
        const deed = () => pace.touch();
        const turned = () => pace.touch(!document.hidden);
        for (const name of DEEDS) addEventListener(name, deed, { capture: true, passive: true });
        document.addEventListener('visibilitychange', turned);
        return () => {
            for (const name of DEEDS) removeEventListener(name, deed, { capture: true });
            document.removeEventListener('visibilitychange', turned);
        };
    }, []);
    useEffect(() => pace.turn(id), [id]);
    return pace;
}

/** The last ten decisions, over reloads. */
function useRecent(who: string): [Decision[], (change: (old: Decision[]) => Decision[]) => void] {
    const name = `recent.${who}`;
    const [list, setList] = useState<Decision[]>(() => {
        try {
            return JSON.parse(stored(name) ?? '[]') as Decision[];
        } catch {
            return [];
        }
    });
    return [list, (change) => setList((old) => {
        const next = change(old);
        store(name, JSON.stringify(next));
        return next;
    })];
}
