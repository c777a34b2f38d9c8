// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the tests in a browser need: a server, a Chromium that is watched, a signed-in page, traces to review.
//
//   import { test } from 'node:test';
//   import { server, open, seed, project } from './lib.mjs';
//
//   test('the queue', async () => {
//       const tuor = await server();                     // the one of t/browser.t, else one of its own
//       const p = await project(tuor, { output_type: 'text' });
//       await seed(tuor, 3, (i) => ({ project_id: p.id, model_input: { content: `${i}` } }));
//       const tab = await open(tuor);                    // signed in; open(tuor, { as: null }) is not
//       await tab.goto('/console/');
//       …
//       await tab.shot('queue');                         // TUOR_SHOTS names the directory, or nothing happens
//       assert.deepEqual(await tab.axe(), []);           // violations of accessibility
//       await tab.close();                               // fails if the page complained: see complaints
//   });
//
// node t/browser/x.test.mjs runs one file; npm ci --ignore-scripts in t/browser comes first.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../..', import.meta.url));
const CHROMIUM = process.env.TUOR_CHROMIUM || '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// What is to be undone when the file is through. A hook made within a test would belong to that test.
const undo = [];
after(async () => {
    for (const step of undo.reverse()) {
        await step();
    }
});

// ------------------------------------------------------------------ server

// Below those that the kernel gives to connections: one of these may take a port before the server does.
async function freePort() {
    for (;;) {
        const socket = createServer();
        const port = await new Promise((resolve) => {
            socket.once('error', () => resolve(0));
            socket.listen(10_000 + Math.floor(Math.random() * 22_000), '127.0.0.1', () => resolve(socket.address().port));
        });
        await new Promise((resolve) => socket.close(resolve));
        if (port) return port;
    }
}

async function readEnv(dir) {
    const env = {};
    for (const [, name, value] of (await readFile(path.join(dir, 'env'), 'utf8')).matchAll(/^(\w+)='(.*)'$/gm)) {
        env[name] = value.replaceAll("'\\''", "'");
    }
    return { dir, url: env.TUOR_URL, key: env.TUOR_API_KEY, org: env.TUOR_ORG_ID, project: env.TUOR_PROJECT_ID,
        user: env.TUOR_CONSOLE_USER, password: env.TUOR_CONSOLE_PASSWORD, ctl: env.TUOR_CTL, env };
}

let running;

/**
 * The server: {dir, url, key, org, project, user, password, ctl}. t/browser.t starts one for all files.
 * @param include a file of httpd's configuration: then it is a server of one's own
 */
export function server({ include } = {}) {
    if (include) {
        return startServer('--include', include);
    }
    running ??= process.env.TUOR_BROWSER_DIR ? readEnv(process.env.TUOR_BROWSER_DIR)
        : startServer('--include', path.join(source, 't/browser/server.conf'));
    return running;
}

async function startServer(...options) {
    const dir = await mkdtemp(path.join(tmpdir(), 'tuor-browser-'));
    const quickstart = path.join(source, 'quickstart');
    undo.push(async () => {
        await run(quickstart, ['stop', '--dir', dir]);
        await rm(dir, { recursive: true, force: true });
    });
    await run(quickstart, ['up', '--dir', dir, '--port', String(await freePort()), ...options]);
    return readEnv(dir);
}

