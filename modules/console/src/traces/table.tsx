// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Project } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { memo, useSteady } from '../memo.ts';
import { go } from '../router.ts';
import { useSession } from '../session.ts';
import { Glyph, StatusMark, TagChip, Time } from '../ui/index.tsx';
import type { Preview, Row } from './rows.ts';
import type { Selection } from './selection.ts';

/** Those that can be chosen; status and input are always there. */
export const COLUMNS = ['output', 'model', 'prompt', 'run', 'tags', 'created', 'reviewer', 'version', 'id'] as const;

/** More than a tall screen shows. */
const AT_ONCE = 30;

interface Props {
    /** Every row at once: somebody was further down. */
    whole: boolean;
    rows: Row[]; columns: string[]; dense: boolean; everyProject: boolean; project: Project | null;
    selection: Selection; current: string | null; find: string; stale: boolean; mayReview: boolean;
    href: (id: string) => string; named: (id: string) => string | null; leases: Map<string, string>;
    onChoose: (id: string, far: boolean) => void; onChooseAll: (yes: boolean) => void; onCurrent: (id: string) => void;
}

export function TraceTable(props: Props) {
    const { rows, columns, selection, everyProject, find, leases } = props;
    const session = useSession();
    // What is seen is painted first; the rest follows it.
    const [rest, setRest] = useState(props.whole);
    useEffect(() => setRest(true), []);
    const cells = useMemo(() => COLUMNS.filter((one) => columns.includes(one)), [columns.join()]);
    const does = useSteady({ choose: props.onChoose, current: props.onCurrent });
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
                        {cells.map((one) => <th key={one} class={`c-${one}`}>{t(`traces.columns.${one}` as TextKey)}</th>)}
                    </tr>
                </thead>
                <tbody>{(rest ? rows : rows.slice(0, AT_ONCE)).map((row) => {
                    const project = props.project ?? session.everyProject.find((one) => one.id === row.project);
                    return (
                        <TraceRow key={row.id} row={row} cells={cells} find={find} href={props.href(row.id)} type={project?.input_type ?? 'text'} project={everyProject ? project?.name ?? '' : null} mayReview={props.mayReview}
                            chosen={selection.chosen.has(row.id)} current={props.current === row.id} holder={row.status === 'pending' ? leases.get(row.id) : undefined}
                            reviewer={row.reviewer && row.status !== 'pending' ? props.named(row.reviewer) ?? shorten(row.reviewer) : ''} choose={does.choose} makeCurrent={does.current} />
                    );
                })}</tbody>
            </table>
        </div>
    );
}

interface RowProps {
    row: Row; cells: readonly (typeof COLUMNS)[number][]; find: string; href: string; type: string; mayReview: boolean; chosen: boolean; current: boolean;
    /** Its name, where the list shows every project. */
    project: string | null;
    holder: string | undefined; reviewer: string;
    choose: (id: string, far: boolean) => void; makeCurrent: (id: string) => void;
}

// Rendered again only when something of its own is another: the list around it changes with every answer.
const TraceRow = memo(({ row, cells, find, href, type, mayReview, chosen, current, project, holder, reviewer, choose, makeCurrent }: RowProps) => {
    const onClick = (event: MouseEvent) => {
        const target = event.target as Element;
        if (event.shiftKey && mayReview) {
            event.preventDefault();
            getSelection()?.removeAllRanges();
            choose(row.id, true);
        } else if (!target.closest('a, button, input, label') && !getSelection()?.toString()) go(href);
    };
    const shown: Record<(typeof COLUMNS)[number], () => ComponentChildren> = {
        output: () => <Shown preview={row.output} find={find} mark={row.corrected} />,
        model: () => <Marked text={row.model} find={find} />,
        prompt: () => <Marked text={row.prompt} find={find} />,
        run: () => <Marked text={row.run} find={find} />,
        tags: () => row.tags.length > 0 && <span class="row tags">{row.tags.map((tag) => <TagChip tag={tag} key={tag.id} />)}</span>,
        created: () => <Time at={row.created} />,
        reviewer: () => reviewer && <span title={row.reviewer!}>{reviewer}</span>,
        version: () => row.version,
        id: () => <code title={row.id}><Marked text={shorten(row.id)} find={find} /></code>,
    };
    return (
        <tr data-row={row.id} class={`${chosen ? 'chosen' : ''} ${current ? 'current' : ''}`} aria-selected={mayReview ? chosen : undefined}
            onClick={onClick} onFocusCapture={() => { if (!current) makeCurrent(row.id); }}>
            {mayReview && (
                <td class="c-check"><label class="hit"><input type="checkbox" aria-label={t('traces.choose', { what: previewTitle(row, type) })} checked={chosen}
                    onClick={(event) => { if (event.shiftKey) { event.stopPropagation(); event.preventDefault(); choose(row.id, true); } }}
                    onChange={() => choose(row.id, false)} /></label></td>
            )}
            <td class="c-status">
                <StatusMark status={row.status} />
                {holder !== undefined && <small class="holder" title={t('traces.holder', { name: holder })}>{t('traces.holder', { name: holder })}</small>}
            </td>
            <td class="c-input"><a href={href}>{previewTitle(row, type) === '' || isEmpty(row.input) ? <span>{t(`traces.document.${type}` as TextKey)}</span> : <Shown preview={row.input} find={find} />}</a></td>
            {project !== null && <td class="c-project clip">{project}</td>}
            {cells.map((one) => <td key={one} class={`c-${one}`} data-label={t(`traces.columns.${one}` as TextKey)}>{shown[one]()}</td>)}
        </tr>
    );
});

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
