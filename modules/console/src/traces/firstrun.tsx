// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The first steps: project, key, trace. Each ticks itself off as it happens, here or elsewhere.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { get, send, type Project } from '../api.ts';
import { t } from '../i18n.ts';
import { useAction, useLoad } from '../load.ts';
import { BASE } from '../router.ts';
import { can, useSession } from '../session.ts';
import { Copy, ErrorNote, Field, Glyph, Id } from '../ui/index.tsx';
import type { ApiKey } from '../settings/keys.tsx';

/** A request that works as it stands: the server's address and the project's id are real. */
export function curlOf(project: string, origin: string, key: string | null, windows = false): string {
    const body = JSON.stringify({
        project_id: project, model_input: { content: 'What is the capital of France?' }, model_output: { answer: 'Paris' }, trace_config: { model: 'gpt-4o' },
    });
    const header = key ?? (windows ? '%TUOR_API_KEY%' : '$TUOR_API_KEY');
    if (windows) return `curl -X POST "${origin}/v1/traces/" -H "X-API-Key: ${header}" -H "Content-Type: application/json" -d "${body.replaceAll('"', '\\"')}"`;
    return `curl -X POST '${origin}/v1/traces/' \\\n  -H ${key ? `'X-API-Key: ${key}'` : `"X-API-Key: ${header}"`} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

/** The request to copy. key: where it was made just now. */
export function SendOne({ project, apiKey = null }: { project: string; apiKey?: string | null }) {
    const [windows, setWindows] = useState(/Win/.test(navigator.platform));
    const text = curlOf(project, location.origin, apiKey, windows);
    return (
        <div class="stack tight">
            <div class="row wrap">
                <Copy text={text} what="curl">{t('common.copy')}</Copy>
                <label class="field check"><input type="checkbox" checked={windows} onChange={(event) => setWindows(event.currentTarget.checked)} /><span>{t('firstRun.windows')}</span></label>
            </div>
            <pre class="code" tabIndex={0}>{text}</pre>
            {!apiKey && <small>{t('firstRun.ownKey')}</small>}
        </div>
    );
}

export function FirstRun({ project, onTrace }: { project: string | null; onTrace: () => void }) {
    const session = useSession();
    const admin = can(session.me, 'admin');
    const [name, setName] = useState('');
    const [fresh, setFresh] = useState<string | null>(null);
    const [arrived, setArrived] = useState(false);
    const keys = useLoad((signal) => (admin ? get<ApiKey[]>('/v1/api-keys', signal) : Promise.resolve([])), [session.me.organization.id]);
    const hasKey = (keys.value ?? []).some((one) => !one.revoked_at);
    const target = session.everyProject.find((one) => one.id === project) ?? session.projects[0] ?? null;

    const create = useAction(async () => {
        await send<Project>('POST', '/v1/projects/', { name: name.trim() });
        await session.refresh();
    });
    const mint = useAction(async () => {
        const made = await send<{ key: string }>('POST', '/v1/api-keys', { name: t('firstRun.keyName') });
        setFresh(made.key);
        keys.reload();
    });

    // What happens elsewhere ticks a step off, too: a colleague's project, the first trace.
    useEffect(() => {
        let gone = false;
        let timer: ReturnType<typeof setTimeout>;
        const look = async () => {
            try {
                if (!document.hidden) {
                    if (!target) await session.refresh();
                    const [first] = await get<{ id: string }[]>('/v1/traces/?limit=1&exclude_fields=model_input,model_output,trace_config,corrected_output,final_output');
                    if (first && !gone) {
                        setArrived(true);
                        return;
                    }
                }
            } catch { /* the shell says when the server is away */ }
            if (!gone) timer = setTimeout(look, 3000);
        };
        void look();
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, [target?.id]);

    const steps = [Boolean(target), hasKey || fresh !== null || arrived, arrived];
    const at = steps.indexOf(false);
    if (!admin) {
        return (
            <div class="page first">
                <header><h1>{t('firstRun.title')}</h1></header>
                <p class="note">{t(target ? 'firstRun.waitTraces' : 'firstRun.waitProject')}</p>
                {arrived && <button type="button" class="primary" onClick={onTrace}>{t('firstRun.look')}</button>}
            </div>
        );
    }
    return (
        <div class="page first">
            <header><h1>{t('firstRun.title')}</h1></header>
            <p class="quiet">{t('firstRun.intro')}</p>
            <ol class="stack">
                <Step done={steps[0]} here={at === 0} number={1} title={t('firstRun.project')}>
                    {target
                        ? <div class="row wrap"><strong>{target.name}</strong><Id id={target.id} whole /></div>
                        : (
                            <form class="row wrap bottom" onSubmit={(event) => { event.preventDefault(); void create.run(); }}>
                                <Field label={t('firstRun.projectName')} name="name" error={create.error} hint={t('firstRun.projectHint')}>{(props) => <input {...props} value={name} maxLength={100} required autofocus onInput={(event) => setName(event.currentTarget.value)} />}</Field>
                                <button type="submit" class="primary" disabled={create.busy}>{t('common.create')}</button>
                                <ErrorNote error={create.error?.fields.length ? null : create.error} />
                            </form>
                        )}
                </Step>
                <Step done={steps[1]} here={at === 1} number={2} title={t('firstRun.key')}>
                    {fresh
                        ? <div class="stack tight"><p class="note warn"><Glyph name="warn" />{t('firstRun.keyOnce')}</p><div class="row wrap"><code class="key">{fresh}</code><Copy text={fresh} what={t('firstRun.key')}>{t('common.copy')}</Copy></div></div>
                        : <div class="row wrap">
                            {hasKey && <span class="quiet">{t('firstRun.keyThere', { count: (keys.value ?? []).filter((one) => !one.revoked_at).length })}</span>}
                            <button type="button" class={at === 1 ? 'primary' : ''} disabled={mint.busy} onClick={() => void mint.run()}>{t(hasKey ? 'firstRun.keyAnother' : 'firstRun.keyCreate')}</button>
                            <ErrorNote error={mint.error} />
                        </div>}
                </Step>
                <Step done={steps[2]} here={at === 2} number={3} title={t('firstRun.trace')}>
                    {target && !arrived && <><p class="quiet">{t('firstRun.traceText')}</p><SendOne project={target.id} apiKey={fresh} /><p class="quiet" role="status">{t('firstRun.waiting')}</p></>}
                    {arrived && <div class="row wrap" role="status"><span>{t('firstRun.arrived')}</span><a class="button primary" href={`${BASE}review?project=${target?.id ?? 'all'}`}>{t('traces.start')}</a><button type="button" onClick={onTrace}>{t('firstRun.look')}</button></div>}
                </Step>
            </ol>
        </div>
    );
}

function Step({ done, here, number, title, children }: { done: boolean; here: boolean; number: number; title: string; children: ComponentChildren }) {
    return (
        <li class={`card step ${done ? 'done' : ''} ${here ? 'here' : ''}`} aria-current={here ? 'step' : undefined}>
            <span class="tick" aria-hidden="true">{done ? <Glyph name="approved" /> : number}</span>
            <div class="stack tight grow"><h2>{title}{done && <span class="unseen"> {t('firstRun.done')}</span>}</h2>{children}</div>
        </li>
    );
}
