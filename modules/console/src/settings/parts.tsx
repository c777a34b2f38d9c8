// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ComponentChildren } from 'preact';
import { t } from '../i18n.ts';
import { Glyph } from '../ui/index.tsx';
import type { ApiError } from '../api.ts';

/** Why something cannot be done here, in place of what would do it. */
export function Locked({ children }: { children: ComponentChildren }) {
    return <p class="note"><Glyph name="lock" /><span class="grow">{children}</span></p>;
}

export function AdminsOnly({ what }: { what: string }) {
    return <Locked>{t('settings.adminsOnly', { what })}</Locked>;
}

/** The end of a form in a panel. */
export function Buttons({ busy, label, onClose, extra }: { busy: boolean; label: string; onClose: () => void; extra?: ComponentChildren }) {
    return (
        <div class="row">
            {extra}<span class="grow" />
            <button type="button" onClick={onClose}>{t('common.cancel')}</button>
            <button type="submit" class="primary" disabled={busy}>{label}</button>
        </div>
    );
}

/** What is not said beside a field already. */
export function rest(error: ApiError | null, fields: string[]): ApiError | null {
    return error && error.fields.length > 0 && error.fields.every((one) => fields.includes(one.field)) ? null : error;
}
