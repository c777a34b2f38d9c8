// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What was sent to a project's webhook, and how it went:
// /console/webhooks?project=…&status=failed&skip=50&delivery=whd_…

import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { webhookSettingsHref } from '../links.ts';
import { useAction, useLoad } from '../load.ts';
import { BASE, go, withQuery } from '../router.ts';
import { can, useSession } from '../session.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { Empty, ErrorNote, Glyph, Skeleton } from '../ui/index.tsx';
import { RetryRange } from '../webhooks/again.tsx';
import { listDeliveries, PAGE, STATUSES, testWebhook, underWay, type DeliveryStatus } from '../webhooks/api.ts';
import { Deliveries } from '../webhooks/deliveries.tsx';
import { DeliveryPane } from '../webhooks/delivery.tsx';
import { useLive } from '../webhooks/live.ts';
import '../webhooks/webhooks.css';

export default function Webhooks({ place }: ScreenProps) {
    const session = useSession();
    const project = currentProject(session, place);
    if (!project) return <div class="page"><h1>{t('shell.webhooks')}</h1><Empty title={t('webhooks.noProject')} action={can(session.me, 'admin') ? <a class="button primary" href={`${BASE}settings/projects`}>{t('webhooks.toProjects')}</a> : undefined}>{t('webhooks.noProjectText')}</Empty></div>;
    return <OfProject key={project} project={project} query={place.query} />;
}

function OfProject({ project: id, query }: { project: string; query: URLSearchParams }) {
    const { me, everyProject, refresh } = useSession();
    const project = everyProject.find((one) => one.id === id)!;
    const wanted = query.get('status') as DeliveryStatus | null;
    const status = wanted && STATUSES.includes(wanted) ? wanted : null;
    const skip = Math.max(0, Math.floor(Number(query.get('skip')) || 0));
    const open = query.get('delivery');
    const [range, setRange] = useState(false);
    const writes = can(me, 'admin');
    const ready = project.webhook_url !== null && project.webhook_secret_set;

    // The settings may have changed elsewhere since the session was loaded.
    useEffect(() => { void refresh().catch(() => {}); }, []);
    const list = useLoad((signal) => listDeliveries(id, status, skip, signal), [id, status ?? '', skip]);
    const items = list.value ?? [];
    useLive(items.some(underWay), list.reload, list.value);
    const test = useAction(async () => {
        const sent = await testWebhook(id);
        list.reload();
        go(withQuery({ delivery: sent.id, status: null, skip: null }));
    });

    let inside = null;
    if (!list.value) inside = list.slow && !list.error ? <Skeleton /> : null;
    else if (items.length === 0) {
        inside = status || skip
            ? <Empty title={t('webhooks.noneSuch')} action={<a class="button" href={withQuery({ status: null, skip: null })}>{t('webhooks.showAll')}</a>}>{t('webhooks.noneSuchText')}</Empty>
            : ready
                ? <Empty title={t('webhooks.nothingSent')}>{t(project.webhook_active ? 'webhooks.nothingSentText' : 'webhooks.inactiveText')}</Empty>
                : <Empty title={t('webhooks.notConfigured')} action={writes ? <a class="button primary" href={webhookSettingsHref(id)}>{t('webhooks.configure')}</a> : undefined}>{t(writes ? 'webhooks.notConfiguredText' : 'webhooks.notConfiguredViewer')}</Empty>;
    } else inside = <Deliveries key={`${status} ${skip}`} items={items} open={open} writes={writes && ready} onRetried={list.reload} />;

    return (
        <div class="page webhooks">
            <header>
                <h1>{t('shell.webhooks')}</h1>
                {writes && ready && <button type="button" onClick={() => setRange(true)}>{t('webhooks.retryRange')}</button>}
                {writes && ready && <button type="button" disabled={test.busy} onClick={() => void test.run()}>{t('webhooks.test')}</button>}
                {writes && (ready || items.length > 0) && <a class="button" href={webhookSettingsHref(id)}>{t('webhooks.settings')}</a>}
            </header>
            {ready && (
                <p class="row wrap quiet">
                    <span class={`status ${project.webhook_active ? 'approved' : 'pending'}`}><Glyph name={project.webhook_active ? 'approved' : 'pending'} />{t(project.webhook_active ? 'webhooks.on' : 'webhooks.off')}</span>
                    <code class="url">{project.webhook_url}</code>
                </p>
            )}
            {!ready && items.length > 0 && <div class="note warn"><span class="grow">{t('webhooks.notConfiguredNow')}</span></div>}
            <ErrorNote error={test.error} />
            <ErrorNote error={list.error} retry={list.reload} />
            {(items.length > 0 || status || skip > 0) && (
                <div class="row wrap" role="group" aria-label={t('webhooks.statusColumn')}>
                    {[null, ...STATUSES].map((one) => <button type="button" key={one} aria-pressed={status === one} onClick={() => go(withQuery({ status: one, skip: null, delivery: null }))}>{one ? t(`webhooks.status.${one}`) : t('common.all')}</button>)}
                </div>
            )}
            <div class={open ? 'split' : ''}>
                <div class="stack list">
                    {inside}
                    {(skip > 0 || items.length === PAGE) && (
                        <nav class="row" aria-label={t('webhooks.pages')}>
                            {skip > 0 && <a class="button" href={withQuery({ skip: skip > PAGE ? String(skip - PAGE) : null })}><Glyph name="left" />{t('webhooks.newer')}</a>}
                            {items.length === PAGE && <a class="button" href={withQuery({ skip: String(skip + PAGE) })}>{t('webhooks.older')}<Glyph name="right" /></a>}
                        </nav>
                    )}
                </div>
                {open && <DeliveryPane id={open} writes={writes && ready} onClose={() => go(withQuery({ delivery: null }))} onChange={list.reload} />}
            </div>
            {range && <RetryRange project={id} oldest={items.filter((one) => one.status === 'failed').at(-1)?.created_at} onDone={list.reload} onClose={() => setRange(false)} />}
        </div>
    );
}
