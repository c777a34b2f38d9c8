// Licensed under the Apache License, Version 2.0; see LICENSE.
// The documentation's program, word for word; t/docs_programs.t runs it.
const TUOR_API_KEY = process.env.TUOR_API_KEY!;
const PROJECT_ID = "proj_abc123";

async function fetchActivePrompt() {
  const res = await fetch(
    `https://api.tuor.dev/v1/projects/${PROJECT_ID}/prompts`,
    { headers: { "X-API-Key": TUOR_API_KEY } }
  );
  const data = await res.json();
  return data.active;
}

// Cache at startup
const prompt = await fetchActivePrompt();

async function runAndTrace(userInput: string) {
  const modelOutput = await callYourModel(prompt.content, userInput);

  await fetch("https://api.tuor.dev/v1/traces/", {
    method: "POST",
    headers: {
      "X-API-Key": TUOR_API_KEY,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({
      project_id: PROJECT_ID,
      model_input: { content: userInput },
      model_output: modelOutput,
      trace_config: {
        model: "gpt-4o",
        prompt_version_id: prompt.id,
      },
    }),
  });

  return modelOutput;
}
