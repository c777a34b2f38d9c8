// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ComponentChildren } from 'preact';
import { t } from '../i18n.ts';
import { Glyph } from '../ui/index.tsx';
import { useMemo, useState } from 'preact/hooks';
import type { ApiError, Project } from '../api.ts';

/** Why something cannot be done here, in place of what would do it. */
export function Locked({ children }: { children: ComponentChildren }) {
    return <p class="note"><Glyph name="lock" /><span class="grow">{children}</span></p>;
}

export function AdminsOnly({ what }: { what: string }) {
    return <Locked>{t('settings.adminsOnly', { what })}</Locked>;
}

// A project of httpd.conf cannot be archived. Which of its members are declared there the API does not say, for a section
// may hold any of them; its refusal does, by name, and that holds until the page is loaded anew.
const MEMBERS = ['name', 'input_type', 'output_type', 'guidelines', 'webhook_url', 'webhook_secret', 'webhook_active', 'webhook_secret_next', 'webhook_standard'];
const refused = new Map<string, Set<string>>();

/** The members that an error of 409 names. */
export function declaredIn(error: ApiError): string[] {
    const words = new Set(error.status === 409 ? error.message.match(/\w+/g) ?? [] : []);
    return MEMBERS.filter((one) => words.has(one));
}

/** locked('name'): it is declared in httpd.conf and changed there. learn: after a refusal, which goes on its way; back gets what it names. */
export function useLocks(project: Project | null, back: (members: string[]) => void): { locked: (member: string) => boolean; learn: <T>(write: Promise<T>) => Promise<T> } {
    const [, turn] = useState(0);
    const known = useMemo(() => {
        const found = refused.get(project?.id ?? '') ?? new Set<string>();
        if (project) refused.set(project.id, found);
        return found;
    }, [project?.id]);
    return {
        locked: (member) => Boolean(project?.managed) && (member === 'archived' || known.has(member)),
        learn: (write) => write.catch((error: unknown) => {
            const named = project?.managed ? declaredIn(error as ApiError) : [];
            for (const one of named) known.add(one);
            back(named);
            turn((old) => old + 1);
            throw error;
        }),
    };
}

/** The end of a form in a panel. */
export function Buttons({ busy, label, onClose, extra }: { busy: boolean; label: string; onClose: () => void; extra?: ComponentChildren }) {
    return (
        <div class="row wrap">
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
