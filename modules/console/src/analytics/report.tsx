// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The figures of a period: what came in, what became of it, and where.

import { useState } from 'preact/hooks';
import { formatDuration } from '../duration.ts';
import { formatDay, formatNumber, formatPercent, language, t } from '../i18n.ts';
import { promptHref } from '../links.ts';
import { BASE } from '../router.ts';
import { Glyph } from '../ui/index.tsx';
import { Columns, Legend, PARTS, Ranks, type Bar, type Part } from './chart.tsx';
import { Figure, type TableRow } from './figure.tsx';
import { filled, type Bucket, type Counts, type Range } from './range.ts';

type Outcomes = Record<'approved' | 'rejected' | 'corrected', number>;
type Row = Outcomes & { total: number; pending?: number };
export interface Analytics {
    totals: Record<Part, number>; rates: Record<keyof Outcomes, number | null>; series: Counts[];
    by_model: (Row & { model: string | null })[]; by_prompt_version: (Row & { prompt_version_id: string | null })[];
    by_reviewer: (Row & { actor_id: string; name: string | null })[]; by_field: { path: string; count: number }[];
    time_to_review: { p50: number | null; p90: number | null };
}

/** So many bars; the table has all. */
const MOST = 8;
const VERDICTS = ['approved', 'corrected', 'rejected'] as const;

const names = (): Record<Part, string> => ({ approved: t('status.approved'), corrected: t('status.corrected'), rejected: t('status.rejected'), pending: t('status.pending') });

export function Report({ project, figures, range, versions }: { project: string; figures: Analytics; range: Range; versions: Map<string, number> }) {
    const { totals, rates, time_to_review: time } = figures;
    const reviewed = totals.approved + totals.corrected + totals.rejected;
    const created = reviewed + totals.pending;
    const rate = (value: number | null) => (reviewed ? formatPercent(value ?? 0) : '–');
    const versionName = (id: string) => (versions.has(id) ? t('prompts.version', { number: String(versions.get(id)) }) : id);
    return (
        <>
            <dl class="tiles">
                <div class="card"><dt>{t('analytics.created')}</dt><dd>{formatNumber(created)}</dd></div>
                <div class="card"><dt>{t('analytics.reviewed')}</dt><dd>{formatPercent(reviewed / created)}</dd></div>
                {VERDICTS.map((verdict) => <div class="card" key={verdict}><dt><Glyph name={verdict} />{t(`status.${verdict}`)}</dt><dd>{rate(rates[verdict])}</dd></div>)}
                <div class="card"><dt>{t('analytics.half')}</dt><dd>{formatDuration(time.p50)}</dd></div>
                <div class="card"><dt>{t('analytics.nineInTen')}</dt><dd>{formatDuration(time.p90)}</dd></div>
            </dl>
            <OverTime series={filled(figures.series, range)} bucket={range.bucket} />
            <div class="figures">
                <Breakdown title={t('analytics.byModel')} what={t('analytics.model')} file="models" rows={figures.by_model.map((row) => ({
                    ...row, key: row.model ?? '', label: row.model ?? t('analytics.noModel'), link: row.model === null ? undefined : `${BASE}traces?project=${project}&model=${encodeURIComponent(row.model)}`,
                }))} />
                <Breakdown title={t('analytics.byPrompt')} what={t('analytics.promptVersion')} file="prompt-versions" rows={figures.by_prompt_version.map(({ prompt_version_id: id, ...row }) => ({
                    ...row, key: id ?? '', label: id === null ? t('analytics.noPrompt') : versionName(id), link: id !== null && versions.has(id) ? promptHref(project, id) : undefined,
                }))} />
                <Breakdown title={t('analytics.byReviewer')} what={t('analytics.reviewer')} file="reviewers" rows={figures.by_reviewer.map((row) => ({ ...row, key: row.actor_id, label: row.name ?? row.actor_id }))} />
                <Fields fields={figures.by_field} corrected={totals.corrected} />
            </div>
        </>
    );
}

