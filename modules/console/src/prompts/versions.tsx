// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useState } from 'preact/hooks';
import { formatNumber, formatPercent, t } from '../i18n.ts';
import { useNames } from '../names.ts';
import { withQuery } from '../router.ts';
import { Glyph, Id, Time } from '../ui/index.tsx';
import type { Prompt, PromptStats } from './api.ts';

const FIRST = 8;

/** v3, and whether models are given it now. */
export function VersionName({ prompt }: { prompt: Prompt }) {
    return <span class="row"><strong>{t('prompts.version', { number: String(prompt.version) })}</strong>{prompt.is_active && <span class="status approved"><Glyph name="approved" />{t('prompts.active')}</span>}</span>;
}

export function Versions({ versions, stats, before, after }: {
    project: string; versions: Prompt[]; stats: Map<string, PromptStats>; before: Prompt | null; after: Prompt | null;
}) {
    const names = useNames(versions[0]?.project_id ?? null);
    const [all, setAll] = useState(false);
    const shown = all ? versions : versions.slice(0, FIRST);
    return (
        <section class="stack tight">
            <h2 id="versions">{t('prompts.versions')}</h2>
            <div class="table" tabIndex={0} role="region" aria-labelledby="versions">
                <table class="dense versions">
                    <thead>
                        <tr>
                            <th scope="col">{t('prompts.versionColumn')}</th><th scope="col">{t('prompts.savedAt')}</th><th scope="col">{t('prompts.by')}</th><th scope="col">{t('prompts.source')}</th>
                            <th scope="col" class="number">{t('prompts.reviewed')}</th><th scope="col" class="number">{t('status.approved')}</th><th scope="col" class="number">{t('status.corrected')}</th><th scope="col" class="number">{t('status.rejected')}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map((one) => {
                            const rates = stats.get(one.id);
                            const part = one === after ? 'prompts.isAfter' : one === before ? 'prompts.isBefore' : null;
                            return (
                                <tr key={one.id} class={part ? 'chosen' : ''}>
                                    <th scope="row"><a href={withQuery({ after: one.id, before: null })} aria-current={one === after ? 'true' : undefined}><VersionName prompt={one} /></a>{part && <small>{t(part)}</small>}</th>
                                    <td data-label={t('prompts.savedAt')}><Time at={one.created_at} /></td>
                                    <td data-label={t('prompts.by')}>{names(one.created_by) ?? <Id id={one.created_by} />}</td>
                                    <td class="how">{t(one.source === 'refinement' ? 'prompts.refined' : 'prompts.byHand')}{one.rationale && <span class="why clip" title={one.rationale}>{one.rationale}</span>}</td>
                                    <td class="number" data-label={t('prompts.reviewed')}>{rates ? formatNumber(rates.reviewed) : ''}</td>
                                    {(['approved', 'corrected', 'rejected'] as const).map((verdict) => <td class="number" key={verdict} data-label={t(`status.${verdict}`)}>{rates ? rate(rates.rates[verdict]) : ''}</td>)}
                                </tr>
                            );
                        })}
                    </tbody>
                </table>
            </div>
            {!all && versions.length > FIRST && <button type="button" class="link start" onClick={() => setAll(true)}>{t('prompts.allVersions', { count: versions.length })}</button>}
        </section>
    );
}

export function rate(value: number | null): string { return value === null ? '–' : formatPercent(value); }
