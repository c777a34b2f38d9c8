// Licensed under the Apache License, Version 2.0; see LICENSE.

import '../settings/settings.css';
import type { ComponentType } from 'preact';
import { t, type TextKey } from '../i18n.ts';
import { BASE } from '../router.ts';
import type { ScreenProps } from '../shell.tsx';
import { useSession } from '../session.ts';
import { useHereSeen } from '../ui/index.tsx';
import { Browser } from '../settings/browser.tsx';
import { Keys } from '../settings/keys.tsx';
import { Members } from '../settings/members.tsx';
import { Projects } from '../settings/projects.tsx';
import { Tags } from '../settings/tags.tsx';
import { Webhook } from '../settings/webhook.tsx';

const TABS: Record<string, ComponentType<ScreenProps>> = { projects: Projects, webhooks: Webhook, keys: Keys, tags: Tags, members: Members, browser: Browser };

export default function Settings(props: ScreenProps) {
    const { me } = useSession();
    const name = props.rest[0] && props.rest[0] in TABS ? props.rest[0] : 'projects';
    const Tab = TABS[name];
    const tabs = useHereSeen(name);
    return (
        <div class="page settings">
            <header><h1>{t('shell.settings')}</h1><span class="quiet">{me.organization.name}</span></header>
            <nav class="tabs" aria-label={t('shell.settings')} ref={tabs}>
                {Object.keys(TABS).map((one) => <a key={one} href={`${BASE}settings/${one}`} aria-current={one === name ? 'page' : undefined}>{t(`settings.tabs.${one}` as TextKey)}</a>)}
            </nav>
            <Tab key={name} {...props} />
        </div>
    );
}
