// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the list keeps of a trace: a few lines to read, and what verdicts need. The
// payloads themselves, which may be megabytes, are let go.

import { member, shown, textOf, type Json, type JsonObject } from '../json.ts';
import type { Status, Tag, Trace, TraceEvent } from '../api.ts';

export type Preview = { text: string } | { pairs: [string, string][] };

export interface Row {
    id: string; project: string; status: Status; version: number; tags: Tag[];
    input: Preview; output: Preview;
    /** The output is the reviewer's. */
    corrected: boolean;
    model: string; prompt: string; run: string;
    created: string; reviewed: string | null; reviewer: string | null;
}

const LENGTH = 240;
const PAIRS = 4;

/** The beginning of a string on one line; of megabytes no more than that is decoded. */
export function headOf(node: Json | undefined, length = LENGTH): string | undefined {
    if (node?.kind !== 'string') return undefined;
    let text = textOf(node.raw.length <= length * 8 ? node : { kind: 'string', raw: closed(node.raw.slice(0, length * 6)) }) ?? '';
    text = text.replace(/\s+/g, ' ').trim();
    return text.length > length ? `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/** A token that was cut, made a string again: a cut escape goes. */
function closed(cut: string): string {
    for (let length = cut.length; length > cut.length - 8; length--) {
        const token = `${cut.slice(0, length)}"`;
        try {
            JSON.parse(token);
            return token;
        } catch { /* within an escape */ }
    }
    return '""';
}

const BASE64 = /^[A-Za-z0-9+/_-]{160,}/;

function valueOf(node: Json): string {
    if (node.kind === 'string') {
        const head = headOf(node) ?? '';
        return BASE64.test(head) || head.startsWith('data:') ? '…' : head;
    }
    if (node.kind === 'object') return node.members.length === 0 ? '{}' : `{${node.members.length}}`;
    if (node.kind === 'array') return node.items.every((one) => one.kind !== 'object' && one.kind !== 'array') && node.items.length <= 5
        ? node.items.map(valueOf).join(', ') : `[${node.items.length}]`;
    return shown(node);
}

function pairsOf(node: JsonObject): Preview {
    return { pairs: node.members.slice(0, PAIRS).map(({ key, value }) => [key, valueOf(value)]) };
}

/** What somebody asked, in a conversation. */
function lastQuestion(messages: Json | undefined): string | undefined {
    if (messages?.kind !== 'array') return undefined;
    const asked = messages.items.findLast((one) => textOf(member(one, 'role')) === 'user');
    const content = member(asked, 'content');
    if (content?.kind === 'array') return headOf(content.items.map((one) => member(one, 'text')).find(Boolean));
    return headOf(content);
}

export function inputPreview(node: Json | null | undefined): Preview {
    if (node?.kind !== 'object') return { text: '' };
    const parts = [headOf(member(node, 'filename')), headOf(member(node, 'content')) ?? lastQuestion(member(node, 'messages'))].filter(Boolean);
    if (parts.length > 0) return { text: parts.join(' · ') };
    const rest = node.members.filter(({ key }) => key !== 'media_type');
    return rest.length > 0 ? pairsOf({ kind: 'object', members: rest }) : { text: '' };
}

export function outputPreview(node: Json | null | undefined): Preview {
    if (node?.kind !== 'object') return { text: '' };
    const said = headOf(member(node, 'label')) ?? (node.members.length <= 2 ? headOf(member(node, 'content')) : undefined);
    if (said !== undefined) return { text: said };
    return node.members.length > 0 ? pairsOf(node) : { text: '{}' };
}

export function previewText(preview: Preview): string {
    return 'text' in preview ? preview.text : preview.pairs.map(([key, value]) => `${key} ${value}`).join(' ');
}

export function rowOf(trace: Trace): Row {
    const config = (name: string) => headOf(member(trace.trace_config, name), 120) ?? '';
    return {
        id: trace.id, project: trace.project_id, status: trace.status, version: trace.version, tags: trace.tags,
        input: inputPreview(trace.model_input), output: outputPreview(trace.corrected_output ?? trace.model_output), corrected: Boolean(trace.corrected_output),
        model: config('model'), prompt: config('prompt_version_id'), run: config('internal_run_id'),
        created: trace.created_at, reviewed: trace.last_reviewed_at, reviewer: trace.last_reviewed_by,
    };
}

/** After a write whose answer is the whole trace. */
export function refreshed(rows: Row[], trace: Trace): Row[] {
    return rows.map((row) => (row.id === trace.id ? rowOf(trace) : row));
}

export interface FeedEvent extends TraceEvent { trace_id: string; project_id: string }

/** What others did meanwhile, in place: no row comes or goes. The same rows where nothing concerned them. */
export function withEvents(rows: Row[], events: FeedEvent[], tags: Tag[]): Row[] {
    const mine = new Map<string, FeedEvent[]>();
    for (const event of events) mine.set(event.trace_id, [...mine.get(event.trace_id) ?? [], event]);
    let changed = false;
    const next = rows.map((row) => {
        const news = mine.get(row.id);
        if (!news) return row;
        const after = news.reduce((old, event) => withEvent(old, event, tags), row);
        changed ||= after !== row;
        return after;
    });
    return changed ? next : rows;
}

function withEvent(row: Row, event: FeedEvent, tags: Tag[]): Row {
    if (event.event_type === 'tag.added' || event.event_type === 'tag.removed') {
        const rest = row.tags.filter((one) => one.id !== event.tag_id);
        const tag = event.event_type === 'tag.added' ? tags.find((one) => one.id === event.tag_id) : undefined;
        const same = tag ? rest.length < row.tags.length : rest.length === row.tags.length;
        return same ? row : { ...row, tags: tag ? [...rest, tag] : rest };
    }
    if (event.version <= row.version || !event.status_after) return row;
    const verdict = event.event_type.startsWith('review.');
    return {
        ...row, version: event.version, status: event.status_after,
        reviewer: verdict ? event.actor_id : row.reviewer, reviewed: verdict ? event.occurred_at : row.reviewed,
    };
}

/** New ones in front; those that are there already stay where they are. */
export function inFront(fresh: Row[], rows: Row[]): Row[] {
    const known = new Set(rows.map((one) => one.id));
    const added = fresh.filter((one) => !known.has(one.id));
    return added.length === fresh.length ? fresh : [...added, ...rows];
}
