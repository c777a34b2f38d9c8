// Licensed under the Apache License, Version 2.0; see LICENSE.

import { chooseLanguage, language, LANGUAGES, t, type Language } from '../i18n.ts';
import { applyTheme, store, useStored, type Theme } from '../settings.ts';

/** What is kept in this browser and nowhere else. */
export function Browser() {
    const [theme] = useStored('theme', 'system');
    const [keys, setKeys] = useStored('keys', 'on');
    const setTheme = (to: Theme) => {
        store('theme', to === 'system' ? null : to);
        applyTheme();
    };
    return (
        <div class="stack card form">
            <p class="quiet">{t('settings.browser.intro')}</p>
            <fieldset class="stack tight">
                <legend>{t('shell.theme')}</legend>
                {(['system', 'light', 'dark'] as const).map((one) => (
                    <label class="field check" key={one}>
                        <input type="radio" name="theme" checked={theme === one} onChange={() => setTheme(one)} />
                        <span>{t(one === 'system' ? 'shell.themeSystem' : one === 'light' ? 'shell.themeLight' : 'shell.themeDark')}</span>
                    </label>
                ))}
            </fieldset>
            <fieldset class="stack tight">
                <legend>{t('shell.language')}</legend>
                {(Object.entries(LANGUAGES) as [Language, string][]).map(([one, label]) => (
                    <label class="field check" key={one}><input type="radio" name="language" checked={language === one} onChange={() => chooseLanguage(one)} /><span lang={one}>{label}</span></label>
                ))}
            </fieldset>
            <fieldset class="stack tight">
                <legend>{t('shell.help')}</legend>
                <label class="field check"><input type="checkbox" checked={keys === 'on'} onChange={(event) => setKeys(event.currentTarget.checked ? 'on' : 'off')} /><span>{t('shell.shortcutsOn')}</span></label>
                <small>{t('shell.shortcutsNote')}</small>
            </fieldset>
        </div>
    );
}
