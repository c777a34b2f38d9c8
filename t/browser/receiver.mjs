// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// A webhook receiver with TLS on loopback, under a certificate authority of its own, and the httpd configuration that
// lets a server deliver to it.
//
//   const hooks = await receiver();
//   const tuor = await server({ include: hooks.conf });
//   hooks.url('/');                                      // for webhook_url
//   hooks.answer = (request) => ({ status: 500, body: 'no' });
//   hooks.requests                                       // what arrived: {path, headers, body}
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function receiver() {
    const dir = await mkdtemp(path.join(tmpdir(), 'tuor-receiver-'));
    const openssl = (...args) => run('openssl', args, { cwd: dir });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-x509', ...key, '-subj', '/CN=Tuor test CA', '-days', '30', '-keyout', 'ca.key', '-out', 'ca.pem');
    await openssl('req', ...key, '-subj', '/CN=receiver', '-keyout', 'key.pem', '-out', 'csr.pem');
    await writeFile(path.join(dir, 'ext'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    await openssl('x509', '-req', '-in', 'csr.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'ext', '-out', 'cert.pem');

    const hooks = { conf: path.join(dir, 'webhooks.conf'), requests: [], answer: () => ({ status: 204 }) };
    await writeFile(hooks.conf, `TuorWebhookAllow 127.0.0.0/8\nTuorWebhookCAFile "${dir}/ca.pem"\n`);
    const tls = { key: await readFile(path.join(dir, 'key.pem')), cert: await readFile(path.join(dir, 'cert.pem')) };
    const listener = createServer(tls, async (request, response) => {
        let body = '';
        for await (const piece of request.setEncoding('utf8')) body += piece;
        const arrived = { path: request.url, headers: request.headers, body };
        hooks.requests.push(arrived);
        const { status, body: text } = await hooks.answer(arrived);
        response.writeHead(status).end(text);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    hooks.url = (where = '/') => `https://127.0.0.1:${listener.address().port}${where}`;
    after(async () => {
        listener.closeAllConnections();
        listener.close();
        await rm(dir, { recursive: true, force: true });
    });
    return hooks;
}
