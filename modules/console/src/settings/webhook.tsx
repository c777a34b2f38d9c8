// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, send, type Project } from '../api.ts';
import { t } from '../i18n.ts';
import { useAction } from '../load.ts';
import { BASE, go } from '../router.ts';
import { can, useSession } from '../session.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { announce, Copy, Empty, ErrorNote, Field, Glyph, Time } from '../ui/index.tsx';
import { AdminsOnly, Locked, rest, useLocks } from './parts.tsx';

export function Webhook({ place }: ScreenProps) {
    const session = useSession();
    const id = currentProject(session, place);
    const project = session.everyProject.find((one) => one.id === id);
    if (!project) return <Empty title={t('settings.projects.none')} action={<a class="button" href={`${BASE}settings/projects`}>{t('settings.tabs.projects')}</a>}>{t('settings.projects.noneText')}</Empty>;
    return (
        <>
            <Field label={t('shell.project')}>{(props) => (
                <select {...props} class="narrow" value={project.id} onChange={(event) => go(`${BASE}settings/webhooks?project=${event.currentTarget.value}`)}>
                    {session.everyProject.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
                </select>
            )}</Field>
            {can(session.me, 'admin')
                ? <Editor key={project.id} project={project} />
                : <><AdminsOnly what={t('settings.webhook.change')} /><dl class="facts"><dt>URL</dt><dd>{project.webhook_url ?? '–'}</dd><dt>{t('settings.webhook.state')}</dt><dd>{t(project.webhook_active ? 'settings.webhook.on' : 'settings.webhook.off')}</dd></dl></>}
        </>
    );
}

/** As Standard Webhooks writes them: 32 random bytes. */
function newSecret(): string {
    return `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
}

const FIELDS = ['webhook_url', 'webhook_secret', 'webhook_secret_next', 'webhook_active', 'webhook_standard'];

function Editor({ project }: { project: Project }) {
    const session = useSession();
    const [url, setUrl] = useState(project.webhook_url ?? '');
    const [secret, setSecret] = useState('');
    const [active, setActive] = useState(project.webhook_active);
    const [standard, setStandard] = useState(project.webhook_standard ?? false);
    const [saved, setSaved] = useState(false);
    const dirty = url.trim() !== (project.webhook_url ?? '') || secret !== '' || active !== project.webhook_active || standard !== (project.webhook_standard ?? false);
    useEffect(() => { if (dirty) setSaved(false); }, [dirty]);

    const { locked, learn } = useLocks(project, (members) => {
        if (members.includes('webhook_url')) setUrl(project.webhook_url ?? '');
        if (members.includes('webhook_secret')) setSecret('');
        if (members.includes('webhook_active')) setActive(project.webhook_active);
        if (members.includes('webhook_standard')) setStandard(project.webhook_standard ?? false);
    });
    const put = async (body: Record<string, unknown>) => {
        await learn(send<Project>('PUT', `/v1/projects/${project.id}`, body));
        await session.refresh();
        announce(t('common.saved'));
    };
    const save = useAction(async () => {
        const body: Record<string, unknown> = {};
        if (url.trim() !== (project.webhook_url ?? '')) body.webhook_url = url.trim() || null;
        if (secret) body.webhook_secret = secret;
        if (active !== project.webhook_active) body.webhook_active = active;
        if (standard !== (project.webhook_standard ?? false)) body.webhook_standard = standard;
        await put(body);
        setSecret('');
        setSaved(true);
    });
    return (
        <div class="stack">
            <form class="stack card" onSubmit={(event) => { event.preventDefault(); void save.run(); }}>
                {project.managed && <Locked>{t('settings.webhook.managed')}</Locked>}
                <Field label={t('settings.webhook.url')} name="webhook_url" error={save.error} hint={t('settings.webhook.urlHint')}>{(props) => <input {...props} type="url" inputMode="url" value={url} disabled={locked('webhook_url')} placeholder="https://hooks.example.com/tuor" onInput={(event) => setUrl(event.currentTarget.value)} />}</Field>
                <Field label={t('settings.webhook.secret')} name="webhook_secret" error={save.error} hint={t(project.webhook_secret_set ? 'settings.webhook.secretSet' : 'settings.webhook.secretHint')}>{(props) => (
                    <div class="row"><input {...props} class="grow mono" autocomplete="off" spellcheck={false} value={secret} disabled={locked('webhook_secret')} placeholder={project.webhook_secret_set ? '••••••••' : ''} onInput={(event) => setSecret(event.currentTarget.value)} />
                        {secret ? <Copy text={secret} what={t('settings.webhook.secret')} /> : <button type="button" disabled={locked('webhook_secret')} onClick={() => setSecret(newSecret())}>{t('settings.webhook.generate')}</button>}</div>
                )}</Field>
                <label class="field check"><input type="checkbox" checked={active} disabled={locked('webhook_active')} onChange={(event) => setActive(event.currentTarget.checked)} /><span>{t('settings.webhook.active')}</span></label>
                <label class="field check"><input type="checkbox" checked={standard} disabled={locked('webhook_standard')} onChange={(event) => setStandard(event.currentTarget.checked)} /><span>{t('settings.webhook.standard')}</span></label>
                <ErrorNote error={rest(save.error, FIELDS.slice(0, 2))} />
                <div class="row"><span class="quiet grow" role="status">{saved && t('common.saved')}</span><button type="submit" class="primary" disabled={save.busy || !dirty}>{t('common.save')}</button></div>
            </form>
            <Ping project={project} dirty={dirty} />
            <NextSecret project={project} put={put} />
        </div>
    );
}

/** Two secrets while receivers change over. */
function NextSecret({ project, put }: { project: Project; put: (body: Record<string, unknown>) => Promise<void> }) {
    const [next, setNext] = useState('');
    const [kept, setKept] = useState('');
    const [open, setOpen] = useState(project.webhook_secret_next_set ?? false);
    const begin = useAction(async () => {
        await put({ webhook_secret_next: next });
        setKept(next);
        setNext('');
    });
    const drop = useAction(async () => put({ webhook_secret_next: null }));
    const finish = useAction(async () => {
        await put({ webhook_secret: kept, webhook_secret_next: null });
        setKept('');
    });
    return (
        <details class="card" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>{t('settings.webhook.rotate')}</summary>
            <div class="stack">
                <p class="quiet">{t('settings.webhook.rotateText')}</p>
                {project.webhook_secret_next_set ? (
                    <>
                        <p class="note">{t('settings.webhook.both')}</p>
                        <Field label={t('settings.webhook.next')} hint={t('settings.webhook.finishHint')}>{(props) => <input {...props} class="mono" autocomplete="off" spellcheck={false} value={kept} onInput={(event) => setKept(event.currentTarget.value)} />}</Field>
                        <ErrorNote error={finish.error ?? drop.error} />
                        <div class="row wrap">
                            <button type="button" class="primary" disabled={!kept || finish.busy} onClick={() => void finish.run()}>{t('settings.webhook.finish')}</button>
                            <button type="button" disabled={drop.busy} onClick={() => void drop.run()}>{t('settings.webhook.drop')}</button>
                        </div>
                    </>
                ) : (
                    <form class="stack" onSubmit={(event) => { event.preventDefault(); void begin.run(); }}>
                        <Field label={t('settings.webhook.next')} name="webhook_secret_next" error={begin.error}>{(props) => (
                            <div class="row"><input {...props} class="grow mono" required autocomplete="off" spellcheck={false} value={next} onInput={(event) => setNext(event.currentTarget.value)} />
                                {next ? <Copy text={next} what={t('settings.webhook.next')} /> : <button type="button" onClick={() => setNext(newSecret())}>{t('settings.webhook.generate')}</button>}</div>
                        )}</Field>
                        <ErrorNote error={rest(begin.error, ['webhook_secret_next'])} />
                        <div class="row"><button type="submit" disabled={begin.busy || !project.webhook_secret_set}>{t('settings.webhook.begin')}</button></div>
                    </form>
                )}
            </div>
        </details>
    );
}

interface Delivery { id: string; status: 'pending' | 'sending' | 'success' | 'failed'; created_at: string; response_status: number | null; error: string | null; attempts?: { duration_ms: number | null; response_body: string | null }[] }

/** Sends a test and watches the delivery until it has ended. */
function Ping({ project, dirty }: { project: Project; dirty: boolean }) {
    const [delivery, setDelivery] = useState<Delivery | null>(null);
    const test = useAction(async () => {
        setDelivery(null);
        let one = await send<Delivery>('POST', `/v1/projects/${project.id}/test-webhook`);
        setDelivery(one);
        for (let round = 0; round < 60 && (one.status === 'pending' || one.status === 'sending'); round++) {
            await new Promise((resolve) => { setTimeout(resolve, round < 10 ? 300 : 1000); });
            one = await get<Delivery>(`/v1/webhook-deliveries/${one.id}`).catch((problem: unknown) => {
                if (problem instanceof ApiError && problem.passing) return one;
                throw problem;
            });
            setDelivery(one);
        }
        announce(t(one.status === 'success' ? 'settings.webhook.arrived' : 'settings.webhook.failed', { status: one.response_status ?? 0 }));
    });
    const ready = project.webhook_url && project.webhook_secret_set;
    const attempt = delivery?.attempts?.at(-1);
    return (
        <section class="card stack" aria-labelledby="ping">
            <div class="row wrap">
                <h2 id="ping" class="grow">{t('settings.webhook.test')}</h2>
                <button type="button" disabled={!ready || test.busy} onClick={() => void test.run()}>{t('settings.webhook.send')}</button>
            </div>
            <p class="quiet">{t(!ready ? 'settings.webhook.testNeeds' : dirty ? 'settings.webhook.testSaved' : 'settings.webhook.testText')}</p>
            <ErrorNote error={test.error} />
            {delivery && (
                <div class="stack tight" role="status">
                    {delivery.status === 'success' && <p class="status approved"><Glyph name="approved" />{t('settings.webhook.arrived', { status: delivery.response_status ?? 0 })}</p>}
                    {delivery.status === 'failed' && <p class="status rejected"><Glyph name="rejected" />{delivery.error ?? t('settings.webhook.failed', { status: delivery.response_status ?? 0 })}</p>}
                    {(delivery.status === 'pending' || delivery.status === 'sending') && <p class="status pending"><Glyph name="pending" />{t('settings.webhook.sending')}</p>}
                    <small><Time at={delivery.created_at} />{attempt?.duration_ms !== null && attempt?.duration_ms !== undefined && ` · ${attempt.duration_ms} ms`}</small>
                    {attempt?.response_body && <pre class="code" tabIndex={0}>{attempt.response_body}</pre>}
                    <a href={`${BASE}webhooks?project=${project.id}`}>{t('settings.webhook.history')}</a>
                </div>
            )}
        </section>
    );
}
