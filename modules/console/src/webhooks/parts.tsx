// Licensed under the Apache License, Version 2.0; see LICENSE.

import { formatNumber, t } from '../i18n.ts';
import { Glyph, type GlyphName } from '../ui/index.tsx';
import type { DeliveryStatus } from './api.ts';

const LOOKS: Record<DeliveryStatus, [string, GlyphName]> = { pending: ['pending', 'pending'], sending: ['pending', 'right'], success: ['approved', 'approved'], failed: ['rejected', 'rejected'] };

export function DeliveryMark({ status }: { status: DeliveryStatus }) {
    const [look, glyph] = LOOKS[status];
    return <span class={`status ${look}`}><Glyph name={glyph} />{t(`webhooks.status.${status}`)}</span>;
}

/** '500', or why there was none. */
export function Outcome({ code, error }: { code: number | null; error: string | null }) {
    if (code === null && !error) return <span class="quiet">–</span>;
    return <span class="answer">{code !== null && <code>{code}</code>}{error && <span class="clip" title={error}>{error}</span>}</span>;
}

export const milliseconds = (value: number): string => t('webhooks.milliseconds', { value: formatNumber(value) });
