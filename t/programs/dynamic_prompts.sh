# Licensed under the Apache License, Version 2.0; see LICENSE.
# The documentation's commands, word for word; t/docs_programs.t runs them.
curl "https://api.tuor.dev/v1/projects/proj_abc123/prompts" \
  -H "X-API-Key: $TUOR_API_KEY"

curl -X POST "https://api.tuor.dev/v1/traces/" \
  -H "X-API-Key: $TUOR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "project_id": "proj_abc123",
    "model_input": { "content": "Extract net income from the attached statement." },
    "model_output": { "net_income": 250000 },
    "trace_config": {
      "model": "gpt-4o",
      "prompt_version_id": "prm_abc123",
      "internal_run_id": "run_01j2abcde"
    }
  }'

curl -X POST "https://api.tuor.dev/v1/projects/proj_abc123/prompts" \
  -H "X-API-Key: $TUOR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "content": "You are a financial assistant. Extract the following fields with strict ISO formatting..."
  }'
