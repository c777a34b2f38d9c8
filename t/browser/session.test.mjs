// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Signing in and out, as a browser does it: by fetch from the console's own pages, and from nobody else's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, seed, server } from './lib.mjs';

const tuor = await server();

// The front-end's own requests, made where its script would make them.
const post = (page, path, form) => page.evaluate(async ([url, fields]) => {
    const reply = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
    return { status: reply.status, text: await reply.text() };
}, [path, form]);
const me = (page) => page.evaluate(async () => (await fetch('/v1/me')).status);

test('a form signs in, and out again', async () => {
    const tab = await open(tuor, { as: null });
    tab.allow(/status of 401/);
    await tab.goto('/console/index.html');
    assert.equal(await me(tab.page), 401, 'nobody at first, and no dialog');
    const wrong = await post(tab.page, '/console/session', { httpd_username: tuor.user, httpd_password: 'wrong' });
    assert.equal(wrong.status, 401, 'a wrong password');
    assert.equal(await me(tab.page), 401, 'does not sign in');
    const right = await post(tab.page, '/console/session', { httpd_username: tuor.user, httpd_password: tuor.password });
    assert.equal(right.status, 200, 'the right one does');
    assert.equal(JSON.parse(right.text).login, tuor.user, 'and says who that is');
    assert.equal(await me(tab.page), 200, 'from then on');
    const [cookie] = await tab.context.cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['tuor_session', true, 'Strict'], 'by a cookie that no script sees');
    assert.equal(await tab.page.evaluate(() => document.cookie), '', 'indeed');
    const out = await post(tab.page, '/console/sign-out', {});
    assert.equal(out.status, 204, 'signed out');
    assert.equal(await me(tab.page), 401, 'and nobody again');
    await tab.close();
});

test('another site can neither sign in nor act', async () => {
    const tab = await open(tuor);
    tab.allow(/status of 40[13]/, /foreign request: \w+ http:\/\/localhost/, /frame-ancestors|form-action/);
    const elsewhere = tuor.url.replace('127.0.0.1', 'localhost');
    await tab.goto(`${elsewhere}/healthz`);
    const status = await Promise.all([
        tab.page.waitForResponse(`${tuor.url}/console/session`),
        tab.page.evaluate(([url, name, password]) => {
            const form = Object.assign(document.createElement('form'), { method: 'post', action: `${url}/console/session` });
            for (const [field, value] of [['httpd_username', name], ['httpd_password', password]]) {
                form.append(Object.assign(document.createElement('input'), { name: field, value }));
            }
            document.body.append(form);
            form.submit();
        }, [tuor.url, tuor.user, tuor.password]),
    ]).then(([reply]) => reply.status());
    assert.equal(status, 403, 'a form from elsewhere is refused');
    await tab.close();
});

test('the harness complains', async () => {
    const tab = await open(tuor);
    await tab.goto('/console/index.html');
    await tab.page.evaluate(() => {
        const script = document.createElement('script');
        try {
            script.text = 'document.title = "ran"';
        } catch {
            // Trusted Types refuse it
        }
        document.head.append(script);
        fetch('http://localhost:1/').catch(() => {});
        setTimeout(() => alert('hello'), 0);
        console.error('oops');
    });
    await tab.page.waitForTimeout(300);
    assert.notEqual(await tab.page.title(), 'ran', 'no script of the page\'s own making runs');
    for (const pattern of [/Content.Security.Policy|TrustedScript/i, /dialog: alert hello/, /console.error: oops/]) {
        assert.ok(tab.complaints.some((line) => pattern.test(line)), `about ${pattern}`);
    }
    await tab.context.close();
});

test('traces are seeded', async () => {
    const [trace] = await seed(tuor, 1, () => ({ project_id: tuor.project }));
    assert.equal(trace.status, 'pending');
});
