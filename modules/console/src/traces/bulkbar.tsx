// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What can be done to the chosen traces: verdicts and tags, each trace by itself.

import { useRef, useState } from 'preact/hooks';
import { ask, changeTrace, reviewTrace, traceOf, type ApiError, type Status, type Tag, type Trace } from '../api.ts';
import { parseJson } from '../json.ts';
import { t, type TextKey } from '../i18n.ts';
import { useSession } from '../session.ts';
import { announce, Dialog, errorText, Field, Glyph, Menu } from '../ui/index.tsx';
import { each, type Progress } from './bulk.ts';
import { previewText, refreshed, type Row } from './rows.ts';

type Job =
    | { kind: 'approve' } | { kind: 'reject' } | { kind: 'reset' }
    | { kind: 'tag'; tag: Tag } | { kind: 'untag'; tag: Tag };

/** Those that the job changes. */
function concerned(rows: Row[], job: Job): Row[] {
    switch (job.kind) {
    case 'approve': case 'reject': return rows.filter((row) => row.status === 'pending');
    case 'reset': return rows.filter((row) => row.status !== 'pending');
    case 'tag': return rows.filter((row) => !row.tags.some((tag) => tag.id === job.tag.id));
    case 'untag': return rows.filter((row) => row.tags.some((tag) => tag.id === job.tag.id));
    }
}

async function perform(row: Pick<Row, 'id' | 'version'>, job: Job, comment: string): Promise<Trace> {
    const path = `/v1/traces/${encodeURIComponent(row.id)}`;
    switch (job.kind) {
    case 'approve': case 'reject': return reviewTrace(row.id, row.version, job.kind, { comment });
    case 'reset': return changeTrace(row.id, 'reset', row.version);
    case 'tag': return traceOf(parseJson((await ask(`${path}/tags`, { method: 'POST', body: { tag_ids: [job.tag.id] } })).text));
    case 'untag': return traceOf(parseJson((await ask(`${path}/tags/${job.tag.id}`, { method: 'DELETE' })).text));
    }
}

export function BulkBar({ rows, onChange, onClear }: {
    rows: Row[]; onChange: (change: (rows: Row[]) => Row[]) => void; onClear: () => void;
}) {
    const { tags } = useSession();
    const [job, setJob] = useState<Job | null>(null);
    const pending = concerned(rows, { kind: 'approve' }).length;
    const worn = tags.filter((tag) => rows.some((row) => row.tags.some((one) => one.id === tag.id)));
    return (
        <div class="row wrap bulk" role="toolbar" aria-label={t('bulk.title')}>
            <strong role="status">{t('bulk.chosen', { count: rows.length })}</strong>
            <button type="button" disabled={pending === 0} onClick={() => setJob({ kind: 'approve' })}><Glyph name="approved" />{t('bulk.approve.do')}</button>
            <button type="button" disabled={pending === 0} onClick={() => setJob({ kind: 'reject' })}><Glyph name="rejected" />{t('bulk.reject.do')}</button>
            {tags.length > 0 && <Menu start plain={false} label={<>{t('bulk.tag.do')}<Glyph name="down" /></>} items={tags.map((tag) => ({ label: tag.name, run: () => setJob({ kind: 'tag', tag }) }))} />}
            {worn.length > 0 && <Menu start plain={false} label={<>{t('bulk.untag.do')}<Glyph name="down" /></>} items={worn.map((tag) => ({ label: tag.name, run: () => setJob({ kind: 'untag', tag }) }))} />}
            {rows.length > pending && <button type="button" onClick={() => setJob({ kind: 'reset' })}><Glyph name="reset" />{t('bulk.reset.do')}</button>}
            <span class="grow" />
            <button type="button" class="plain" onClick={onClear}>{t('bulk.clear')}</button>
            {job && <Doing rows={rows} job={job} onChange={onChange} onClose={(done) => { setJob(null); if (done) onClear(); }} />}
        </div>
    );
}

