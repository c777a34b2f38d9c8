// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What an application does that traces with OpenTelemetry, by OpenTelemetry's own SDK and exporters.
//
// Standard input: { url, jobs: [{ form: "proto"|"json", gzip, key, resource, batch, spans: [{ attributes, events, child }] }] }.
// Standard output: for each job { ids: [{ traceId, spanId }], sent, failed: [...], said: [...] }: how many spans left in
// exports that succeeded, why others did not, and what the SDK warned of.
import { DiagLogLevel, SpanKind, context, diag, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

let said = [];
const say = (...words) => said.push(words.join(" "));
diag.setLogger({ error: say, warn: say, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

async function run(url, job) {
  said = [];
  const Exporter = job.form === "proto" ? ProtoExporter : JsonExporter;
  const exporter = new Exporter({
    url,
    headers: job.key ? { "X-API-Key": job.key } : {},
    compression: job.gzip ? "gzip" : "none",
  });
  const result = { ids: [], sent: 0, failed: [], said };
  const seen = {
    export: (spans, done) => exporter.export(spans, (outcome) => {
      if (outcome.code === 0) result.sent += spans.length;
      else result.failed.push(`${outcome.error?.code ?? ""} ${outcome.error?.message ?? ""}`);
      done(outcome);
    }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(job.resource)),
    spanProcessors: [new BatchSpanProcessor(seen, job.batch ? { maxExportBatchSize: job.batch } : {})],
  });
  const tracer = provider.getTracer("tuor-test");
  let parent;
  for (const wanted of job.spans) {
    const within = wanted.child ? trace.setSpan(context.active(), parent) : context.active();
    const span = tracer.startSpan("chat m-1", { kind: SpanKind.CLIENT, attributes: wanted.attributes }, within);
    for (const [name, attributes] of wanted.events ?? []) span.addEvent(name, attributes);
    span.end();
    parent = span;
    const { traceId, spanId } = span.spanContext();
    result.ids.push({ traceId, spanId });
  }
  await provider.shutdown().catch(() => {});    // fails with what stands in result.failed
  return result;
}

let text = "";
for await (const piece of process.stdin) text += piece;
const { url, jobs } = JSON.parse(text);
const results = [];
for (const job of jobs) results.push(await run(url, job));
process.stdout.write(JSON.stringify(results));
