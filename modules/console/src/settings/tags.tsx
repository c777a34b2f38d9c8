// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useState } from 'preact/hooks';
import { send, type Tag } from '../api.ts';
import { t } from '../i18n.ts';
import { useAction } from '../load.ts';
import { can, useSession } from '../session.ts';
import { announce, Confirm, Dialog, Empty, ErrorNote, Field, Glyph, Id, TagChip } from '../ui/index.tsx';
import { AdminsOnly, Buttons, rest } from './parts.tsx';

/** Names stand beside the colours: a colour alone tells nothing to many. */
const COLOURS = {
    grey: '#6b7280', red: '#dc2626', orange: '#ea580c', yellow: '#ca8a04', green: '#16a34a', teal: '#0d9488', blue: '#2563eb', violet: '#7c3aed', pink: '#db2777', brown: '#92400e',
} as const;
type Colour = keyof typeof COLOURS;

export function Tags() {
    const { me, tags } = useSession();
    const admin = can(me, 'admin');
    const [open, setOpen] = useState<Tag | 'new' | null>(null);
    return (
        <>
            {!admin && <AdminsOnly what={t('settings.tags.change')} />}
            {admin && <div class="row"><span class="grow" /><button type="button" class="primary" onClick={() => setOpen('new')}><Glyph name="plus" />{t('settings.tags.create')}</button></div>}
            {tags.length === 0 && <Empty title={t('settings.tags.none')}>{t('settings.tags.noneText')}</Empty>}
            {tags.length > 0 && (
                <div class="table">
                    <table>
                        <thead><tr><th>{t('settings.tags.tag')}</th><th>{t('settings.tags.description')}</th><th>{t('settings.projects.id')}</th><th><span class="unseen">{t('settings.actions')}</span></th></tr></thead>
                        <tbody>
                            {tags.map((one) => (
                                <tr key={one.id}>
                                    <td><TagChip tag={one} /></td>
                                    <td class="wide">{one.description}</td>
                                    <td><Id id={one.id} /></td>
                                    <td class="number">{admin && <button type="button" aria-label={`${t('common.edit')}: ${one.name}`} onClick={() => setOpen(one)}>{t('common.edit')}</button>}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            {open && <Editor tag={open === 'new' ? null : open} onClose={() => setOpen(null)} />}
        </>
    );
}

function Editor({ tag, onClose }: { tag: Tag | null; onClose: () => void }) {
    const { refresh } = useSession();
    const [name, setName] = useState(tag?.name ?? '');
    const [color, setColor] = useState((tag?.color ?? COLOURS.blue).toLowerCase());
    const [description, setDescription] = useState(tag?.description ?? '');
    const [removing, setRemoving] = useState(false);
    const save = useAction(async () => {
        await send(tag ? 'PUT' : 'POST', tag ? `/v1/tags/${tag.id}` : '/v1/tags/', { name: name.trim(), color, description: description.trim() || null });
        await refresh();
        announce(t('common.saved'));
        onClose();
    });
    const remove = useAction(async () => {
        await send('DELETE', `/v1/tags/${tag!.id}`);
        await refresh();
        onClose();
    });
    if (removing) {
        return <Confirm danger title={t('settings.tags.deleteAsk', { name: tag!.name })} text={t('settings.tags.deleteText')} action={t('settings.tags.delete')}
            busy={remove.busy} error={remove.error} onYes={() => void remove.run()} onClose={() => setRemoving(false)} />;
    }
    const known = (Object.keys(COLOURS) as Colour[]).find((one) => COLOURS[one] === color);
    return (
        <Dialog panel title={tag ? tag.name : t('settings.tags.create')} onClose={onClose}>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); void save.run(); }}>
                <Field label={t('settings.name')} name="name" error={save.error}>{(props) => <input {...props} value={name} required maxLength={50} autofocus={!tag} onInput={(event) => setName(event.currentTarget.value)} />}</Field>
                <fieldset class="stack tight">
                    <legend>{t('settings.tags.color')}</legend>
                    <div class="row wrap">
                        {(Object.keys(COLOURS) as Colour[]).map((one) => (
                            <label class="swatch" key={one}>
                                <input type="radio" name="color" checked={known === one} onChange={() => setColor(COLOURS[one])} />
                                <TagChip tag={{ id: '', name: t(`settings.tags.colours.${one}`), color: COLOURS[one], description: null }} />
                            </label>
                        ))}
                        <label class="swatch">
                            <input type="radio" name="color" checked={!known} onChange={() => setColor('#336699')} />
                            <span class="chip"><span class="dot other" aria-hidden="true" />{t('settings.tags.other')}</span>
                        </label>
                    </div>
                    {!known && <Field label={t('settings.tags.other')} name="color" error={save.error}>{(props) => <input {...props} type="color" value={color} onInput={(event) => setColor(event.currentTarget.value)} />}</Field>}
                </fieldset>
                <Field label={t('settings.tags.description')} name="description" optional error={save.error} hint={t('settings.tags.descriptionHint')}>{(props) => <textarea {...props} rows={3} maxLength={500} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />}</Field>
                <div class="field"><span class="label">{t('settings.tags.preview')}</span><span><TagChip tag={{ id: '', name: name || t('settings.tags.tag'), color, description: null }} /></span></div>
                <ErrorNote error={rest(save.error, ['name', 'color', 'description'])} />
                <Buttons busy={save.busy} label={tag ? t('common.save') : t('common.create')} onClose={onClose}
                    extra={tag && <button type="button" class="danger" onClick={() => setRemoving(true)}>{t('settings.tags.delete')}</button>} />
            </form>
        </Dialog>
    );
}
