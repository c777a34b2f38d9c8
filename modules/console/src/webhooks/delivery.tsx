// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// One delivery with every attempt, beside the list.

import { useEffect, useRef } from 'preact/hooks';
import { formatTime, t } from '../i18n.ts';
import { traceHref } from '../links.ts';
import { useAction, useLoad } from '../load.ts';
import { announce, ErrorNote, Glyph, Id, Skeleton, Time } from '../ui/index.tsx';
import { ANSWER_BYTES, getDelivery, retryDelivery, underWay, type Attempt } from './api.ts';
import { useLive } from './live.ts';
import { DeliveryMark, milliseconds } from './parts.tsx';

export function DeliveryPane({ id, writes, onClose, onChange }: { id: string; writes: boolean; onClose: () => void; onChange: () => void }) {
    const load = useLoad((signal) => getDelivery(id, signal), [id]);
    const one = load.value?.id === id ? load.value : undefined;
    const waiting = one !== undefined && underWay(one);
    useLive(waiting, load.reload, load.value);
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => heading.current?.focus(), [id]);
    // The outcome of what a person started is told; the list shows it, too.
    const before = useRef<string | null>(null);
    useEffect(() => {
        if (!one) return;
        if (before.current === `${id} waiting` && !waiting) {
            announce(t(`webhooks.status.${one.status}`));
            onChange();
        }
        before.current = waiting ? `${id} waiting` : id;
    }, [one]);
    const { run: retry, busy, error } = useAction(async () => {
        await retryDelivery(id);
        onChange();
        load.reload();
    });
    return (
        <aside class="card delivery" aria-labelledby="delivery">
            <div class="row">
                <h2 id="delivery" class="grow" tabIndex={-1} ref={heading}>{t('webhooks.delivery')}</h2>
                {one && writes && <button type="button" disabled={busy || waiting} onClick={() => void retry()}><Glyph name="reset" />{t('webhooks.retry')}</button>}
                <button type="button" class="plain icon" aria-label={t('common.close')} onClick={onClose}><Glyph name="rejected" /></button>
            </div>
            <ErrorNote error={error ?? load.error} retry={error ? undefined : load.reload} />
            {!one && load.slow && <Skeleton />}
            {one && (
                <>
                    <dl class="facts">
                        <dt>{t('webhooks.statusColumn')}</dt><dd><DeliveryMark status={one.status} /></dd>
                        <dt>{t('webhooks.event')}</dt><dd><code>{one.event_type}</code></dd>
                        <dt>{t('webhooks.eventId')}</dt><dd><Id id={one.event_id} /></dd>
                        <dt>{t('webhooks.trace')}</dt><dd>{one.trace_id ? <a href={traceHref(one.trace_id)}>{t('webhooks.openTrace')}</a> : t('webhooks.noTrace')}</dd>
                        <dt>{t('webhooks.created')}</dt><dd>{formatTime(one.created_at)}</dd>
                    </dl>
                    <h3>{t('webhooks.attempts')}</h3>
                    {one.attempts.length === 0 && <p class="quiet">{t('webhooks.noAttempt')}</p>}
                    <ol class="attempts">{one.attempts.map((attempt, at) => <AttemptCard key={at} attempt={attempt} number={at + 1} />).reverse()}</ol>
                </>
            )}
        </aside>
    );
}

function AttemptCard({ attempt, number }: { attempt: Attempt; number: number }) {
    const { status_code: code, error, response_body: body } = attempt;
    const fine = code !== null && code >= 200 && code < 300 && !error;
    return (
        <li class="stack tight">
            <div class="row wrap">
                <strong>{t('webhooks.attempt', { number: String(number) })}</strong>
                <span class={`status ${fine ? 'approved' : 'rejected'}`}><Glyph name={fine ? 'approved' : 'rejected'} />{code ?? t('webhooks.noAnswer')}</span>
                <span class="quiet"><Time at={attempt.attempted_at} /> · {milliseconds(attempt.duration_ms)}</span>
            </div>
            <small>{formatTime(attempt.attempted_at)}</small>
            {error && <p class="wrong">{error}</p>}
            {body ? (
                <>
                    <small>{t(new TextEncoder().encode(body).length >= ANSWER_BYTES ? 'webhooks.answerCut' : 'webhooks.answerBody')}</small>
                    <pre tabIndex={0} role="group" aria-label={t('webhooks.answerBody')}>{body}</pre>
                </>
            ) : code !== null && <small>{t('webhooks.emptyAnswer')}</small>}
        </li>
    );
}
