// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What stands around every screen: the bar, the session, the help, and which
// screen an address means. Screens are loaded when they are first shown.

import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, onConnection } from './api.ts';
import { chooseLanguage, language, LANGUAGES, t, type Language, type TextKey } from './i18n.ts';
import { activeShortcuts, useShortcuts } from './keys.ts';
import { BASE, go, here, usePlace, type Place } from './router.ts';
import { can, loadSession, loadShelf, SessionContext, signOut, switchOrganization, type Session } from './session.ts';
import { applyTheme, store, stored, useStored, type Theme } from './settings.ts';
import { SignIn } from './screens/signin.tsx';
import { Dialog, Empty, ErrorNote, Glyph, Key, Menu, useHereSeen } from './ui/index.tsx';

/** A screen gets the place behind its own name: /console/prompts/proj_1 is ['proj_1'] for prompts. */
export interface ScreenProps { place: Place; rest: string[] }
type Screen = ComponentType<ScreenProps>;
type PaletteType = typeof import('./palette.tsx').Palette;

/** ahead: asks for what the screen will show, before there is a session to draw it with. */
interface Loaded { default: Screen; ahead?: (place: Place) => void }
const SCREENS: Record<string, { load: () => Promise<Loaded>; label: TextKey; admin?: boolean }> = {
    traces: { load: () => import('./screens/traces.tsx'), label: 'shell.traces' },
    review: { load: () => import('./screens/review.tsx'), label: 'shell.review' },
    prompts: { load: () => import('./screens/prompts.tsx'), label: 'shell.prompts' },
    analytics: { load: () => import('./screens/analytics.tsx'), label: 'shell.analytics' },
    webhooks: { load: () => import('./screens/webhooks.tsx'), label: 'shell.webhooks' },
    audit: { load: () => import('./screens/audit.tsx'), label: 'shell.audit' },
    settings: { load: () => import('./screens/settings.tsx'), label: 'shell.settings' },
};

/** What the first screen needs is asked for at once, not one thing after the other. */
let begun: ReturnType<typeof loadSession> | null = null;
export function begin(): void {
    const place = here();
    const name = place.path[0] ?? 'traces';
    if (name === 'sign-in') return;
    begun = loadSession();
    begun.catch(() => { /* told where it is waited for */ });
    const files = document.querySelector<HTMLMetaElement>(`meta[name="tuor-ahead-${CSS.escape(name)}"]`)?.content ?? '';
    for (const file of files.split(' ').filter(Boolean)) {
        const link = document.createElement('link');
        link.rel = 'modulepreload';
        link.href = BASE + file;
        document.head.append(link);
    }
    SCREENS[name]?.load().then((loaded) => {
        loadedScreens.set(name, loaded.default);
        loaded.ahead?.(place);
    }, () => { /* said by Shown */ });
}

export function Console() {
    const place = usePlace();
    const [session, setSession] = useState<Session | null>(null);
    const [problem, setProblem] = useState<ApiError | null>(null);
    const [online, setOnline] = useState(true);

    const start = async () => {
        try {
            const loaded = await (begun ?? loadSession());
            const refresh = async () => {
                const shelf = await loadShelf();
                setSession((old) => old && { ...old, ...shelf });
            };
            setSession({ ...loaded, refresh });
            setProblem(null);
        } catch (error) {
            setProblem(error instanceof ApiError ? error : new ApiError(0, String(error)));
        } finally {
            begun = null;
        }
    };
    useLayoutEffect(() => {
        onConnection(() => setProblem(new ApiError(401, '')), setOnline);
        void start();
    }, []);

    if (problem?.status === 401 || place.path[0] === 'sign-in') {
        const next = place.path[0] === 'sign-in' ? place.query.get('next') : null;
        return <SignIn ended={session !== null} onDone={() => {
            if (place.path[0] === 'sign-in') go(next?.startsWith(BASE) ? next : BASE, true);
            void start();
        }} />;
    }
    if (problem?.status === 403) return <NoOrganization problem={problem} />;
    if (problem && !session) return <div class="alone"><ErrorNote error={problem} retry={() => void start()} /></div>;
    if (!session) return null;
    return (
        <SessionContext.Provider value={session}>
            <div class="console">
                <Bar session={session} place={place} />
                <div>{!online && <div class="offline" role="status">{t('shell.offline')}</div>}</div>
                <Shown place={place} />
                <div id="announcer" class="unseen" aria-live="polite" />
            </div>
        </SessionContext.Provider>
    );
}

