// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The list of a project's deliveries, newest first, with those chosen to be sent again.

import { useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { t } from '../i18n.ts';
import { traceHref } from '../links.ts';
import { useAction } from '../load.ts';
import { withQuery } from '../router.ts';
import { announce, Time } from '../ui/index.tsx';
import { retryDelivery, underWay, type Delivery } from './api.ts';
import { DeliveryMark, Outcome } from './parts.tsx';

const AT_ONCE = 4;

export function Deliveries({ items, open, writes, onRetried }: { items: Delivery[]; open: string | null; writes: boolean; onRetried: () => void }) {
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const [refused, setRefused] = useState<ApiError[]>([]);
    const choosable = items.filter((one) => !underWay(one));
    const picked = choosable.filter((one) => chosen.has(one.id));
    const choose = (ids: string[], yes: boolean) => {
        const next = new Set(chosen);
        for (const id of ids) if (yes) next.add(id); else next.delete(id);
        setChosen(next);
    };
    const { run, busy } = useAction(async () => {
        const waiting = picked.map((one) => one.id);
        const problems: ApiError[] = [];
        let sent = 0;
        while (waiting.length > 0) {
            await Promise.all(waiting.splice(0, AT_ONCE).map(async (id) => {
                try {
                    await retryDelivery(id);
                    sent += 1;
                } catch (error) {
                    if (!(error instanceof ApiError)) throw error;
                    problems.push(error);
                }
            }));
        }
        setRefused(problems);
        setChosen(new Set());
        announce(t('webhooks.retried', { count: sent }));
        onRetried();
    });
    return (
        <>
            {writes && picked.length > 0 && (
                <div class="note">
                    <span class="grow">{t('webhooks.chosen', { count: picked.length })}</span>
                    <button type="button" class="primary" disabled={busy} onClick={() => void run()}>{t('webhooks.retryChosen', { count: picked.length })}</button>
                    <button type="button" onClick={() => setChosen(new Set())}>{t('webhooks.chooseNone')}</button>
                </div>
            )}
            {refused.length > 0 && <div class="note wrong" role="alert"><span class="grow">{t('webhooks.notRetried', { count: refused.length })} {refused[0].message}</span><button type="button" onClick={() => setRefused([])}>{t('common.close')}</button></div>}
            <div class="table" tabIndex={0} role="region" aria-label={t('webhooks.deliveries')}>
                <table class="dense sent">
                    <thead>
                        <tr>
                            {writes && <th scope="col" class="pick"><input type="checkbox" aria-label={t('webhooks.chooseAll')} checked={picked.length > 0 && picked.length === choosable.length} indeterminate={picked.length > 0 && picked.length < choosable.length}
                                disabled={choosable.length === 0} onChange={(event) => choose(choosable.map((one) => one.id), event.currentTarget.checked)} /></th>}
                            <th scope="col">{t('webhooks.statusColumn')}</th><th scope="col">{t('webhooks.created')}</th><th scope="col">{t('webhooks.event')}</th><th scope="col">{t('webhooks.trace')}</th>
                            <th scope="col" class="number">{t('webhooks.attempts')}</th><th scope="col">{t('webhooks.answer')}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {items.map((one) => (
                            <tr key={one.id} class={one.id === open ? 'chosen' : ''}>
                                {writes && <td class="pick"><input type="checkbox" aria-label={t('webhooks.chooseOne', { id: one.event_id })} checked={chosen.has(one.id)} disabled={underWay(one)} onChange={(event) => choose([one.id], event.currentTarget.checked)} /></td>}
                                <td class="is"><a class="open" href={withQuery({ delivery: one.id })} aria-current={one.id === open ? 'true' : undefined}><DeliveryMark status={one.status} /></a></td>
                                <td class="tight when"><Time at={one.created_at} /></td>
                                <td class="event"><code>{one.event_type}</code></td>
                                <td class="tight of">{one.trace_id ? <a href={traceHref(one.trace_id)} title={one.trace_id}><code>{shortened(one.trace_id)}</code></a> : <span class="quiet">–</span>}</td>
                                <td class="number tries">{one.attempt_count}</td>
                                <td class="said"><Outcome code={one.response_status} error={one.error} /></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </>
    );
}

const shortened = (id: string): string => `${id.slice(0, 9)}…${id.slice(-4)}`;

