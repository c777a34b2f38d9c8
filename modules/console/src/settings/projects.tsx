// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useState } from 'preact/hooks';
import { send, type InputType, type OutputType, type Project } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { useAction } from '../load.ts';
import { webhookSettingsHref } from '../links.ts';
import { BASE } from '../router.ts';
import { can, useSession } from '../session.ts';
import { announce, Dialog, Empty, ErrorNote, Field, Glyph, Id, Time } from '../ui/index.tsx';
import { AdminsOnly, Buttons, Locked, rest, useLocks } from './parts.tsx';

const INPUTS: InputType[] = ['text', 'pdf', 'image'];
const OUTPUTS: OutputType[] = ['key_value', 'text', 'classification'];

export function Projects() {
    const { me, everyProject, projects } = useSession();
    const admin = can(me, 'admin');
    const [open, setOpen] = useState<Project | 'new' | null>(null);
    const [archived, setArchived] = useState(false);
    const gone = everyProject.length - projects.length;
    const shown = archived ? everyProject : projects;
    return (
        <>
            {!admin && <AdminsOnly what={t('settings.projects.change')} />}
            <div class="row wrap">
                {gone > 0 && <label class="field check"><input type="checkbox" checked={archived} onChange={(event) => setArchived(event.currentTarget.checked)} /><span>{t('settings.projects.withArchived', { count: gone })}</span></label>}
                <span class="grow" />
                {admin && <button type="button" class="primary" onClick={() => setOpen('new')}><Glyph name="plus" />{t('settings.projects.create')}</button>}
            </div>
            {shown.length === 0 && <Empty title={t('settings.projects.none')}>{t('settings.projects.noneText')}</Empty>}
            {shown.length > 0 && (
                <div class="table">
                    <table>
                        <thead><tr>
                            <th>{t('settings.name')}</th><th>{t('settings.projects.id')}</th><th>{t('settings.projects.input')}</th><th>{t('settings.projects.output')}</th>
                            <th>{t('settings.projects.webhook')}</th><th>{t('settings.created')}</th><th><span class="unseen">{t('settings.actions')}</span></th>
                        </tr></thead>
                        <tbody>
                            {shown.map((one) => (
                                <tr key={one.id} class={one.archived ? 'off' : ''}>
                                    <td><a href={`${BASE}traces?project=${one.id}`}>{one.name}</a>{one.archived && <span class="chip">{t('settings.projects.archived')}</span>}{one.managed && <span class="chip"><Glyph name="lock" />{t('settings.projects.managed')}</span>}</td>
                                    <td><Id id={one.id} whole /></td>
                                    <td data-label={t('settings.projects.input')}>{t(`settings.projects.inputs.${one.input_type}` as TextKey)}</td>
                                    <td data-label={t('settings.projects.output')}>{t(`settings.projects.outputs.${one.output_type}` as TextKey)}</td>
                                    <td data-label={t('settings.projects.webhook')}><a href={webhookSettingsHref(one.id)}>{t(one.webhook_active ? 'settings.webhook.on' : one.webhook_url ? 'settings.webhook.off' : 'settings.webhook.unset')}</a></td>
                                    <td data-label={t('settings.created')}><Time at={one.created_at} /></td>
                                    <td class="number">{admin && <button type="button" aria-label={`${t('common.edit')}: ${one.name}`} onClick={() => setOpen(one)}>{t('common.edit')}</button>}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            {open && <Editor project={open === 'new' ? null : open} onClose={() => setOpen(null)} />}
        </>
    );
}

function Editor({ project, onClose }: { project: Project | null; onClose: () => void }) {
    const session = useSession();
    const [name, setName] = useState(project?.name ?? '');
    const [input, setInput] = useState<InputType>(project?.input_type ?? 'text');
    const [output, setOutput] = useState<OutputType>(project?.output_type ?? 'key_value');
    const [guidelines, setGuidelines] = useState(project?.guidelines ?? '');
    const [made, setMade] = useState<Project | null>(null);
    const { locked, learn } = useLocks(project, (members) => {
        if (members.includes('name')) setName(project!.name);
        if (members.includes('input_type')) setInput(project!.input_type);
        if (members.includes('output_type')) setOutput(project!.output_type);
        if (members.includes('guidelines')) setGuidelines(project!.guidelines ?? '');
    });
    const types = project !== null && (input !== project.input_type || output !== project.output_type);

    const save = useAction(async () => {
        const wanted = { name: name.trim(), input_type: input, output_type: output, guidelines: guidelines.trim() === '' ? null : guidelines };
        // Only what was changed: what the server's configuration declares is refused.
        const body = project ? Object.fromEntries(Object.entries(wanted).filter(([key, value]) => value !== project[key as keyof Project])) : wanted;
        const result = project && Object.keys(body).length === 0 ? project : await learn(send<Project>(project ? 'PUT' : 'POST', project ? `/v1/projects/${project.id}` : '/v1/projects/', body));
        await session.refresh();
        announce(t('common.saved'));
        if (project) onClose();
        else setMade(result);
    });
    const shelve = useAction(async () => {
        if (project!.archived) await send('PUT', `/v1/projects/${project!.id}`, { archived: false });
        else await send('DELETE', `/v1/projects/${project!.id}`);
        await session.refresh();
        onClose();
    });
    if (made) {
        return (
            <Dialog panel title={t('settings.projects.made', { name: made.name })} onClose={onClose}>
                <p>{t('settings.projects.madeText')}</p>
                <Id id={made.id} whole />
                <div class="row"><a class="button primary" href={`${BASE}traces?project=${made.id}`} onClick={onClose}>{t('settings.projects.sendFirst')}</a><span class="grow" /><button type="button" onClick={onClose}>{t('common.close')}</button></div>
            </Dialog>
        );
    }
    const bytes = new TextEncoder().encode(guidelines).length;
    return (
        <Dialog panel title={project ? project.name : t('settings.projects.create')} onClose={onClose}>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); void save.run(); }}>
                {project && <div class="field"><span class="label">{t('settings.projects.id')}</span><Id id={project.id} whole /></div>}
                {project?.managed && <Locked>{t('settings.projects.managedText')}</Locked>}
                <Field label={t('settings.name')} name="name" error={save.error}>{(props) => <input {...props} value={name} required maxLength={100} autofocus={!project} disabled={locked('name')} onInput={(event) => setName(event.currentTarget.value)} />}</Field>
                <Field label={t('settings.projects.input')} name="input_type" error={save.error} hint={t(`settings.projects.inputHints.${input}` as TextKey)}>{(props) => (
                    <select {...props} value={input} disabled={locked('input_type')} onChange={(event) => setInput(event.currentTarget.value as InputType)}>{INPUTS.map((one) => <option key={one} value={one}>{t(`settings.projects.inputs.${one}` as TextKey)}</option>)}</select>
                )}</Field>
                <Field label={t('settings.projects.output')} name="output_type" error={save.error} hint={t(`settings.projects.outputHints.${output}` as TextKey)}>{(props) => (
                    <select {...props} value={output} disabled={locked('output_type')} onChange={(event) => setOutput(event.currentTarget.value as OutputType)}>{OUTPUTS.map((one) => <option key={one} value={one}>{t(`settings.projects.outputs.${one}` as TextKey)}</option>)}</select>
                )}</Field>
                {types && <p class="note warn"><Glyph name="warn" /><span class="grow">{t('settings.projects.typesWarn')}</span></p>}
                <Field label={t('settings.projects.guidelines')} name="guidelines" optional hint={t('settings.projects.guidelinesHint')}
                    error={bytes > 16384 ? t('settings.projects.tooLong') : save.error}>{(props) => <textarea {...props} rows={10} value={guidelines} disabled={locked('guidelines')} onInput={(event) => setGuidelines(event.currentTarget.value)} />}</Field>
                <ErrorNote error={rest(save.error, ['name', 'input_type', 'output_type', 'guidelines']) ?? shelve.error} />
                <Buttons busy={save.busy} label={project ? t('common.save') : t('common.create')} onClose={onClose}
                    extra={project && <button type="button" class={project.archived ? '' : 'danger'} disabled={shelve.busy || (!project.archived && locked('archived'))} onClick={() => void shelve.run()}>{t(project.archived ? 'settings.projects.restore' : 'settings.projects.archive')}</button>} />
                {project && !(locked('archived') && !project.archived) && <small>{t(project.archived ? 'settings.projects.restoreNote' : 'settings.projects.archiveNote')}</small>}
            </form>
        </Dialog>
    );
}
