// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { Status, Tag } from '../api.ts';
import { t, type TextKey } from '../i18n.ts';
import { shown } from '../json.ts';
import { traceHref } from '../links.ts';
import { BASE } from '../router.ts';
import { Glyph, TagChip, Time, type GlyphName } from '../ui/index.tsx';
import type { FeedEvent } from '../traces/rows.ts';
import { shownDifferences } from './sentence.ts';

const GLYPHS: Record<string, GlyphName> = {
    'trace.created': 'plus', 'review.approved': 'approved', 'review.corrected': 'corrected', 'review.rejected': 'rejected', 'trace.reset': 'reset',
    'trace.deleted': 'trash', 'trace.restored': 'reset', 'tag.added': 'plus', 'tag.removed': 'rejected',
};

/** "Ada corrected trace_…: total_amount 1250.54 → 1250.45" */
export function EventLine({ event, who, mine, project, tag }: { event: FeedEvent; who: string | null; mine: boolean; project: string | null; tag: Tag | undefined }) {
    const { shown: differences, left } = shownDifferences(event.correction_diff);
    const short = `${event.trace_id.slice(0, 10)}…${event.trace_id.slice(-4)}`;
    const tone = event.event_type.startsWith('review.') ? (event.status_after as Status) : '';
    // Nobody can open a deleted trace; its history is here.
    const trace = event.event_type === 'trace.deleted'
        ? <a href={`${BASE}audit?trace=${event.trace_id}`} title={event.trace_id}>{short}</a>
        : <a href={traceHref(event.trace_id)} title={event.trace_id}>{short}</a>;
    return (
        <li>
            <span class={`mark ${tone}`}><Glyph name={GLYPHS[event.event_type] ?? 'menu'} /></span>
            <div class="grow">
                <p>
                    <strong title={event.actor_id ?? undefined}>{actor(event, who)}</strong>{mine && <span class="quiet"> ({t('common.you')})</span>}{' '}
                    {t(`audit.did.${event.event_type.replace('.', '_')}` as TextKey)} {trace}
                    {event.tag_id && <> {tag ? <TagChip tag={tag} /> : <span class="quiet">{t('audit.goneTag')}</span>}</>}
                    {differences.length > 0 && ':'}
                </p>
                {differences.length > 0 && (
                    <ul class="differences">
                        {differences.map((one) => (
                            <li key={one.path}><code>{one.path}</code> {one.from.kind === 'null' ? <span class="quiet">{t('audit.nothing')}</span> : <del>{clip(shown(one.from))}</del>} <span aria-label={t('audit.becomes')}>→</span> {one.to.kind === 'null' ? <span class="quiet">{t('audit.nothing')}</span> : <ins>{clip(shown(one.to))}</ins>}</li>
                        ))}
                        {left > 0 && <li class="quiet">{t('audit.moreFields', { count: left })}</li>}
                    </ul>
                )}
                {event.comment && <blockquote>{clip(event.comment, 400)}</blockquote>}
            </div>
            <div class="side">{project && <span class="quiet clip">{project}</span>}<Time at={event.occurred_at} /></div>
        </li>
    );
}

function actor(event: FeedEvent, who: string | null): string {
    if (event.actor_type === 'system') return t('audit.system');
    const name = who ?? (event.actor_id ? `${event.actor_id.slice(0, 9)}…${event.actor_id.slice(-4)}` : '?');
    return event.actor_type === 'api_key' ? t('audit.key', { name }) : name;
}

function clip(text: string, length = 120): string {
    return text.length > length ? `${text.slice(0, length)}…` : text;
}