/** A request with the API key: the decoded answer. Fails on any status but those expected (2xx). */
export async function api(tuor, method, route, body, { status } = {}) {
    const reply = await fetch(tuor.url + route, {
        method,
        headers: { 'X-API-Key': tuor.key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await reply.text();
    assert.ok(status ? reply.status === status : reply.ok, `${method} ${route}: ${reply.status} ${text}`);
    return text ? JSON.parse(text) : null;
}

/** tuorctl with these arguments: what it printed. */
export async function ctl(tuor, ...args) {
    return (await run('/bin/sh', ['-c', `exec ${tuor.ctl} "$@"`, 'sh', ...args])).stdout.trim();
}

/** A login with a role, and a password that is the login's own name; Apache knows it at once. */
export async function user(tuor, login, role, name = login) {
    await ctl(tuor, 'user', 'add', login, '--org', tuor.org, '--role', role, '--name', name);
    await run('htpasswd', ['-bB', '-C', '4', path.join(tuor.dir, 'htpasswd'), login, login]);
    return { user: login, password: login };
}

let projects = 0;

/** A project of one's own, so that tests do not meet in one queue. */
export function project(tuor, members = {}) {
    return api(tuor, 'POST', '/v1/projects/', { name: `Browser ${process.pid}-${++projects}`, input_type: 'text', output_type: 'key_value', ...members });
}

/** n traces, oldest first: make(i) gives the body, whose project_id must be there. */
export async function seed(tuor, n, make) {
    const traces = [];
    for (let i = 0; i < n; i++) {
        const body = { model_input: { content: `Input ${i}` }, model_output: { answer: `Output ${i}` }, ...make(i) };
        traces.push(await api(tuor, 'POST', '/v1/traces/', body));
    }
    return traces;
}

// ------------------------------------------------------------------ browser

let browser;

/** Chromium, one for a file. */
export function launch() {
    if (!browser) {
        browser = chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
        undo.push(async () => (await browser).close());
    }
    return browser;
}

/**
 * A tab that is watched. @param as {user, password}, default the demo user; null: not signed in, so that tab.signIn() can
 * @param context Playwright's own options: viewport, colorScheme, reducedMotion, …
 *
 * tab.page and tab.context are Playwright's. tab.allow(/…/) excuses complaints that a test provokes.
 */
export async function open(tuor, { as = tuor, ...context } = {}) {
    const chrome = await launch();
    const tab = { tuor, complaints: [], excused: [], context: await chrome.newContext({ baseURL: tuor.url, ...context }) };
    watch(tab);
    tab.page = await tab.context.newPage();
    tab.allow = (...patterns) => tab.excused.push(...patterns);
    tab.goto = (route) => tab.page.goto(route);
    tab.shot = (name) => shot(tab.page, name);
    tab.axe = (options, frame = tab.page) => axe(frame, options);
    tab.signIn = (who = tuor) => signIn(tab.page, who);
    tab.unexcused = () => tab.complaints.filter((line) => !tab.excused.some((pattern) => pattern.test(line)));
    tab.close = async () => {
        await tab.context.close();
        assert.deepEqual(tab.unexcused(), [], 'the page complained about nothing');
    };
    if (as) {
        await signInByRequest(tab.context, as);
    }
    return tab;
}

// Errors in the console, exceptions, violations of the policy, requests that leave the server, dialogs.
function watch(tab) {
    const note = (line) => tab.complaints.push(line);
    const ours = (url) => url.startsWith(`${tab.tuor.url}/`) || /^(blob|data|about|devtools):/.test(url);
    tab.context.on('console', (message) => {
        if (['error', 'warning', 'assert'].includes(message.type())) {
            note(`console.${message.type()}: ${message.text()} ${message.location().url ?? ''}`);
        }
    });
    tab.context.on('weberror', (error) => note(`exception: ${error.error()?.stack ?? error.error()}`));
    tab.context.on('dialog', (dialog) => {
        note(`dialog: ${dialog.type()} ${dialog.message()}`);
        dialog.dismiss().catch(() => {});
    });
    tab.context.on('request', (request) => {
        if (!ours(request.url())) {
            note(`foreign request: ${request.method()} ${request.url()}`);
        }
        if (request.url() === `${tab.tuor.url}/console/csp-report`) {
            note(`policy: ${request.postData()}`);
        }
    });
}

/** Sign a context in without a page. */
export async function signInByRequest(context, who) {
    const reply = await context.request.post('/console/session', { form: { httpd_username: who.user, httpd_password: who.password } });
    assert.equal(reply.status(), 200, 'signed in');
    return reply;
}

/** Sign in as a person does, on the page that is there or at /console/sign-in. */
export async function signIn(page, who) {
    if (!new URL(page.url(), 'http://none').pathname.startsWith('/console/sign-in')) {
        await page.goto('/console/sign-in');
    }
    await page.locator('input[autocomplete="username"]').fill(who.user);
    await page.locator('input[autocomplete="current-password"]').fill(who.password);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => !url.pathname.startsWith('/console/sign-in'));
}

/** A picture, where TUOR_SHOTS names a directory for them. */
export async function shot(page, name) {
    const dir = process.env.TUOR_SHOTS;
    if (!dir) {
        return;
    }
    await mkdir(dir, { recursive: true });
    await page.screenshot({ path: path.join(dir, `${name}.png`) });
}

let axeSource;

/** Violations of accessibility, one line for each place. The page's policy does not apply to what a driver evaluates. */
export async function axe(page, options = {}) {
    axeSource ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate((o) => globalThis.axe.run(document, o), options);
    return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')}`));
}
