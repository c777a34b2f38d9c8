// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The delivery log of a project's webhook as /v1 has it.

import { get, query, send } from '../api.ts';

export const STATUSES = ['pending', 'sending', 'success', 'failed'] as const;
export type DeliveryStatus = (typeof STATUSES)[number];
export interface Delivery {
    id: string; event_id: string; event_type: string; trace_id: string | null; project_id: string; status: DeliveryStatus;
    created_at: string; updated_at: string; attempt_count: number; response_status: number | null; error: string | null;
}
export interface Attempt { attempted_at: string; duration_ms: number; status_code: number | null; error: string | null; response_body: string | null }
export interface DeliveryDetail extends Delivery { attempts: Attempt[] }

export const PAGE = 50;
/** What the server keeps of an answer. */
export const ANSWER_BYTES = 4096;

export const listDeliveries = (project: string, status: DeliveryStatus | null, skip: number, signal?: AbortSignal) =>
    get<Delivery[]>(`/v1/projects/${encodeURIComponent(project)}/webhook-deliveries${query({ status, skip: skip || null, limit: PAGE })}`, signal);
export const getDelivery = (id: string, signal?: AbortSignal) => get<DeliveryDetail>(`/v1/webhook-deliveries/${encodeURIComponent(id)}`, signal);
export const retryDelivery = (id: string) => send<Delivery>('POST', `/v1/webhook-deliveries/${encodeURIComponent(id)}/retry`, {});
export const retryRange = (project: string, range: { from: string; to: string; limit: number }) =>
    send<{ retried: number; has_more: boolean }>('POST', `/v1/projects/${encodeURIComponent(project)}/webhook-deliveries/retry`, range);
export const testWebhook = (project: string) => send<Delivery>('POST', `/v1/projects/${encodeURIComponent(project)}/test-webhook`, {});

/** Its outcome is still to come. */
export const underWay = (one: Delivery): boolean => one.status === 'pending' || one.status === 'sending';
