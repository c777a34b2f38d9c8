// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The one way to the server: the same /v1 that integrators use, signed in by
// whatever Apache authentication stands before it.

import { member, parseJson, plain, type Json } from './json.ts';

export interface FieldError { field: string; message: string }

/** What went wrong, in a sentence for people. status 0: no answer came. */
export class ApiError extends Error {
    constructor(readonly status: number, detail: string, readonly fields: FieldError[] = [],
                readonly body: Record<string, unknown> = {}, readonly retryAfter = 0) { super(detail); }
    /** Worth trying again unchanged: nothing was wrong with the request. */
    get passing(): boolean { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

export interface Answer {
    status: number;
    headers: Headers;
    text: string;
    /** The path of the next page, from Link: rel="next". */
    next: string | null;
}

export interface Ask {
    method?: string;
    /** A value to be sent as JSON, or a string that is JSON already. */
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal;
    /** Survives the page: for what is sent as the tab closes (at most 64 KB). */
    keepalive?: boolean;
}

let organization: string | null = null;
let signedOut: () => void = () => {};
let reachable: (yes: boolean) => void = () => {};

/** The organization that every request names, for people who belong to several. */
export function chooseOrganization(id: string | null): void { organization = id; }
/** on401: called when the session ended; onReach: with every answer or lack of one. */
export function onConnection(on401: () => void, onReach: (yes: boolean) => void): void {
    signedOut = on401;
    reachable = onReach;
}

export async function ask(path: string, options: Ask = {}): Promise<Answer> {
    const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
    if (organization) headers['X-Tuor-Org'] = organization;
    let body: string | undefined;
    if (options.body !== undefined) {
        headers['Content-Type'] ??= 'application/json';
        body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
    }
    let response: Response;
    let text: string;
    try {
        response = await fetch(path, {
            method: options.method ?? 'GET', headers, body, signal: options.signal, keepalive: options.keepalive,
            credentials: 'same-origin', cache: 'no-store', redirect: 'error',
        });
        text = await response.text();
    } catch (error) {
        if (options.signal?.aborted) throw error;
        reachable(false);
        throw new ApiError(0, 'unreachable');
    }
    reachable(true);
    if (response.ok || response.status === 304) {
        return { status: response.status, headers: response.headers, text, next: nextPage(response.headers.get('Link')) };
    }
    if (response.status === 401) signedOut();
    throw refusal(response, text);
}

function refusal(response: Response, text: string): ApiError {
    let body: Record<string, unknown> = {};
    try {
        body = JSON.parse(text) as Record<string, unknown>;
    } catch { /* httpd's own page: the status says enough */ }
    return new ApiError(response.status, typeof body.detail === 'string' ? body.detail : `${response.status} ${response.statusText}`,
        (body.errors as FieldError[] | undefined) ?? [], body, Number(response.headers.get('Retry-After') ?? 0));
}

function nextPage(link: string | null): string | null {
    const found = link?.match(/<([^>]*)>\s*;\s*rel="next"/);
    if (!found) return null;
    const url = new URL(found[1], location.href);
    return url.pathname + url.search;
}

/** For control objects, which hold nothing that JSON.parse could spoil. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return JSON.parse((await ask(path, { signal })).text) as T;
}
export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { text } = await ask(path, { method, body });
    return (text ? JSON.parse(text) : undefined) as T;
}

/** query({a: 1, b: null, c: ''}) is '?a=1': what is empty is left out. */
export function query(parameters: Record<string, string | number | boolean | null | undefined>): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
    }
    const text = search.toString();
    return text ? `?${text}` : '';
}

// ------------------------------------------------------------------- objects

export type Role = 'viewer' | 'reviewer' | 'admin';
export type Status = 'pending' | 'approved' | 'rejected' | 'corrected';
export interface Organization { id: string; name: string; role?: Role }
export interface Me { type: 'user' | 'api_key'; id: string; login: string; name: string | null; role: Role; organization: Organization; organizations: Organization[] }
export type InputType = 'text' | 'pdf' | 'image';
export type OutputType = 'key_value' | 'text' | 'classification';
export interface Project {
    id: string; org_id: string; name: string; input_type: InputType; output_type: OutputType; guidelines: string | null;
    webhook_url: string | null; webhook_active: boolean; webhook_secret_set: boolean; webhook_standard?: boolean; webhook_secret_next_set?: boolean;
    archived: boolean; managed: boolean; created_at: string; updated_at: string;
}
export interface Tag { id: string; name: string; color: string; description: string | null }
export interface Difference { path: string; from: Json; to: Json }

