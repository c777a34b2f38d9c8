// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The one outbox and the one drawer of drafts of this tab, bound to the browser:
// storage, locks, other tabs, the network's comings and goings.

import { changeTrace, getTrace, reviewTrace, traceEvents, type Me } from '../api.ts';
import { store } from '../settings.ts';
import { openShelf, type Shelf } from './db.ts';
import type { Draft } from './drafts.ts';
import { Outbox, type Entry } from './verdicts.ts';
import { traces } from './traces.ts';

export interface Post { outbox: Outbox; drafts: Shelf<Draft>; allDrafts: Map<string, Draft>; who: string }

/** Two tabs of one browser are two reviewers to the queue: the token lasts as long as the tab, over reloads. */
export function tabToken(): string {
    let token = sessionStorage.getItem('tuor.tab');
    if (!token) {
        token = crypto.randomUUID();
        sessionStorage.setItem('tuor.tab', token);
    }
    return token;
}

const DRAFT_DAYS = 60;
let opened: Promise<Post> | null = null;
let ready: Post | null = null;

export const whoIs = (me: Me): string => `${me.organization.id}/${me.id}`;
export const post = (): Post | null => ready;

/** Opens the drawers before it is known whose they are. */
export function openPost(): void { opened ??= open(); }

/** For whoever is signed in; again after each sign-in. */
export async function startPost(me: Me): Promise<Post> {
    openPost();
    const got = await opened!;
    const who = whoIs(me);
    const old = Date.now() - DRAFT_DAYS * 86_400_000;
    const all = await got.drafts.all();
    // In one step: the shell and a screen may both be at this, and nobody must meet an empty drawer.
    got.who = who;
    got.allDrafts = new Map(all.filter((one) => one.who === who && one.saved >= old).map((one) => [one.key, one]));
    for (const one of all) if (one.saved < old) await got.drafts.change(one.key, () => null);
    await got.outbox.start(got.who);
    ready = got;
    return got;
}

async function open(): Promise<Post> {
    const channel = new BroadcastChannel('tuor-outbox');
    const outbox = new Outbox(await openShelf<Entry>('verdicts'), {
        now: Date.now,
        send: (entry, keepalive) => (entry.action === 'reset'
            ? changeTrace(entry.trace, 'reset', entry.version)
            : reviewTrace(entry.trace, entry.version, entry.action, { corrected: entry.corrected, comment: entry.comment, keepalive })),
        look: async (entry) => {
            const [trace, events] = await Promise.all([getTrace(entry.trace), traceEvents(entry.trace)]);
            return { trace, events };
        },
        alone: async (work) => {
            if (navigator.locks) await navigator.locks.request('tuor-outbox', work);
            else await work();
        },
        wait: (milliseconds, wake) => {
            const timer = setTimeout(wake, milliseconds);
            return () => clearTimeout(timer);
        },
        tell: () => channel.postMessage(0),
    }, tabToken());
    const drafts = await openShelf<Draft>('drafts');
    const got: Post = { outbox, drafts, allDrafts: new Map(), who: '' };
    channel.onmessage = () => void outbox.reload();
    outbox.onDone((entry, trace) => {
        traces.update(trace);
        const key = `${entry.who}|${entry.trace}|${entry.version}`;
        got.allDrafts.delete(key);
        void drafts.change(key, () => null);
    });
    // The shell looks at this mark, so that what is left is sent whatever page comes next.
    outbox.watch(() => store('outbox', outbox.entries.length > 0 ? '1' : null));
    addEventListener('online', () => outbox.retry());
    document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') outbox.flush(true);
        else outbox.retry();
    });
    addEventListener('pagehide', () => outbox.flush(true));
    return got;
}
