// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useState } from 'preact/hooks';
import { get, send } from '../api.ts';
import { t } from '../i18n.ts';
import { useAction, useLoad } from '../load.ts';
import { useNames } from '../names.ts';
import { can, useSession } from '../session.ts';
import { Confirm, Copy, Dialog, Empty, ErrorNote, Field, Glyph, Skeleton, Time } from '../ui/index.tsx';
import { AdminsOnly, Buttons, rest } from './parts.tsx';

export interface ApiKey { id: string; name: string; last4: string; created_at: string; created_by: string | null; last_used_at: string | null; revoked_at: string | null }

export function Keys() {
    const { me } = useSession();
    if (!can(me, 'admin')) return <AdminsOnly what={t('settings.keys.see')} />;
    return <List />;
}

function List() {
    const names = useNames();
    const { value, error, slow, reload } = useLoad((signal) => get<ApiKey[]>('/v1/api-keys', signal), []);
    const [making, setMaking] = useState(false);
    const [revoking, setRevoking] = useState<ApiKey | null>(null);
    const [old, setOld] = useState(false);
    const revoke = useAction(async () => {
        await send('DELETE', `/v1/api-keys/${revoking!.id}`);
        setRevoking(null);
        reload();
    });
    const gone = (value ?? []).filter((one) => one.revoked_at).length;
    const shown = (value ?? []).filter((one) => old || !one.revoked_at).reverse();
    return (
        <>
            <div class="row wrap">
                {gone > 0 && <label class="field check"><input type="checkbox" checked={old} onChange={(event) => setOld(event.currentTarget.checked)} /><span>{t('settings.keys.withRevoked', { count: gone })}</span></label>}
                <span class="grow" />
                <button type="button" class="primary" onClick={() => setMaking(true)}><Glyph name="plus" />{t('settings.keys.create')}</button>
            </div>
            <ErrorNote error={error} retry={reload} />
            {!value && slow && <Skeleton />}
            {value && shown.length === 0 && <Empty title={t('settings.keys.none')}>{t('settings.keys.noneText')}</Empty>}
            {shown.length > 0 && (
                <div class="table">
                    <table>
                        <thead><tr><th>{t('settings.name')}</th><th>{t('settings.keys.key')}</th><th>{t('settings.created')}</th><th>{t('settings.keys.by')}</th><th>{t('settings.keys.used')}</th><th><span class="unseen">{t('settings.actions')}</span></th></tr></thead>
                        <tbody>
                            {shown.map((one) => (
                                <tr key={one.id} class={one.revoked_at ? 'off' : ''}>
                                    <td>{one.name}</td>
                                    <td><code>tuor_…{one.last4}</code></td>
                                    <td data-label={t('settings.created')}><Time at={one.created_at} /></td>
                                    <td data-label={t('settings.keys.by')}>{one.created_by ? names(one.created_by) ?? <code>{one.created_by}</code> : t('settings.keys.server')}</td>
                                    <td data-label={t('settings.keys.used')}>{one.last_used_at ? <Time at={one.last_used_at} /> : <span class="quiet">{t('settings.keys.never')}</span>}</td>
                                    <td class="number">{one.revoked_at
                                        ? <span class="quiet">{t('settings.keys.revoked')} <Time at={one.revoked_at} /></span>
                                        : <button type="button" aria-label={`${t('settings.keys.revoke')}: ${one.name}`} onClick={() => { revoke.clear(); setRevoking(one); }}>{t('settings.keys.revoke')}</button>}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            {making && <Create onMade={reload} onClose={() => setMaking(false)} />}
            {revoking && <Confirm danger title={t('settings.keys.revokeAsk', { name: revoking.name })} text={t('settings.keys.revokeText')} action={t('settings.keys.revoke')}
                busy={revoke.busy} error={revoke.error} onYes={() => void revoke.run()} onClose={() => setRevoking(null)} />}
        </>
    );
}

function Create({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
    const [name, setName] = useState('');
    const [key, setKey] = useState<string | null>(null);
    const [sure, setSure] = useState(false);
    const create = useAction(async () => {
        const made = await send<{ key: string }>('POST', '/v1/api-keys', { name: name.trim() });
        setKey(made.key);
        onMade();
    });
    // A key that was not copied is lost: closing by accident asks once.
    const close = () => {
        if (key && !sure) setSure(true);
        else onClose();
    };
    if (key) {
        return (
            <Dialog title={t('settings.keys.made')} onClose={close}>
                <p class="note warn"><Glyph name="warn" /><span class="grow">{t('settings.keys.once')}</span></p>
                <div class="row wrap"><code class="secret">{key}</code><Copy text={key} what={t('settings.keys.key')}>{t('common.copy')}</Copy></div>
                <div class="row">
                    <span class="grow" role="status">{sure && t('settings.keys.sure')}</span>
                    <button type="button" class="primary" onClick={onClose}>{t('settings.keys.stored')}</button>
                </div>
            </Dialog>
        );
    }
    return (
        <Dialog title={t('settings.keys.create')} onClose={onClose}>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); void create.run(); }}>
                <Field label={t('settings.name')} name="name" error={create.error} hint={t('settings.keys.nameHint')}>{(props) => <input {...props} value={name} required maxLength={100} autofocus onInput={(event) => setName(event.currentTarget.value)} />}</Field>
                <ErrorNote error={rest(create.error, ['name'])} />
                <Buttons busy={create.busy} label={t('common.create')} onClose={onClose} />
            </form>
        </Dialog>
    );
}
