// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the model was given: the left pane of the review screen. Keep one InputPane
// mounted from trace to trace (no key by trace): its PDF frame then stays warm.

import { useEffect, useMemo } from 'preact/hooks';
import type { Project } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { member, textOf, type Json } from '../json.ts';
import { useStored } from '../settings.ts';
import { Glyph } from '../ui/index.tsx';
import { hasColumns } from './columns.ts';
import { ImagePane } from './image.tsx';
import { findInPdf, PdfPane, warmFrame, warmPdf } from './pdf.tsx';
import { downloadMain, pinInput, readyInput, type Ready } from './ready.ts';
import { findableText, valuePatterns } from './search.ts';
import { partText, type Message } from './shape.ts';
import { clearFound, findInTexts, TextView } from './text.tsx';
import { JsonTree } from './tree.tsx';
import './inputs.css';

/** For screens that are about to show a project's traces: pdf.js, which is loaded for projects of PDFs alone, comes while the trace does. */
export function warmPane(project: Project): void {
    if (project.input_type === 'pdf') warmFrame();
}

/** input: the trace's model_input. Fills its parent, which has a height. */
export function InputPane({ project, input, traceId }: { project: Project; input: Json; traceId: string }) {
    const ready = useMemo(() => readyInput(project, input, traceId), [project.input_type, input, traceId]);
    useEffect(() => pinInput(project, traceId), [project.input_type, traceId]);
    useEffect(() => clearFound, [traceId]);
    const { shape } = ready;
    const isPdf = project.input_type === 'pdf' && !shape.misfit && !ready.problem;
    return (
        <section class="input" aria-label={t('input.label')} tabIndex={-1} data-trace={traceId}>
            {shape.misfit && <Notice>{shape.misfit.reason === 'notObject' ? t('input.notObject')
                : shape.misfit.reason === 'notText' ? t('input.notText', { key: shape.misfit.key })
                    : t(`input.misfit_${project.input_type}` as TextKey, { key: shape.misfit.key })}</Notice>}
            {shape.system !== undefined && <System text={shape.system} projectId={project.id} />}
            {!shape.misfit && <Main project={project} ready={ready} traceId={traceId} />}
            {project.input_type === 'pdf' && <PdfPane ready={ready} traceId={traceId} off={!isPdf} />}
            {shape.others && (shape.misfit ? <div class="body"><JsonTree key={traceId} value={shape.others} label={t('input.label')} /></div>
                : <Others value={shape.others} projectId={project.id} traceId={traceId} />)}
        </section>
    );
}

function Main({ project, ready, traceId }: { project: Project; ready: Ready; traceId: string }) {
    if (project.input_type === 'text') return <Text key={traceId} projectId={project.id} content={ready.shape.main} messages={ready.shape.messages} />;
    if (ready.problem) return <Problem project={project} ready={ready} />;
    if (ready.image) return <ImagePane image={ready.image} name={ready.name} projectId={project.id} onDownload={() => downloadMain(ready)} />;
    return null;
}

function Notice({ children }: { children: string }) {
    return <p class="note warn" role="status"><Glyph name="warn" /><span class="grow">{children}</span></p>;
}

function Problem({ project, ready }: { project: Project; ready: Ready }) {
    const key = project.input_type === 'pdf' ? 'pdf_base64' : 'image_base64';
    return <>
        <div class="note warn" role="status">
            <Glyph name="warn" />
            <span class="grow">{t(`input.${ready.problem}` as TextKey, { key })}{ready.text !== undefined && ` ${t('input.shownAsText')}`}</span>
            {ready.problem !== 'notBase64' && <button type="button" onClick={() => downloadMain(ready)}>{t('input.download')}</button>}
        </div>
        <div class="body"><TextView class="mono" text={ready.text ?? ready.shape.main!.slice(0, 2000)} /></div>
    </>;
}