/** Asks, does it while one watches, and tells what became of each. */
function Doing({ rows, job, onChange, onClose }: {
    rows: Row[]; job: Job; onChange: (change: (rows: Row[]) => Row[]) => void; onClose: (done: boolean) => void;
}) {
    // What was chosen as the dialog opened: rows change while it works.
    const [chosen] = useState(rows);
    const [doing, setDoing] = useState(job);
    const [items, setItems] = useState<Pick<Row, 'id' | 'version' | 'input'>[]>(() => concerned(rows, job));
    const [comment, setComment] = useState('');
    const [progress, setProgress] = useState<Progress<Pick<Row, 'id' | 'version' | 'input'>, Trace> | null>(null);
    const [state, setState] = useState<'asking' | 'running' | 'done'>('asking');
    const abort = useRef<AbortController | null>(null);
    const left = chosen.length - items.length;
    const words = (what: string) => `bulk.${doing.kind}.${what}` as TextKey;
    const tag = doing.kind === 'tag' || doing.kind === 'untag' ? doing.tag.name : '';

    const start = async (what: Job, on: Pick<Row, 'id' | 'version' | 'input'>[]) => {
        abort.current = new AbortController();
        setDoing(what);
        setItems(on);
        setProgress({ total: on.length, done: [], failed: [] });
        setState('running');
        const result = await each(on, async (row) => {
            const trace = await perform(row, what, comment.trim());
            onChange((all) => refreshed(all, trace));
            return trace;
        }, { onProgress: setProgress, signal: abort.current.signal });
        setProgress(result);
        setState('done');
        announce(t(`bulk.${what.kind}.done` as TextKey, { count: result.done.length, tag: 'tag' in what ? what.tag.name : '' }));
    };
    const undo = () => {
        const done = progress!.done;
        const back: Job = doing.kind === 'tag' ? { kind: 'untag', tag: doing.tag } : doing.kind === 'untag' ? { kind: 'tag', tag: doing.tag } : { kind: 'reset' };
        void start(back, done.map(({ item, result }) => ({ ...item, version: result.version })));
    };
    const close = () => {
        if (state === 'running') abort.current?.abort();
        else onClose(state === 'done');
    };
    return (
        <Dialog title={t(state === 'asking' ? words('ask') : words('title'), { count: items.length, tag })} onClose={close}>
            {state === 'asking' && (
                <form class="stack" onSubmit={(event) => { event.preventDefault(); void start(job, items); }}>
                    {left > 0 && <p class="note">{t(words('left'), { count: left, tag })}</p>}
                    {(job.kind === 'reject' || job.kind === 'approve') && (
                        <Field label={t('bulk.comment')} optional hint={t('bulk.commentNote')}>{(props) => <textarea {...props} rows={3} maxLength={4000} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />}</Field>
                    )}
                    <div class="row">
                        <span class="grow" />
                        <button type="button" onClick={close}>{t('common.cancel')}</button>
                        <button type="submit" class={job.kind === 'reject' ? 'danger' : 'primary'} disabled={items.length === 0} autofocus={job.kind !== 'reject'}>{t(words('confirm'), { count: items.length, tag })}</button>
                    </div>
                </form>
            )}
            {state !== 'asking' && progress && (
                <div class="stack">
                    <progress max={progress.total} value={progress.done.length + progress.failed.length} aria-label={t(words('title'), { count: items.length, tag })} />
                    <p role="status">{t(words('done'), { count: progress.done.length, tag })}{progress.failed.length > 0 && ` ${t('bulk.failed', { count: progress.failed.length })}`}</p>
                    {progress.failed.length > 0 && (
                        <ul class="failures" aria-label={t('bulk.failed', { count: progress.failed.length })}>
                            {progress.failed.map(({ item, error }) => (
                                <li key={item.id}>
                                    <strong class="clip">{previewText(item.input) || item.id}</strong>
                                    <span>{reason(error)}</span>
                                </li>
                            ))}
                        </ul>
                    )}
                    {state === 'done' && doing.kind !== 'tag' && doing.kind !== 'untag' && doing.kind !== 'reset' && <small>{t('bulk.undoNote')}</small>}
                    <div class="row">
                        {state === 'done' && doing === job && job.kind !== 'reset' && progress.done.length > 0 && <button type="button" onClick={undo}><Glyph name="reset" />{t('bulk.undo')}</button>}
                        <span class="grow" />
                        {state === 'running' ? <button type="button" onClick={close}>{t('bulk.stop')}</button> : <button type="button" class="primary" autofocus onClick={close}>{t('common.close')}</button>}
                    </div>
                </div>
            )}
        </Dialog>
    );
}

/** Why a trace stayed as it was; a conflict says how it stands now. */
function reason(error: ApiError): string {
    const status = error.body.status as Status | undefined;
    if (error.status === 409 && status) return t('bulk.conflict', { status: t(`status.${status}` as TextKey) });
    if (error.status === 404) return t('bulk.gone');
    return errorText(error);
}