/** The project that the address names, else the last one used. */
export function currentProject(session: Session, place: Place): string | null {
    const named = place.query.get('project') ?? place.path.find((one) => one.startsWith('proj_'));
    if (named && session.everyProject.some((one) => one.id === named)) return named;
    const last = stored('project');
    return session.projects.find((one) => one.id === last)?.id ?? session.projects[0]?.id ?? null;
}

function Bar({ session, place }: { session: Session; place: Place }) {
    const { me } = session;
    const [help, setHelp] = useState(false);
    const [theme] = useStored('theme', 'system');
    const project = currentProject(session, place);
    const screen = place.path[0] ?? 'traces';
    // Only the list of traces can show every project at once.
    const all = screen === 'traces' && place.query.get('project') === 'all';
    const name = me.name ?? me.login;
    useEffect(() => { if (project) store('project', project); }, [project]);
    const nav = useHereSeen(screen);
    const [Palette, setPalette] = useState<{ shown: PaletteType } | null>(null);
    useShortcuts([
        { keys: '?', does: t('shell.help'), run: () => setHelp(true) },
        { keys: 'mod+k', does: t('palette.open'), inFields: true, run: () => void import('./palette.tsx').then((loaded) => setPalette({ shown: loaded.Palette })) },
    ]);
    // Verdicts that an earlier page could not send.
    useEffect(() => { if (stored('outbox')) void import('./review/post.ts').then((loaded) => loaded.startPost(me)); }, [me]);

    const scoped = (path: string) => `${BASE}${path}${project ? `?project=${project}` : ''}`;
    const setTheme = (to: Theme) => {
        store('theme', to === 'system' ? null : to);
        applyTheme();
    };
    return (
        <header class="bar">
            <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>{t('shell.skip')}</a>
            <a class="brand" href={BASE}><img src={document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href} alt="" />Tuor</a>
            {session.projects.length > 0 && (
                <Menu start label={<><span class="unseen">{t('shell.project')}: </span><span class="clip project">{all ? t('shell.allProjects') : session.everyProject.find((one) => one.id === project)?.name ?? t('shell.chooseProject')}</span><Glyph name="down" /></>}
                    items={[
                        ...(screen === 'traces' && session.projects.length > 1 ? [{ label: t('shell.allProjects'), chosen: all, run: () => go(`${BASE}traces?project=all`) }] : []),
                        ...session.projects.map((one) => ({ label: one.name, chosen: !all && one.id === project, run: () => {
                            store('project', one.id);
                            go(`${BASE}${['traces', 'review', 'prompts', 'analytics', 'webhooks'].includes(screen) ? screen : 'traces'}?project=${one.id}`);
                        } })),
                    ]} />
            )}
            <nav aria-label={t('shell.nav')} ref={nav}>
                {Object.entries(SCREENS).map(([path, { label, admin }]) => (!admin || can(me, 'admin')) && (
                    <a key={path} href={path === 'settings' || path === 'audit' ? BASE + path : scoped(path)} aria-current={screen === path ? 'page' : undefined}>{t(label)}</a>
                ))}
            </nav>
            <div class="slot">
                <span id="bar-slot" />
                <button type="button" class="plain icon" aria-label={t('shell.help')} title={t('shell.help')} onClick={() => setHelp(true)}><Glyph name="help" /></button>
                <Menu name={t('shell.account', { name })} label={<><span class="clip">{name}</span><Glyph name="down" /></>} items={[
                    ...(me.organizations.length > 1 ? me.organizations.map((one) => ({ label: one.name, chosen: one.id === me.organization.id, run: () => switchOrganization(one.id) })) : []),
                    ...(['system', 'light', 'dark'] as const).map((one) => ({
                        label: t(one === 'system' ? 'shell.themeSystem' : one === 'light' ? 'shell.themeLight' : 'shell.themeDark'), chosen: theme === one, run: () => setTheme(one),
                    })),
                    ...(Object.entries(LANGUAGES) as [Language, string][]).map(([one, label]) => ({ label, chosen: language === one, run: () => chooseLanguage(one) })),
                    { label: t('shell.signOut'), run: () => void signOut() },
                ]} />
            </div>
            {Palette && <Palette.shown onClose={() => setPalette(null)} screens={Object.entries(SCREENS).filter(([, one]) => !one.admin || can(me, 'admin')).map(([path, one]) => ({ name: t(one.label), href: path === 'settings' || path === 'audit' ? BASE + path : scoped(path) }))} />}
            {help && <Help onClose={() => setHelp(false)} />}
        </header>
    );
}