function System({ text, projectId }: { text: string; projectId: string }) {
    const [open, setOpen] = useStored(`input.system.${projectId}`, 'no');
    return (
        <details class="system" open={open === 'yes'} onToggle={(event) => setOpen(event.currentTarget.open ? 'yes' : 'no')}>
            <summary>{t('input.system')} <small>{t('input.systemNote')}</small></summary>
            <TextView text={text} />
        </details>
    );
}

function Others({ value, projectId, traceId }: { value: Json; projectId: string; traceId: string }) {
    const [open, setOpen] = useStored(`input.others.${projectId}`, 'yes');
    return (
        <details class="others" open={open === 'yes'} onToggle={(event) => setOpen(event.currentTarget.open ? 'yes' : 'no')}>
            <summary>{t('input.others')}</summary>
            {open === 'yes' && <JsonTree key={traceId} value={value} label={t('input.others')} />}
        </details>
    );
}

function Text({ projectId, content, messages }: { projectId: string; content: string | undefined; messages: Message[] | undefined }) {
    // As the text asks for, unless somebody chose for this project.
    const [face, setFace] = useStored(`input.face.${projectId}`, 'auto');
    const columns = useMemo(() => hasColumns(content ?? '') || (messages ?? []).some(({ content: said }) => hasColumns(said ? textOf(said) ?? '' : '')), [content, messages]);
    const mono = face === 'auto' ? columns : face === 'mono';
    if (content === '' && !messages) return <p class="body quiet">{t('input.noContent')}</p>;
    if (content === undefined && !messages) return null;
    return (
        <div class={`body ${mono ? 'in-columns' : ''}`} tabIndex={0} role="group" aria-label={t('input.label')}>
            <button type="button" class="plain face" aria-pressed={mono} title={t('input.columns')} aria-label={t('input.columns')} onClick={() => setFace(mono === columns ? (mono ? 'plain' : 'mono') : 'auto')}><code>Aa</code></button>
            {content && <TextView class="content" text={content} />}
            {messages && <ol class="messages">{messages.map((one, at) => <MessageView key={at} message={one} number={at + 1} />)}</ol>}
        </div>
    );
}

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

function MessageView({ message, number }: { message: Message; number: number }) {
    const { role, name, content, rest } = message;
    const parts = content?.kind === 'array' ? content.items : content && content.kind !== 'null' ? [content] : [];
    return (
        <li class={`message ${ROLES.has(role) ? role : ''}`}>
            <h3>{ROLES.has(role) ? t(`input.role_${role}` as TextKey) : role}{name && <small> {name}</small>}</h3>
            {parts.map((part, at) => {
                const text = partText(part);
                return text !== undefined ? <TextView key={at} text={text} />
                    : <JsonTree key={at} value={part} label={textOf(member(part, 'type')) ?? t('input.message', { number })} />;
            })}
            {rest.length > 0 && <JsonTree value={{ kind: 'object', members: rest }} label={t('input.message', { number })} />}
        </li>
    );
}

// ------------------------------------------------------------ from outside

/** Makes the next trace ready, so that showing it takes no time. */
export function warmInput(project: Project, input: Json, traceId: string): void {
    const ready = readyInput(project, input, traceId);
    if (ready.image) {
        const image = new Image();
        image.src = ready.image.url;
        image.decode().catch(() => { /* said when it is shown */ });
    } else if (project.input_type === 'pdf' && ready.bytes) warmPdf(ready, traceId);
}

/**
 * Looks for a value of the output in what is shown, as it may be written there, and scrolls to it; the same
 * value again goes to the next place. at: which of count places (from 0); an image is not searched.
 */
export async function findInInput(text: string): Promise<{ count: number; at: number; page?: number }> {
    const patterns = valuePatterns(text);
    if (document.querySelector('.input .pdf:not([hidden])')) {
        const inPdf = await findInPdf(findableText(text), patterns);
        if (inPdf.count) return inPdf;
    }
    return findInTexts(patterns);
}