function OverTime({ series, bucket }: { series: Counts[]; bucket: Bucket }) {
    const [shares, setShares] = useState(false);
    const label = names();
    const parts: readonly Part[] = shares ? VERDICTS : PARTS;
    const bars: Bar[] = series.map((one) => {
        const reviewed = one.approved + one.corrected + one.rejected;
        const counts: Record<Part, number> = { ...one, pending: one.created - reviewed };
        const values = parts.map((part) => (shares ? counts[part] / Math.max(1, reviewed) : counts[part]));
        const told = parts.map((part, at) => `${label[part]} ${shares ? formatPercent(values[at]) : formatNumber(values[at])}`).join(', ');
        const sum = shares ? t('analytics.reviewedOf', { count: reviewed }) : t('analytics.traces', { count: one.created });
        return { key: one.start, label: bucketLabel(one.start, bucket), values, text: `${bucketName(one.start, bucket)}: ${sum}. ${told}` };
    });
    const rows: TableRow[] = series.map((one) => ({
        cells: [one.start.slice(0, 10), one.created, one.approved, one.corrected, one.rejected, one.created - one.approved - one.corrected - one.rejected],
        shown: [bucketName(one.start, bucket)],
    }));
    return (
        <Figure title={t('analytics.overTime')} note={t('analytics.overTimeNote')} file="over-time" rows={rows}
            head={[t(`analytics.buckets.${bucket}`), t('analytics.created'), ...PARTS.map((part) => label[part])]}
            controls={<button type="button" aria-pressed={shares} onClick={() => setShares(!shares)}>{t('analytics.shares')}</button>}>
            <Legend parts={parts} names={label} />
            <Columns title={t('analytics.overTime')} about={t('analytics.chartAbout', { count: bars.length })} bars={bars} parts={parts} rest={t('analytics.readout')}
                max={shares ? 1 : undefined} format={shares ? formatPercent : undefined} />
        </Figure>
    );
}

interface NamedRow extends Row { key: string; label: string; link?: string }

function Breakdown({ title, what, file, rows }: { title: string; what: string; file: string; rows: NamedRow[] }) {
    const label = names();
    const parts: readonly Part[] = rows.some((row) => row.pending !== undefined) ? PARTS : VERDICTS;
    const bars: Bar[] = rows.slice(0, MOST).map((row) => ({
        key: row.key, label: row.label, values: parts.map((part) => row[part] ?? 0),
        text: `${row.label}: ${t('analytics.traces', { count: row.total })}. ${parts.map((part) => `${label[part]} ${formatNumber(row[part] ?? 0)}`).join(', ')}`,
    }));
    const share = (row: NamedRow) => {
        const reviewed = row.approved + row.corrected + row.rejected;
        return reviewed ? row.approved / reviewed : null;
    };
    return (
        <Figure title={title} file={file} head={[what, t('analytics.tracesColumn'), ...parts.map((part) => label[part]), t('analytics.approvalRate')]}
            rows={rows.map((row) => {
                const approved = share(row);
                return { link: row.link, cells: [row.label, row.total, ...parts.map((part) => row[part] ?? 0), approved === null ? null : Math.round(approved * 1000) / 1000], shown: [...Array<undefined>(2 + parts.length), approved === null ? '–' : formatPercent(approved)] };
            })}>
            {rows.length === 0 ? <p class="quiet">{t('analytics.noneReviewed')}</p> : (
                <>
                    <Legend parts={parts} names={label} />
                    <Ranks title={title} about={t('analytics.chartAbout', { count: bars.length })} bars={bars} parts={parts} rest={rows.length > MOST ? t('analytics.moreInTable', { count: rows.length - MOST }) : t('analytics.readout')} />
                </>
            )}
        </Figure>
    );
}

function Fields({ fields, corrected }: { fields: { path: string; count: number }[]; corrected: number }) {
    const title = t('analytics.byField');
    const bars: Bar[] = fields.slice(0, MOST).map(({ path, count }) => ({ key: path, label: path, values: [count], text: t('analytics.fieldText', { path, count, share: formatPercent(count / Math.max(1, corrected)) }) }));
    return (
        <Figure title={title} note={t('analytics.byFieldNote')} file="fields" head={[t('analytics.field'), t('analytics.corrections'), t('analytics.ofCorrections')]}
            rows={fields.map(({ path, count }) => ({ cells: [path, count, Math.round((count / Math.max(1, corrected)) * 1000) / 1000], shown: [undefined, undefined, formatPercent(count / Math.max(1, corrected))] }))}>
            {fields.length === 0 ? <p class="quiet">{t('analytics.noneCorrected')}</p>
                : <Ranks title={title} about={t('analytics.chartAbout', { count: bars.length })} bars={bars} parts={['corrected']} rest={fields.length > MOST ? t('analytics.moreInTable', { count: fields.length - MOST }) : t('analytics.readout')} />}
        </Figure>
    );
}

const formatAs = (iso: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }).format(new Date(iso));

/** Short, beneath a bar. */
function bucketLabel(start: string, bucket: Bucket): string {
    return formatAs(start, bucket === 'month' ? { month: 'short', year: '2-digit' } : { day: 'numeric', month: 'short' });
}

/** In full, for tables and readers. */
function bucketName(start: string, bucket: Bucket): string {
    if (bucket === 'month') return formatAs(start, { month: 'long', year: 'numeric' });
    return bucket === 'week' ? t('analytics.weekOf', { day: formatDay(start) }) : formatDay(start);
}
