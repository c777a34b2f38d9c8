// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Which days a report is about. Days are UTC's, as the server counts them; a range
// that is given in words ('30d') moves on with the days, one in dates stays.

export type Bucket = 'day' | 'week' | 'month';
export const BUCKETS: readonly Bucket[] = ['day', 'week', 'month'];
export const SPANS = { '7d': 7, '30d': 30, '90d': 90, '1y': 365, all: 0 } as const;
export type Span = keyof typeof SPANS;

/** Both days belong to the range; null is open. span: null for a range of dates. */
export interface Range { span: Span | null; from: string | null; to: string | null; bucket: Bucket }

const DAY = 86400000;
const isDay = (text: string | null): text is string => text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
export const plusDays = (day: string, days: number): string => dayOf(Date.parse(day) + days * DAY);

/** From an address: ?from=2026-05-01&to=2026-05-31, or ?range=90d; 30 days if it says nothing. */
export function rangeOf(query: URLSearchParams, today: string): Range {
    const from = query.get('from');
    const to = query.get('to');
    const wanted = query.get('bucket') as Bucket | null;
    const named = query.get('range') as Span | null;
    const dated = isDay(from) || isDay(to);
    const span = dated ? null : named && Object.hasOwn(SPANS, named) ? named : '30d';
    const first = span ? (span === 'all' ? null : plusDays(today, 1 - SPANS[span])) : isDay(from) ? from : null;
    const last = span ? (span === 'all' ? null : today) : isDay(to) ? to : null;
    return { span, from: first, to: last, bucket: wanted && BUCKETS.includes(wanted) ? wanted : fitting(first, last, today) };
}

/** So that some dozens of bars stand beside each other. */
function fitting(from: string | null, to: string | null, today: string): Bucket {
    if (!from) return 'month';
    const days = (Date.parse(to ?? today) - Date.parse(from)) / DAY;
    return days <= 62 ? 'day' : days <= 400 ? 'week' : 'month';
}

/** As the server wants it: to_date is the first moment that no longer counts. */
export function rangeQuery({ from, to, bucket }: Range): { from_date: string | null; to_date: string | null; bucket: Bucket } {
    return { from_date: from, to_date: to && plusDays(to, 1), bucket };
}

export interface Counts { start: string; created: number; approved: number; rejected: number; corrected: number }

/** The first day of a day's bucket; weeks begin on Monday. */
export function bucketStart(day: string, bucket: Bucket): string {
    if (bucket === 'month') return `${day.slice(0, 8)}01`;
    return bucket === 'day' ? day : plusDays(day, -((new Date(day).getUTCDay() + 6) % 7));
}

function nextBucket(start: string, bucket: Bucket): string {
    if (bucket !== 'month') return plusDays(start, bucket === 'day' ? 1 : 7);
    const date = new Date(start);
    return dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
}

/** The server's series begins and ends with traces; this one with the range, so that quiet days are seen. */
export function filled(series: Counts[], { from, to, bucket }: Range): Counts[] {
    if (series.length === 0) return [];
    const known = new Map(series.map((one) => [one.start.slice(0, 10), one]));
    const last = to ? bucketStart(to, bucket) : series[series.length - 1].start.slice(0, 10);
    const out: Counts[] = [];
    for (let start = from ? bucketStart(from, bucket) : series[0].start.slice(0, 10); start <= last; start = nextBucket(start, bucket)) {
        out.push(known.get(start) ?? { start: `${start}T00:00:00Z`, created: 0, approved: 0, rejected: 0, corrected: 0 });
    }
    return out;
}