/** A trace; what was left out by exclude_fields is undefined. Payloads keep their characters. */
export interface Trace {
    id: string; org_id: string; project_id: string; status: Status; version: number; tags: Tag[];
    model_input?: Json; model_output?: Json; trace_config?: Json | null; corrected_output?: Json | null; final_output?: Json | null;
    correction_diff?: Difference[] | null;
    created_at: string; created_by: string | null; updated_at: string; updated_by: string | null;
    last_reviewed_at: string | null; last_reviewed_by: string | null;
    deleted_at: string | null; deleted_by: string | null; restored_at: string | null; restored_by: string | null;
}
export interface TraceEvent {
    event_id: string; event_type: string; actor_type: string; actor_id: string | null; occurred_at: string;
    status_before: Status | null; status_after: Status | null; version: number; comment: string | null;
    correction_diff: Difference[] | null; tag_id: string | null;
}

const PAYLOADS = new Set(['model_input', 'model_output', 'trace_config', 'corrected_output', 'final_output', 'correction_diff']);

/** From a parsed answer; a JSON null becomes null. */
export function traceOf(node: Json): Trace {
    if (node.kind !== 'object') throw new ApiError(0, 'not a trace');
    const trace: Record<string, unknown> = {};
    for (const { key, value } of node.members) {
        if (!PAYLOADS.has(key)) trace[key] = plain(value);
        else if (value.kind === 'null') trace[key] = null;
        else trace[key] = key === 'correction_diff' ? differences(value) : value;
    }
    return trace as unknown as Trace;
}

/** A correction_diff; null for a JSON null. */
export function differences(node: Json): Difference[] | null {
    if (node.kind !== 'array') return null;
    const nothing: Json = { kind: 'null', raw: 'null' };
    return node.items.map((item) => ({
        path: plain(member(item, 'path') ?? nothing) as string,
        from: member(item, 'from') ?? nothing,
        to: member(item, 'to') ?? nothing,
    }));
}

export async function getTrace(id: string, signal?: AbortSignal): Promise<Trace> {
    return traceOf(parseJson((await ask(`/v1/traces/${encodeURIComponent(id)}`, { signal })).text));
}

export interface Page<T> { items: T[]; next: string | null }

/** path: /v1/traces/?… or a page's next. */
export async function listTraces(path: string, signal?: AbortSignal): Promise<Page<Trace>> {
    const answer = await ask(path, { signal });
    const node = parseJson(answer.text);
    return { items: node.kind === 'array' ? node.items.map(traceOf) : [], next: answer.next };
}

export async function traceEvents(id: string, signal?: AbortSignal): Promise<TraceEvent[]> {
    const node = parseJson((await ask(`/v1/traces/${encodeURIComponent(id)}/events`, { signal })).text);
    if (node.kind !== 'array') return [];
    return node.items.map((item) => {
        const diff = member(item, 'correction_diff');
        return { ...(plain(item) as TraceEvent), correction_diff: diff ? differences(diff) : null };
    });
}

export type Verdict = 'approve' | 'reject' | 'correct';

/** corrected: JSON text, sent as it is. Answers with the trace; 409 carries current_version. */
export async function reviewTrace(id: string, version: number, action: Verdict, options: { corrected?: string; comment?: string; keepalive?: boolean } = {}): Promise<Trace> {
    const members = [`"action":${JSON.stringify(action)}`, `"expected_version":${version}`];
    if (options.corrected !== undefined) members.push(`"corrected_output":${options.corrected}`);
    if (options.comment) members.push(`"comment":${JSON.stringify(options.comment)}`);
    const { text } = await ask(`/v1/traces/${encodeURIComponent(id)}/review`, { method: 'POST', body: `{${members.join(',')}}`, keepalive: options.keepalive });
    return traceOf(parseJson(text));
}

export async function changeTrace(id: string, verb: 'reset' | 'restore' | 'delete', version: number): Promise<Trace> {
    const path = `/v1/traces/${encodeURIComponent(id)}`;
    const { text } = verb === 'delete'
        ? await ask(`${path}?expected_version=${version}`, { method: 'DELETE' })
        : await ask(`${path}/${verb}`, { method: 'POST', body: { expected_version: version } });
    return traceOf(parseJson(text));
}
