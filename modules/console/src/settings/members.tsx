// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useState } from 'preact/hooks';
import { ApiError, get, send, type Role } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { useAction, useLoad } from '../load.ts';
import { can, useSession } from '../session.ts';
import { announce, Confirm, Dialog, Empty, ErrorNote, Field, Glyph, Skeleton, Time } from '../ui/index.tsx';
import { AdminsOnly, Buttons, rest } from './parts.tsx';

interface Member { user_id: string; login: string; name: string | null; role: Role; created_at: string }
const ROLES: Role[] = ['viewer', 'reviewer', 'admin'];

export function Members() {
    const { me } = useSession();
    if (!can(me, 'admin')) {
        return (
            <>
                <AdminsOnly what={t('settings.members.see')} />
                <dl class="facts"><dt>{t('settings.members.yours')}</dt><dd><strong>{t(`settings.members.roles.${me.role}` as TextKey)}</strong><br /><span class="quiet">{t(`settings.members.may.${me.role}` as TextKey)}</span></dd></dl>
            </>
        );
    }
    return <List />;
}

/** The last admin cannot go: the server says so, and here is what to do. */
function explained(error: ApiError | null, last: boolean): ApiError | null {
    return error?.status === 409 && last ? new ApiError(409, t('settings.members.lastAdmin')) : error;
}

function List() {
    const { me } = useSession();
    const { value, error, slow, reload } = useLoad((signal) => get<Member[]>('/v1/members', signal), []);
    const [open, setOpen] = useState<Member | 'new' | null>(null);
    const [leaving, setLeaving] = useState<Member | null>(null);
    const admins = (value ?? []).filter((one) => one.role === 'admin').length;
    const remove = useAction(async () => {
        await send('DELETE', `/v1/members/${leaving!.user_id}`);
        setLeaving(null);
        reload();
    });
    return (
        <>
            <div class="row"><span class="grow quiet">{t('settings.members.intro')}</span><button type="button" class="primary" onClick={() => setOpen('new')}><Glyph name="plus" />{t('settings.members.add')}</button></div>
            <ErrorNote error={error} retry={reload} />
            {!value && slow && <Skeleton />}
            {value?.length === 0 && <Empty title={t('settings.members.none')} />}
            {value && value.length > 0 && (
                <div class="table">
                    <table>
                        <thead><tr><th>{t('settings.members.login')}</th><th>{t('settings.name')}</th><th>{t('settings.members.role')}</th><th>{t('settings.members.since')}</th><th><span class="unseen">{t('settings.actions')}</span></th></tr></thead>
                        <tbody>
                            {value.map((one) => (
                                <tr key={one.user_id}>
                                    <td>{one.login}{one.user_id === me.id && <span class="quiet"> ({t('common.you')})</span>}</td>
                                    <td>{one.name ?? <span class="quiet">–</span>}</td>
                                    <td title={t(`settings.members.may.${one.role}` as TextKey)}>{t(`settings.members.roles.${one.role}` as TextKey)}</td>
                                    <td data-label={t('settings.members.since')}><Time at={one.created_at} /></td>
                                    <td class="number"><span class="row right">
                                        <button type="button" aria-label={`${t('common.edit')}: ${one.login}`} onClick={() => setOpen(one)}>{t('common.edit')}</button>
                                        <button type="button" aria-label={`${t('common.remove')}: ${one.login}`} onClick={() => { remove.clear(); setLeaving(one); }}>{t('common.remove')}</button>
                                    </span></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            {open && <Editor member={open === 'new' ? null : open} last={open !== 'new' && open.role === 'admin' && admins === 1} onDone={() => { setOpen(null); reload(); }} onClose={() => setOpen(null)} />}
            {leaving && <Confirm danger title={t('settings.members.removeAsk', { login: leaving.login })} action={t('common.remove')} busy={remove.busy} error={explained(remove.error, leaving.role === 'admin' && admins === 1)}
                text={t(leaving.user_id === me.id ? 'settings.members.removeSelf' : 'settings.members.removeText')} onYes={() => void remove.run()} onClose={() => setLeaving(null)} />}
        </>
    );
}

function Editor({ member, last, onDone, onClose }: { member: Member | null; last: boolean; onDone: () => void; onClose: () => void }) {
    const [login, setLogin] = useState('');
    const [name, setName] = useState(member?.name ?? '');
    const [role, setRole] = useState<Role>(member?.role ?? 'reviewer');
    const save = useAction(async () => {
        const body = { name: name.trim() || null, role };
        if (member) await send('PUT', `/v1/members/${member.user_id}`, body);
        else await send('POST', '/v1/members', { ...body, login: login.trim() });
        announce(t('common.saved'));
        onDone();
    });
    return (
        <Dialog panel title={member ? member.login : t('settings.members.add')} onClose={onClose}>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); void save.run(); }}>
                {!member && <Field label={t('settings.members.login')} name="login" error={save.error} hint={t('settings.members.loginHint')}>{(props) => <input {...props} value={login} required maxLength={255} autocapitalize="none" autocomplete="off" spellcheck={false} autofocus onInput={(event) => setLogin(event.currentTarget.value)} />}</Field>}
                <Field label={t('settings.name')} name="name" optional error={save.error} hint={t('settings.members.nameHint')}>{(props) => <input {...props} value={name} maxLength={100} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />}</Field>
                <fieldset class="stack tight">
                    <legend>{t('settings.members.role')}</legend>
                    {ROLES.map((one) => (
                        <label class="choice" key={one}>
                            <input type="radio" name="role" value={one} checked={role === one} onChange={() => setRole(one)} />
                            <span><strong>{t(`settings.members.roles.${one}` as TextKey)}</strong><br /><small>{t(`settings.members.may.${one}` as TextKey)}</small></span>
                        </label>
                    ))}
                </fieldset>
                <ErrorNote error={explained(rest(save.error, ['login', 'name', 'role']), last)} />
                <Buttons busy={save.busy} label={member ? t('common.save') : t('settings.members.add')} onClose={onClose} />
            </form>
        </Dialog>
    );
}
