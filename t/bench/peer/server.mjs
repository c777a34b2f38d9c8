// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What one would write instead of Tuor: Fastify and pg, two processes, on the same tables. One prepared statement a
// request checks the key and does the work; payloads leave as the text they are stored as, and are parsed on their way in
// alone. For t/bench/run; PGHOST and so on name the database, PORT where to listen.
import cluster from "node:cluster";
import { createHash, randomFillSync } from "node:crypto";
import { Readable } from "node:stream";
import Fastify from "fastify";
import pg from "pg";

const PROCESSES = 2;
const CONNECTIONS = 16;
const MAX_PAYLOAD = 5242880;
const MAX_DEPTH = 10;

const COLUMNS = `t.id, t.org_id, t.project_id, t.status, t.version, t.created_at, t.created_by, t.updated_at, t.updated_by,
  t.last_reviewed_at, t.last_reviewed_by, t.deleted_at, t.deleted_by, t.restored_at, t.restored_by, t.model_input,
  t.model_output, t.trace_config, t.corrected_output, t.correction_diff`;

const create = {
  name: "create",
  text: `WITH place AS (
      SELECT k.org_id, k.id AS key_id, p.id AS project_id
        FROM tuor.api_keys k JOIN tuor.organizations o ON o.org_id = k.org_id
        LEFT JOIN tuor.projects p ON p.org_id = k.org_id AND p.id = $2 AND NOT p.archived
        WHERE k.hash = $1 AND k.revoked_at IS NULL AND NOT o.suspended
    ), trace AS (
      INSERT INTO tuor.traces (org_id, id, project_id, created_at, created_by, updated_at, updated_by, model,
                               prompt_version_id, internal_run_id, model_input, model_output, trace_config)
        SELECT p.org_id, $3, p.project_id, $5, p.key_id, $5, p.key_id, $6, $7, $8, $9, $10, $11
          FROM place p WHERE p.project_id IS NOT NULL
    ), event AS (
      INSERT INTO tuor.trace_events (org_id, trace_id, id, type, actor_type, actor_id, occurred_at, status_after, version)
        SELECT p.org_id, $3, $4, 'trace.created', 'api_key', p.key_id, $5, 'pending', 1
          FROM place p WHERE p.project_id IS NOT NULL
    )
    SELECT p.org_id, p.key_id, p.project_id FROM place p`,
};
const get = {
  name: "get",
  text: `SELECT ${COLUMNS} FROM tuor.api_keys k LEFT JOIN tuor.traces t ON t.org_id = k.org_id AND t.id = $2 AND t.deleted_at IS NULL
    WHERE k.hash = $1 AND k.revoked_at IS NULL`,
};
const list = {
  name: "list",
  text: `SELECT ${COLUMNS} FROM tuor.api_keys k CROSS JOIN LATERAL (
      SELECT * FROM tuor.traces t WHERE t.org_id = k.org_id AND t.deleted_at IS NULL ORDER BY t.id DESC LIMIT 51) t
    WHERE k.hash = $1 AND k.revoked_at IS NULL`,
};

const caller = { name: "caller", text: "SELECT k.org_id FROM tuor.api_keys k WHERE k.hash = $1 AND k.revoked_at IS NULL" };
const reviewed = `DECLARE reviewed NO SCROLL CURSOR FOR SELECT ${COLUMNS},
    (SELECT json_agg(json_build_object('event_id', e.id, 'event_type', e.type, 'actor_type', e.actor_type, 'actor_id', e.actor_id,
       'occurred_at', e.occurred_at, 'status_before', e.status_before, 'status_after', e.status_after, 'version', e.version,
       'comment', e.comment, 'correction_diff', e.correction_diff::json, 'tag_id', e.tag_id) ORDER BY e.id)::text
       FROM tuor.trace_events e WHERE e.org_id = t.org_id AND e.trace_id = t.id) AS events
  FROM tuor.traces t WHERE t.org_id = $1 AND t.deleted_at IS NULL AND t.status IN ('approved', 'rejected', 'corrected') ORDER BY t.id`;

