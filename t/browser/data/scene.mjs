// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// An organization as it looks after some weeks: four projects of all kinds, three people, tags, prompt versions,
// verdicts of every sort, deliveries that arrived and that did not. Made through the API as its people would; only the
// times are spread afterwards, over four weeks.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { api, user } from '../lib.mjs';
import { invoice, png } from './samples.mjs';

const run = promisify(execFile);
const WEEKS = 4;

/** As somebody with a password: the console's own limit of requests. */
function as(tuor, who) {
    const Authorization = `Basic ${Buffer.from(`${who.user}:${who.password}`).toString('base64')}`;
    return async (method, route, body) => {
        const reply = await fetch(tuor.url + route, {
            method, headers: { Authorization, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await reply.text();
        if (!reply.ok) throw new Error(`${method} ${route}: ${reply.status} ${text}`);
        return text ? JSON.parse(text) : null;
    };
}

const VENDORS = [
    ['Northwind Paper Ltd', 'GBP', 'Copy paper, 40 boxes'], ['Bäckerei Morgenrot', 'EUR', 'Brot und Gebäck, März'], ['Atelier Dubois', 'EUR', 'Conception graphique'],
    ['Kestrel Freight', 'USD', 'Carriage Rotterdam–Leeds'], ['Halvorsen Elektro AS', 'NOK', 'Installation, 14 hours'], ['Sakura Dental Supplies K.K.', 'JPY', 'Gloves, masks'],
    ['Oakfield Legal LLP', 'GBP', 'Professional charges'], ['Green & Grey Landscaping', 'GBP', 'Spring clearance'],
];
const money = (n) => n.toLocaleString('en-GB', { minimumFractionDigits: 2 });

/** An invoice as its text, what the model read, and what is right. */
function bill(i) {
    const [vendor, currency, what] = VENDORS[i % VENDORS.length];
    const net = 180 + ((i * 7919) % 4300) + 0.5 * (i % 2);
    const tax = Math.round(net * 20) / 100;
    const day = String(1 + (i % 28)).padStart(2, '0');
    const number = `${vendor.slice(0, 2).toUpperCase()}-2026-${String(300 + i)}`;
    const row = (left, right) => left.padEnd(34) + right.padStart(12);
    const content = [vendor, `Invoice no. ${number}`.padEnd(34) + `${day} October 2026`, '', row('Item', 'Amount'), '─'.repeat(46), row(what, money(net)), row('VAT at 20%', money(tax)), '─'.repeat(46),
        row('Total due', `${currency} ${money(net + tax)}`), '', `Please pay within 30 days, quoting ${number}.`].join('\n');
    const right = { invoice_number: number, vendor, invoice_date: `2026-10-${day}`, due_date: null, net, tax, total: net + tax, currency };
    const wrong = [{ total: net }, { invoice_date: `${day} October 2026` }, { vendor: vendor.split(' ')[0] }, { tax: 0 }, { currency: '€' }][i % 5];
    return { content, right, wrong };
}

const ANSWERS = [
    ['My parcel has not arrived. It was promised for Tuesday.', 'I am sorry that your parcel is late. It left our warehouse on Monday, and the carrier expects to deliver it tomorrow before noon. If it is not there by then, write to me and I will send a new one.'],
    ['How can I change the address of an order?', 'As long as the order is not packed, you can change the address yourself under My orders, Change address. Afterwards we cannot change it any more.'],
    ['I was charged twice!', 'You was charged twice because of a error in our payment system. We will refund one of the charges in 5 to 7 day.'],
];
const LABELS = ['dent', 'scratch', 'broken glass', 'no damage'];
const COMMENTS = ['The total is without tax; we need it with.', 'Not an invoice but a reminder.', null, 'Same vendor as last week, same mistake.', null, null];

/** What stands in tuor afterwards; hooks: a receiver that answers as hooks.answer says. */
export async function scene(tuor, hooks) {
    const admin = as(tuor, tuor);
    const people = [];
    for (const [login, name, role] of [['ada', 'Ada Lindqvist', 'reviewer'], ['ben', 'Ben Okafor', 'reviewer'], ['chiara', 'Chiara Conti', 'viewer']]) {
        const one = await user(tuor, login, role, name);
        people.push({ ...one, ask: as(tuor, one) });
    }
    const [ada, ben, chiara] = people;
    const tags = [];
    for (const [name, color, description] of [['q2-audit', '#7b61c4', 'Looked at again by the auditors'], ['urgent', '#c62828', 'Before noon'], ['edge-case', '#b58900', 'For the test set'], ['foreign-language', '#2a7f9e', '']]) {
        tags.push(await admin('POST', '/v1/tags/', { name, color, description }));
    }

    const judge = async (who, trace, action, more = {}) => who.ask('POST', `/v1/traces/${trace.id}/review`, { action, expected_version: trace.version, ...more });

    const scans = await admin('POST', '/v1/projects/', { name: 'Scanned bills', input_type: 'pdf', output_type: 'key_value', guidelines: 'The first page counts.' });
    for (let i = 0; i < 6; i++) {
        const [vendor] = VENDORS[i];
        await admin('POST', '/v1/traces/', { project_id: scans.id, model_input: { pdf_base64: invoice(3, vendor).toString('base64'), filename: `scan-${i + 1}.pdf` },
            model_output: { vendor_name: vendor, invoice_date: '2026-05-15', total_amount: 1250.54, tax_id: '12-345678', items: [{ name: 'Widgets', price: 1000.45 }, { name: 'Gadgets', price: 250 }] }, trace_config: { model: 'gpt-4o', internal_run_id: `scan_${i}` } });
    }
    const photos = await admin('POST', '/v1/projects/', { name: 'Damage photos', input_type: 'image', output_type: 'classification', guidelines: 'One label. The worst damage counts.' });
    for (let i = 0; i < 6; i++) {
        const picture = png(640, 420, (x, y) => {
            const car = (x - 320) ** 2 / 52000 + (y - 250) ** 2 / 9000 < 1;
            const hit = (x - 260 - i * 25) ** 2 + (y - 230) ** 2 < 900;
            return hit ? [60, 50, 55] : car ? [170 - y / 5, 40 + i * 20, 60] : y > 320 ? [110, 112, 116] : [190 - y / 4, 215 - y / 6, 235];
        });
        const trace = await admin('POST', '/v1/traces/', { project_id: photos.id, model_input: { image_base64: picture.toString('base64') },
            model_output: { label: LABELS[i % 4], confidence: 0.61 + i / 20, alternatives: LABELS.filter((one) => one !== LABELS[i % 4]) }, trace_config: { model: 'vision-2' } });
        if (i < 3) await judge([ada, ben][i % 2], trace, i === 1 ? 'correct' : 'approve', i === 1 ? { corrected_output: { ...trace.model_output, label: 'dent' } } : {});
    }
    const support = await admin('POST', '/v1/projects/', { name: 'Support answers', input_type: 'text', output_type: 'text', guidelines: 'Friendly, correct, no promises that we cannot keep.' });
    for (let i = 0; i < 9; i++) {
        const [content, answer] = ANSWERS[i % 3];
        const trace = await admin('POST', '/v1/traces/', { project_id: support.id, model_input: { system_prompt: 'You answer customers of a small shop.', content }, model_output: { content: answer }, trace_config: { model: 'claude-3-5-sonnet' } });
        if (i < 5) await judge([ada, ben][i % 2], trace, i % 3 === 2 ? 'correct' : 'approve', i % 3 === 2 ? { corrected_output: { content: answer.replace('You was', 'You were').replace('a error', 'an error').replace('7 day.', '7 days.') } } : {});
    }

    // Invoices: three prompt versions, each better than the one before.
    const invoices = await admin('POST', '/v1/projects/', {
        name: 'Invoices', input_type: 'text', output_type: 'key_value',
        guidelines: 'Dates as YYYY-MM-DD, amounts as numbers. The total is what is to be paid, tax included.\nReject what is no invoice.',
        webhook_url: hooks.url('/tuor/verdicts'), webhook_secret: 'a secret of some length', webhook_active: true,
    });
    const prompt = (text) => admin('POST', `/v1/projects/${invoices.id}/prompts`, { content: text });
    const rules = ['You read invoices. Answer with JSON alone: invoice_number, vendor, invoice_date, due_date, net, tax, total, currency.', '', '- Amounts are numbers.', '- Leave out nothing; null where the text has none.'];
    let at = 0;
    let version;
    for (const [text, count, good] of [[rules.join('\n'), 24, 0.4], [[...rules, '- Dates as YYYY-MM-DD.'].join('\n'), 22, 0.65], [[...rules.slice(0, 3), '- Leave out nothing; null where the invoice shows none.', '- Dates as YYYY-MM-DD.', '- The total includes tax.'].join('\n'), 26, 0.85]]) {
        version = await prompt(text);
        for (let i = 0; i < count; i++, at++) {
            const { content, right, wrong } = bill(at);
            const fine = (at * 0.618) % 1 < good;
            const trace = await admin('POST', '/v1/traces/', {
                project_id: invoices.id, model_input: { system_prompt: text, content }, model_output: fine ? right : { ...right, ...wrong },
                trace_config: { model: ['gpt-4o', 'gpt-4o-mini', 'claude-3-5-sonnet'][at % 3], prompt_version_id: version.id, internal_run_id: `run_2026_${String(9000 + at)}`, temperature: 0.1 },
            });
            if (at % 7 === 0) await admin('POST', `/v1/traces/${trace.id}/tags`, { tag_ids: [tags[at % 4].id, ...(at % 3 ? [] : [tags[(at + 1) % 4].id])] });
            if (at > 60) continue;
            hooks.answer = at % 11 === 4 ? () => ({ status: 500, body: '{"error":"queue is full"}' }) : () => ({ status: 200, body: '{"ok":true}' });
            const who = [ada, ben, ada, { ask: admin }][at % 4];
            const comment = COMMENTS[at % COMMENTS.length] ?? undefined;
            if (at % 13 === 9) await judge(who, trace, 'reject', { comment });
            else if (fine) await judge(who, trace, 'approve');
            else await judge(who, trace, 'correct', { corrected_output: right, comment });
            if (at % 17 === 3) {
                const { version: now } = await admin('GET', `/v1/traces/${trace.id}`);
                await admin('POST', `/v1/traces/${trace.id}/reset`, { expected_version: now });
            }
        }
    }
    hooks.answer = () => ({ status: 200, body: '{"ok":true}' });
    await delivered(tuor, invoices.id);
    await spread(tuor);
    return { invoices, scans, photos, support, people: { ada, ben, chiara }, tags, version };
}

async function delivered(tuor, project) {
    for (;;) {
        const list = await api(tuor, 'GET', `/v1/projects/${project}/webhook-deliveries?limit=100`);
        if (list.every((one) => one.status === 'success' || one.status === 'failed')) return;
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
}

// Everything happened within seconds: it is moved back, its order kept, and counted anew.
async function spread(tuor) {
    const sql = `
        BEGIN;
        CREATE TEMP TABLE moved ON COMMIT DROP AS
            SELECT t.org_id, t.id, now() - interval '${WEEKS} weeks' * power(1 - (row_number() OVER (ORDER BY t.id))::numeric / (1 + count(*) OVER ()), 1.2) AS made,
                   (90 + (row_number() OVER (ORDER BY t.id)) * 7919 % 8500) * interval '1 second' AS took
                FROM tuor.traces t;
        UPDATE tuor.trace_events e SET occurred_at = CASE e.type WHEN 'trace.created' THEN m.made WHEN 'tag.added' THEN m.made + interval '1 minute' ELSE least(now() - interval '2 minutes' + e.version * interval '5 seconds', m.made + m.took + e.version * interval '40 seconds') END
            FROM moved m WHERE m.org_id = e.org_id AND m.id = e.trace_id;
        UPDATE tuor.traces t SET created_at = m.made, updated_at = coalesce(v.at, m.made), last_reviewed_at = CASE WHEN t.last_reviewed_at IS NOT NULL THEN v.reviewed END
            FROM moved m, LATERAL (SELECT max(e.occurred_at) AS at, max(e.occurred_at) FILTER (WHERE e.type LIKE 'review.%') AS reviewed FROM tuor.trace_events e WHERE e.org_id = m.org_id AND e.trace_id = m.id) v
            WHERE m.org_id = t.org_id AND m.id = t.id;
        UPDATE tuor.webhook_deliveries d SET created_at = t.last_reviewed_at, updated_at = t.last_reviewed_at + interval '300 milliseconds' FROM tuor.traces t WHERE t.org_id = d.org_id AND t.id = d.trace_id AND t.last_reviewed_at IS NOT NULL;
        UPDATE tuor.webhook_attempts a SET attempted_at = d.created_at FROM tuor.webhook_deliveries d WHERE d.org_id = a.org_id AND d.id = a.delivery_id;
        DELETE FROM tuor.analytics_counts;
        DELETE FROM tuor.analytics_state;
        COMMIT;`;
    await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', tuor.env.TUOR_DATABASE_URL, '-c', sql]);
}
