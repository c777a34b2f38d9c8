// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// After an outage: all that failed between two moments, sent again.

import { useState } from 'preact/hooks';
import { formatNumber, t } from '../i18n.ts';
import { useAction } from '../load.ts';
import { announce, Dialog, ErrorNote, Field } from '../ui/index.tsx';
import { retryRange } from './api.ts';
import { localInput, moment } from './moments.ts';

const MOST = 1000;

export function RetryRange({ project, oldest, onDone, onClose }: { project: string; oldest: string | undefined; onDone: () => void; onClose: () => void }) {
    const [from, setFrom] = useState(() => localInput(oldest ? new Date(oldest) : new Date(Date.now() - 86400000)));
    const [to, setTo] = useState(() => localInput(new Date()));
    const [limit, setLimit] = useState(String(MOST));
    const [result, setResult] = useState<{ retried: number; has_more: boolean } | null>(null);
    const { run, busy, error } = useAction(async () => {
        setResult(null);
        const answer = await retryRange(project, { from: moment(from), to: moment(to, 60000), limit: Number(limit) });
        setResult(answer);
        announce(t('webhooks.retried', { count: answer.retried }));
        onDone();
    });
    return (
        <Dialog panel title={t('webhooks.retryRange')} onClose={onClose}>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); void run(); }}>
                <p>{t('webhooks.retryRangeText')}</p>
                <Field label={t('webhooks.from')} name="from" error={error}>{(props) => <input {...props} type="datetime-local" required value={from} onInput={(event) => setFrom(event.currentTarget.value)} />}</Field>
                <Field label={t('webhooks.to')} name="to" error={error}>{(props) => <input {...props} type="datetime-local" required value={to} onInput={(event) => setTo(event.currentTarget.value)} />}</Field>
                <Field label={t('webhooks.limit')} name="limit" error={error} hint={t('webhooks.limitHint', { most: formatNumber(MOST) })}>{(props) => <input {...props} type="number" required min={1} max={MOST} value={limit} onInput={(event) => setLimit(event.currentTarget.value)} />}</Field>
                <ErrorNote error={error && error.fields.length === 0 ? error : null} />
                {result && <div class="note" role="status"><span class="grow">{t(result.retried ? 'webhooks.retried' : 'webhooks.noneFailed', { count: result.retried })} {result.has_more && t('webhooks.hasMore')}</span></div>}
                <div class="row"><button type="submit" class="primary" disabled={busy}>{t('webhooks.retryAll')}</button><button type="button" onClick={onClose}>{t('common.close')}</button></div>
            </form>
        </Dialog>
    );
}
