// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// The versions of a project's prompt: what changed, why, and what came of it.
//
//   /console/prompts?project=…&before=…&after=…   two versions beside each other
//   /console/prompts/edit?project=…               a new version
//   /console/prompts/suggestion?project=…         what the refiner suggests

import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n.ts';
import { useLoad } from '../load.ts';
import { listPrompts, promptStats, type Prompt, type PromptStats } from '../prompts/api.ts';
import { Comparison } from '../prompts/comparison.tsx';
import { Editor, hasDraft } from '../prompts/editor.tsx';
import { RefineButton, SuggestionView } from '../prompts/suggestion.tsx';
import { Versions } from '../prompts/versions.tsx';
import { BASE, go, withQuery } from '../router.ts';
import { can, useSession } from '../session.ts';
import { currentProject, type ScreenProps } from '../shell.tsx';
import { Empty, ErrorNote, Glyph, Skeleton } from '../ui/index.tsx';
import '../prompts/prompts.css';

const RATED = 10;

export default function Prompts({ place, rest }: ScreenProps) {
    const session = useSession();
    const project = currentProject(session, place);
    if (!project) return <div class="page"><h1>{t('shell.prompts')}</h1><Empty title={t('prompts.noProject')} action={can(session.me, 'admin') ? <a class="button primary" href={`${BASE}settings/projects`}>{t('prompts.toProjects')}</a> : undefined}>{t('prompts.noProjectText')}</Empty></div>;
    return <OfProject key={project} project={project} mode={rest[0]} query={place.query} />;
}

function OfProject({ project, mode, query }: { project: string; mode: string | undefined; query: URLSearchParams }) {
    const { me, everyProject } = useSession();
    const list = useLoad((signal) => listPrompts(project, signal), [project]);
    const versions = list.value?.history ?? [];
    const active = list.value?.active ?? null;
    const after = versions.find((one) => one.id === query.get('after')) ?? versions.find((one) => one.is_active) ?? null;
    const before = versions.find((one) => one.id === query.get('before')) ?? versions.find((one) => after && one.version < after.version) ?? null;
    const stats = useStats(project, [...versions.slice(0, RATED), ...(after ? [after] : []), ...(before ? [before] : [])]);
    const writes = can(me, 'admin') && !everyProject.find((one) => one.id === project)?.archived;
    const overview = (saved?: Prompt) => {
        list.reload();
        go(`prompts?project=${project}${saved ? `&after=${saved.id}` : ''}`);
    };

    let inside;
    if (!list.value) inside = list.error ? <ErrorNote error={list.error} retry={list.reload} /> : list.slow ? <Skeleton /> : null;
    else if (mode === 'edit' && writes) inside = <Editor project={project} active={active} versions={versions} onSaved={overview} onCancel={() => overview()} reload={list.reload} />;
    else if (mode === 'suggestion' && writes) inside = <SuggestionView project={project} versions={versions} onAccepted={overview} onGone={() => overview()} />;
    else if (!active) {
        inside = (
            <Empty title={t('prompts.none')} action={writes ? <a class="button primary" href={`${BASE}prompts/edit?project=${project}`}>{t('prompts.writeFirst')}</a> : undefined}>
                {t(writes ? 'prompts.noneText' : 'prompts.noneViewer')}
            </Empty>
        );
    } else {
        inside = (
            <>
                <ErrorNote error={list.error} retry={list.reload} />
                {versions.length > 1 && <Versions project={project} versions={versions} stats={stats} before={before} after={after} />}
                {after && <Comparison before={before} after={after} versions={versions} stats={stats} view={query.get('view')}
                    onChoose={(side, id) => go(withQuery({ [side]: id }), true)} onView={(view) => go(withQuery({ view }), true)} />}
            </>
        );
    }
    return (
        <div class="page prompts">
            <header>
                <h1>{t('shell.prompts')}</h1>
                {!mode && writes && active && (
                    <>
                        <RefineButton project={project} active={active} />
                        <a class="button primary" href={`${BASE}prompts/edit?project=${project}`}><Glyph name="corrected" />{t(hasDraft(project) ? 'prompts.goOn' : 'prompts.newVersion')}</a>
                    </>
                )}
            </header>
            {inside}
        </div>
    );
}

/** The rates of versions, by id, as they come in; a version whose rates cannot be had is left out. */
function useStats(project: string, versions: Prompt[]): Map<string, PromptStats> {
    const [known, setKnown] = useState(new Map<string, PromptStats>());
    const ids = [...new Set(versions.map((one) => one.id))];
    useEffect(() => {
        const abort = new AbortController();
        for (const id of ids) {
            if (known.has(id)) continue;
            promptStats(project, id, abort.signal).then((stats) => setKnown((old) => new Map(old).set(id, stats)), () => {});
        }
        return () => abort.abort();
    }, [project, ids.join()]);
    return known;
}
