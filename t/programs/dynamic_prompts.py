# Licensed under the Apache License, Version 2.0; see LICENSE.
# The documentation's program, word for word; t/docs_programs.t runs it.
import os
import httpx

TUOR_API_KEY = os.environ["TUOR_API_KEY"]
PROJECT_ID = "proj_abc123"

def fetch_active_prompt() -> dict:
    resp = httpx.get(
        f"https://api.tuor.dev/v1/projects/{PROJECT_ID}/prompts",
        headers={"X-API-Key": TUOR_API_KEY},
        timeout=5,
    )
    resp.raise_for_status()
    return resp.json()["active"]

# Cache at startup
prompt = fetch_active_prompt()

def run_and_trace(user_input: str) -> dict:
    model_output = call_your_model(prompt["content"], user_input)

    httpx.post(
        "https://api.tuor.dev/v1/traces/",
        headers={"X-API-Key": TUOR_API_KEY, "Content-Type": "application/json"},
        json={
            "project_id": PROJECT_ID,
            "model_input": {"content": user_input},
            "model_output": model_output,
            "trace_config": {
                "model": "gpt-4o",
                "prompt_version_id": prompt["id"],
            },
        },
    )

    return model_output
