// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Project } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { go } from '../router.ts';
import { useSession } from '../session.ts';
import { Glyph, StatusMark, TagChip, Time } from '../ui/index.tsx';
import type { Preview, Row } from './rows.ts';
import type { Selection } from './selection.ts';

/** Those that can be chosen; status and input are always there. */
export const COLUMNS = ['output', 'model', 'prompt', 'run', 'tags', 'created', 'reviewer', 'version', 'id'] as const;

interface Props {
    rows: Row[]; columns: string[]; dense: boolean; everyProject: boolean; project: Project | null;
    selection: Selection; current: string | null; find: string; stale: boolean; mayReview: boolean;
    href: (id: string) => string; named: (id: string) => string | null; leases: Map<string, string>;
    onChoose: (id: string, far: boolean) => void; onChooseAll: (yes: boolean) => void; onCurrent: (id: string) => void;
}

export function TraceTable(props: Props) {
    const { rows, columns, selection, everyProject } = props;
    const head = useRef<HTMLInputElement>(null);
    const chosen = selection.chosen.size;
    useEffect(() => { if (head.current) head.current.indeterminate = chosen > 0 && chosen < rows.length; });
    return (
        <div class="table">
            <table class={props.dense ? 'dense list' : 'list'} aria-busy={props.stale}>
                <thead>
                    <tr>
                        {props.mayReview && <th class="c-check"><input type="checkbox" ref={head} aria-label={t('traces.chooseAll')} checked={chosen > 0 && chosen === rows.length} onChange={(event) => props.onChooseAll(event.currentTarget.checked)} /></th>}
                        <th class="c-status">{t('traces.status')}</th>
                        <th class="c-input">{t('traces.input')}</th>
                        {everyProject && <th class="c-project">{t('shell.project')}</th>}
                        {COLUMNS.filter((one) => columns.includes(one)).map((one) => <th key={one} class={`c-${one}`}>{t(`traces.columns.${one}` as TextKey)}</th>)}
                    </tr>
                </thead>
                <tbody>{rows.map((row) => <TraceRow key={row.id} row={row} {...props} />)}</tbody>
            </table>
        </div>
    );
}

function TraceRow({ row, ...props }: Props & { row: Row }) {
    const { columns, find, leases, named } = props;
    const { everyProject } = useSession();
    const chosen = props.selection.chosen.has(row.id);
    const holder = row.status === 'pending' ? leases.get(row.id) : undefined;
    const href = props.href(row.id);
    const type = (props.project ?? everyProject.find((one) => one.id === row.project))?.input_type ?? 'text';
    const onClick = (event: MouseEvent) => {
        const target = event.target as Element;
        if (event.shiftKey && props.mayReview) {
            event.preventDefault();
            getSelection()?.removeAllRanges();
            props.onChoose(row.id, true);
        } else if (!target.closest('a, button, input, label') && !getSelection()?.toString()) go(href);
    };
    const cells: Record<string, () => ComponentChildren> = {
        output: () => <Shown preview={row.output} find={find} mark={row.corrected} />,
        model: () => <Marked text={row.model} find={find} />,
        prompt: () => <Marked text={row.prompt} find={find} />,
        run: () => <Marked text={row.run} find={find} />,
        tags: () => row.tags.length > 0 && <span class="row tags">{row.tags.map((tag) => <TagChip tag={tag} key={tag.id} />)}</span>,
        created: () => <Time at={row.created} />,
        reviewer: () => row.reviewer && row.status !== 'pending' && <span title={row.reviewer}>{named(row.reviewer) ?? shorten(row.reviewer)}</span>,
        version: () => row.version,
        id: () => <code title={row.id}><Marked text={shorten(row.id)} find={find} /></code>,
    };
    return (
        <tr data-row={row.id} class={`${chosen ? 'chosen' : ''} ${props.current === row.id ? 'current' : ''}`} aria-selected={props.mayReview ? chosen : undefined}
            onClick={onClick} onFocusCapture={() => { if (props.current !== row.id) props.onCurrent(row.id); }}>
            {props.mayReview && (
                <td class="c-check"><label class="hit"><input type="checkbox" aria-label={t('traces.choose', { what: previewTitle(row, type) })} checked={chosen}
                    onClick={(event) => { if (event.shiftKey) { event.stopPropagation(); event.preventDefault(); props.onChoose(row.id, true); } }}
                    onChange={() => props.onChoose(row.id, false)} /></label></td>
            )}
            <td class="c-status">
                <StatusMark status={row.status} />
                {holder !== undefined && <small class="holder" title={t('traces.holder', { name: holder })}>{t('traces.holder', { name: holder })}</small>}
            </td>
            <td class="c-input"><a href={href}>{previewTitle(row, type) === '' || isEmpty(row.input) ? <span>{t(`traces.document.${type}` as TextKey)}</span> : <Shown preview={row.input} find={find} />}</a></td>
            {props.everyProject && <td class="c-project clip">{everyProject.find((one) => one.id === row.project)?.name}</td>}
            {COLUMNS.filter((one) => columns.includes(one)).map((one) => <td key={one} class={`c-${one}`} data-label={t(`traces.columns.${one}` as TextKey)}>{cells[one]()}</td>)}
        </tr>
    );
}

const isEmpty = (preview: Preview) => 'text' in preview && preview.text === '';
const shorten = (id: string) => (id.length <= 16 ? id : `${id.slice(0, 9)}…${id.slice(-4)}`);
function previewTitle(row: Row, type: string): string {
    const text = 'text' in row.input ? row.input.text : row.input.pairs.map((pair) => pair.join(' ')).join(' ');
    return text.slice(0, 80) || t(`traces.document.${type}` as TextKey);
}

function Shown({ preview, find, mark }: { preview: Preview; find: string; mark?: boolean }) {
    return (
        <span class="preview">
            {mark && <><Glyph name="corrected" /><span class="unseen">{t('status.corrected')}: </span></>}
            {'text' in preview ? <Marked text={preview.text} find={find} />
                : preview.pairs.map(([key, value], at) => <span class="pair" key={at}><span class="quiet"><Marked text={key} find={find} /></span> <Marked text={value} find={find} /></span>)}
        </span>
    );
}

/** What was searched for, marked. */
function Marked({ text, find }: { text: string; find: string }) {
    if (!find || !text) return <>{text}</>;
    const parts: ComponentChildren[] = [];
    const low = text.toLowerCase();
    const sought = find.toLowerCase();
    let at = 0;
    // Lowering may change a text's length (İ): then positions would not agree.
    for (let hit = low.length === text.length ? low.indexOf(sought) : -1; hit >= 0; hit = low.indexOf(sought, at)) {
        parts.push(text.slice(at, hit), <mark key={hit}>{text.slice(hit, hit + sought.length)}</mark>);
        at = hit + sought.length;
    }
    return <>{parts}{text.slice(at)}</>;
}