/** The export, a thousand lines at a time: one snapshot, and no more in memory than that. */
async function* lines(client, org) {
  try {
    await client.query("BEGIN READ ONLY");
    await client.query(reviewed, [org]);
    for (;;) {
      const { rows } = await client.query("FETCH 1000 FROM reviewed");
      if (!rows.length) break;
      let text = "";
      for (const row of rows) text += `${render(row).slice(0, -1)},"events":${row.events}}\n`;
      yield text;
    }
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

/** Ids are ordered by time. */
const random = Buffer.alloc(4096);
let used = random.length;
function makeId(prefix) {
  if (used + 8 > random.length) {
    randomFillSync(random);
    used = 0;
  }
  const tail = random.readBigUInt64LE(used).toString(36).padStart(13, "0");
  used += 8;
  return `${prefix}_${Date.now().toString(36).padStart(9, "0")}${tail}`;
}

function depth(value) {
  let most = 0;
  for (const key in value) {
    const inner = value[key];
    if (inner !== null && typeof inner === "object") {
      most = Math.max(most, depth(inner));
    }
  }
  return 1 + most;
}

/** The text of a payload; what is wrong with it goes to errors. */
function payload(body, field, required, errors) {
  const value = body[field];
  if (value === undefined || value === null) {
    if (required) errors.push({ field, message: "is required" });
    return null;
  }
  if (typeof value !== "object" || Array.isArray(value)) {
    errors.push({ field, message: "must be an object" });
    return null;
  }
  if (depth(value) > MAX_DEPTH) errors.push({ field, message: `must not be nested deeper than ${MAX_DEPTH} levels` });
  const text = JSON.stringify(value);
  if (text.length * 3 > MAX_PAYLOAD && Buffer.byteLength(text) > MAX_PAYLOAD) errors.push({ field, message: "is too large" });
  return text;
}

const quoted = (text) => (text === null ? "null" : JSON.stringify(text));
const time = (at) => (at === null ? "null" : `"${at.toISOString()}"`);
const known = (config, name) => (typeof config?.[name] === "string" || typeof config?.[name] === "number" ? String(config[name]) : null);

/** The trace object, spliced. */
function render(t) {
  const final = t.status === "approved" ? t.model_output : t.status === "corrected" ? t.corrected_output : null;
  return `{"id":"${t.id}","org_id":"${t.org_id}","project_id":"${t.project_id}","status":"${t.status}","model_input":${t.model_input},` +
    `"model_output":${t.model_output},"trace_config":${t.trace_config},"corrected_output":${t.corrected_output},` +
    `"final_output":${final},"correction_diff":${t.correction_diff},"tags":[],"version":${t.version},` +
    `"created_at":${time(t.created_at)},"created_by":${quoted(t.created_by)},"updated_at":${time(t.updated_at)},` +
    `"updated_by":${quoted(t.updated_by)},"last_reviewed_at":${time(t.last_reviewed_at)},"last_reviewed_by":${quoted(t.last_reviewed_by)},` +
    `"deleted_at":${time(t.deleted_at)},"deleted_by":${quoted(t.deleted_by)},"restored_at":${time(t.restored_at)},` +
    `"restored_by":${quoted(t.restored_by)}}`;
}

/** One key is hashed once. */
const hashes = new Map();
function hash(request) {
  const key = request.headers["x-api-key"] ?? "";
  let found = hashes.get(key);
  if (!found) {
    found = createHash("sha256").update(key).digest();
    if (hashes.size > 1000) hashes.clear();
    hashes.set(key, found);
  }
  return found;
}

function serve() {
  const pool = new pg.Pool({ max: CONNECTIONS, idleTimeoutMillis: 0 });
  const app = Fastify({ logger: false, bodyLimit: 17 << 20, onProtoPoisoning: "ignore", onConstructorPoisoning: "ignore", routerOptions: { ignoreTrailingSlash: true } });
  const unauthorized = (reply) => reply.code(401).send({ detail: "Invalid or revoked API key" });
  const json = (reply, text) => reply.header("content-type", "application/json").send(text);

  app.post("/v1/traces/", async (request, reply) => {
    const body = request.body;
    const errors = [];
    if (body === null || typeof body !== "object" || typeof body.project_id !== "string") errors.push({ field: "project_id", message: "must be a string" });
    const input = payload(body, "model_input", true, errors);
    const output = payload(body, "model_output", true, errors);
    const config = payload(body, "trace_config", false, errors);
    if (errors.length) return reply.code(422).send({ detail: "The request has faults", errors });
    const id = makeId("trace");
    const at = new Date();
    const { rows } = await pool.query({ ...create, values: [hash(request), body.project_id, id, makeId("evt"), at, known(body.trace_config, "model"),
      known(body.trace_config, "prompt_version_id"), known(body.trace_config, "internal_run_id"), input, output, config] });
    if (!rows.length) return unauthorized(reply);
    if (!rows[0].project_id) return reply.code(404).send({ detail: "There is no such project" });
    reply.code(201).header("location", `/v1/traces/${id}`);
    return json(reply, render({ id, org_id: rows[0].org_id, project_id: body.project_id, status: "pending", model_input: input, model_output: output,
      trace_config: config, corrected_output: null, correction_diff: null, version: 1, created_at: at, created_by: rows[0].key_id, updated_at: at,
      updated_by: rows[0].key_id, last_reviewed_at: null, last_reviewed_by: null, deleted_at: null, deleted_by: null, restored_at: null, restored_by: null }));
  });

  app.get("/v1/traces/:id", async (request, reply) => {
    const { rows } = await pool.query({ ...get, values: [hash(request), request.params.id] });
    if (!rows.length) return unauthorized(reply);
    return rows[0].id ? json(reply, render(rows[0])) : reply.code(404).send({ detail: "There is no such trace" });
  });

  app.get("/v1/traces/", async (request, reply) => {
    const { rows } = await pool.query({ ...list, values: [hash(request)] });
    let text = "[";
    for (let i = 0; i < rows.length && i < 50; i++) text += (i ? "," : "") + render(rows[i]);
    return json(reply, text + "]");
  });

  app.get("/v1/traces/export", async (request, reply) => {
    const found = await pool.query({ ...caller, values: [hash(request)] });
    if (!found.rows.length) return unauthorized(reply);
    return reply.header("content-type", "application/x-ndjson").send(Readable.from(lines(await pool.connect(), found.rows[0].org_id)));
  });

  return app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
}

if (cluster.isPrimary) {
  for (let i = 0; i < PROCESSES; i++) cluster.fork();
} else {
  await serve();
}
