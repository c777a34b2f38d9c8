// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// How a project's traces fare: /console/analytics?project=…&range=30d&bucket=week

import { get, query as queryOf } from '../api.ts';
import { Report, type Analytics as Figures } from '../analytics/report.tsx';
import { BUCKETS, dayOf, rangeOf, rangeQuery, SPANS, type Span } from '../analytics/range.ts';
import { t } from '../i18n.ts';
import { useLoad } from '../load.ts';
import { listPrompts } from '../prompts/api.ts';
import { BASE, go, withQuery } from '../router.ts';
import { can, useSession } from '../session.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/index.tsx';
import '../analytics/analytics.css';

export default function Analytics({ place }: ScreenProps) {
    const session = useSession();
    const project = currentProject(session, place);
    if (!project) return <div class="page"><h1>{t('shell.analytics')}</h1><Empty title={t('analytics.noProject')} action={can(session.me, 'admin') ? <a class="button primary" href={`${BASE}settings/projects`}>{t('analytics.toProjects')}</a> : undefined}>{t('analytics.noProjectText')}</Empty></div>;
    return <OfProject key={project} project={project} query={place.query} />;
}

function OfProject({ project, query }: { project: string; query: URLSearchParams }) {
    const today = dayOf(Date.now());
    const range = rangeOf(query, today);
    const search = queryOf(rangeQuery(range));
    // The range that a value belongs to goes with it: old figures stay while new ones come.
    const figures = useLoad(async (signal) => ({ range, figures: await get<Figures>(`/v1/projects/${project}/analytics${search}`, signal) }), [project, search]);
    const prompts = useLoad((signal) => listPrompts(project, signal), [project]);
    const versions = new Map(prompts.value?.history.map((one) => [one.id, one.version]));
    const value = figures.value;
    const created = value ? Object.values(value.figures.totals).reduce((all, one) => all + one, 0) : 0;

    let inside = null;
    if (!value) inside = figures.error ? null : figures.slow ? <Skeleton /> : null;
    else if (created === 0) {
        inside = value.range.span === 'all'
            ? <Empty title={t('analytics.nothingYet')} action={<a class="button primary" href={`${BASE}traces?project=${project}`}>{t('analytics.toTraces')}</a>}>{t('analytics.nothingYetText')}</Empty>
            : <Empty title={t('analytics.nothingThen')} action={<a class="button" href={withQuery({ range: 'all', from: null, to: null, bucket: null })}>{t('analytics.showAll')}</a>}>{t('analytics.nothingThenText')}</Empty>;
    } else inside = <Report project={project} figures={value.figures} range={value.range} versions={versions} />;
    return (
        <div class="page analytics" aria-busy={figures.loading}>
            <header><h1>{t('shell.analytics')}</h1></header>
            <div class="ranges" role="group" aria-label={t('analytics.period')}>
                <span class="row wrap">
                    {(Object.keys(SPANS) as Span[]).map((span) => (
                        <button type="button" key={span} aria-pressed={range.span === span} onClick={() => go(withQuery({ range: span, from: null, to: null }), true)}>{t(`analytics.span.${span}`)}</button>
                    ))}
                </span>
                <span class="row wrap">
                    <label>{t('analytics.from')}<input type="date" value={range.from ?? ''} max={range.to ?? today} onChange={(event) => go(withQuery({ from: event.currentTarget.value, to: range.to, range: null }), true)} /></label>
                    <label>{t('analytics.to')}<input type="date" value={range.to ?? ''} min={range.from ?? undefined} onChange={(event) => go(withQuery({ to: event.currentTarget.value, from: range.from, range: null }), true)} /></label>
                </span>
                <label>{t('analytics.bucket')}
                    <select value={range.bucket} onChange={(event) => go(withQuery({ bucket: event.currentTarget.value }), true)}>
                        {BUCKETS.map((one) => <option key={one} value={one}>{t(`analytics.buckets.${one}`)}</option>)}
                    </select>
                </label>
            </div>
            <ErrorNote error={figures.error} retry={figures.reload} />
            {inside}
        </div>
    );
}
