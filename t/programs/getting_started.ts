// Licensed under the Apache License, Version 2.0; see LICENSE.
// The documentation's program, word for word; t/docs_programs.t runs it.
const response = await fetch("https://api.tuor.dev/v1/traces/", {
  method: "POST",
  headers: {
    "X-API-Key": process.env.TUOR_API_KEY!,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    project_id: "proj_abc123",
    model_input: { content: "Compute net income" },
    model_output: { amount: 250_000 },
    trace_config: { model: "gpt-4o", internal_run_id: "run_01j..." },
  }),
});
if (!response.ok) throw new Error(await response.text());
const trace = await response.json();
