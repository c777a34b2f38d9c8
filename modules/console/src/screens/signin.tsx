// Licensed under the Apache License, Version 2.0; see LICENSE.

import { useRef, useState } from 'preact/hooks';
import { useAction } from '../load.ts';
import { signIn } from '../session.ts';
import { t } from '../i18n.ts';
import { ErrorNote, Field } from '../ui/index.tsx';

/** The page of form authentication. ended: somebody was signed in until now. */
export function SignIn({ ended, onDone }: { ended: boolean; onDone: () => void }) {
    const [wrong, setWrong] = useState(false);
    const password = useRef<HTMLInputElement>(null);
    const { run, busy, error } = useAction(async (form: HTMLFormElement) => {
        const data = new FormData(form);
        if (await signIn(String(data.get('login')), String(data.get('password')))) {
            onDone();
            return;
        }
        setWrong(true);
        password.current?.select();
    });
    return (
        <main class="alone">
            <form class="card stack" onSubmit={(event) => { event.preventDefault(); setWrong(false); void run(event.currentTarget); }}>
                <h1>{t('signIn.title')}</h1>
                {ended && <p class="quiet">{t('signIn.ended')}</p>}
                <Field label={t('signIn.login')}>{(props) => <input {...props} name="login" autocomplete="username" autocapitalize="none" required autofocus />}</Field>
                <Field label={t('signIn.password')} error={wrong ? t('signIn.wrong') : null}>{(props) => <input {...props} ref={password} type="password" name="password" autocomplete="current-password" required />}</Field>
                <ErrorNote error={error} />
                <button type="submit" class="primary" disabled={busy}>{t('signIn.submit')}</button>
            </form>
        </main>
    );
}