function Help({ onClose }: { onClose: () => void }) {
    const [keys, setKeys] = useStored('keys', 'on');
    const all = activeShortcuts();
    const groups = [...new Set(all.map((one) => one.group ?? ''))];
    return (
        <Dialog panel title={t('shell.help')} onClose={onClose}>
            <label class="field check"><input type="checkbox" checked={keys === 'on'} onChange={(event) => setKeys(event.currentTarget.checked ? 'on' : 'off')} /><span>{t('shell.shortcutsOn')}</span></label>
            <small>{t('shell.shortcutsNote')}</small>
            <div class="help">
                {groups.map((group) => [
                    group && <h3 key={group}>{group}</h3>,
                    ...all.filter((one) => (one.group ?? '') === group).map((one) => [<span class="row" key={one.does}>{(typeof one.keys === 'string' ? [one.keys] : one.keys).map((key) => <Key keys={key} key={key} />)}</span>, <span>{one.does}</span>]),
                ])}
            </div>
        </Dialog>
    );
}

const loadedScreens = new Map<string, Screen>();

/** The screen of the address; the old one stays until the new one is loaded, which happens once. */
function Shown({ place }: { place: Place }) {
    const name = place.path[0] ?? 'traces';
    const [, turn] = useState(0);
    const [failed, setFailed] = useState(false);
    const main = useRef<HTMLElement>(null);
    const last = useRef<{ name: string; Screen: Screen } | null>(null);
    const ready = loadedScreens.get(name);
    if (ready) last.current = { name, Screen: ready };
    const shown = last.current;
    useLayoutEffect(() => {
        const known = SCREENS[name];
        let gone = false;
        setFailed(false);
        if (known && !ready) {
            known.load().then((loaded) => {
                loadedScreens.set(name, loaded.default);
                if (!gone) turn((old) => old + 1);
            }, () => { if (!gone) setFailed(true); });
        }
        return () => { gone = true; };
    }, [name]);
    useEffect(() => { if (ready) document.title = `${t(SCREENS[name].label)} – Tuor`; }, [name, ready]);
    let inside: ComponentChildren = null;
    if (!SCREENS[name]) inside = <Empty whole title={t('shell.notFound')} action={<a class="button" href={BASE}>{t('shell.toTraces')}</a>}>{t('shell.notFoundText')}</Empty>;
    else if (failed) inside = <Empty whole title={t('shell.broken')} action={<button type="button" class="primary" onClick={() => location.reload()}>{t('shell.loadAgain')}</button>}>{t('shell.brokenText')}</Empty>;
    else if (shown) inside = <Fence key={shown.name}><shown.Screen place={place} rest={shown.name === name ? place.path.slice(1) : []} /></Fence>;
    return <main id="main" tabIndex={-1} ref={main}>{inside}</main>;
}

/** A screen that throws is replaced, not the console. */
class Fence extends Component<{ children: ComponentChildren }, { broken: boolean }> {
    state = { broken: false };
    componentDidCatch(error: unknown) {
        console.error(error);
        this.setState({ broken: true });
    }
    render() {
        if (!this.state.broken) return this.props.children;
        return <Empty whole title={t('shell.broken')} action={<button type="button" class="primary" onClick={() => location.reload()}>{t('shell.loadAgain')}</button>}>{t('shell.brokenText')}</Empty>;
    }
}

function NoOrganization({ problem }: { problem: ApiError }) {
    const choices = (problem.body.organizations as { id: string; name: string }[] | undefined) ?? [];
    return (
        <div class="alone"><div class="card stack">
            {choices.length === 0
                ? <Empty whole title={t('shell.noOrganization')} action={<button type="button" onClick={() => void signOut()}>{t('shell.signOut')}</button>}>{t('shell.noOrganizationText')}</Empty>
                : <><h1>{t('shell.chooseOrganization')}</h1>{choices.map((one) => <button type="button" key={one.id} onClick={() => switchOrganization(one.id)}>{one.name}</button>)}</>}
        </div></div>
    );
}
