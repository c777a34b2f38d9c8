# Licensed under the Apache License, Version 2.0; see LICENSE.
# The documentation's commands, word for word; t/docs_programs.t runs them.
curl -X POST "https://api.tuor.dev/v1/traces/" \
  -H "X-API-Key: $TUOR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "project_id": "proj_abc123",
    "model_input": { "content": "What is the capital of France?" },
    "model_output": { "answer": "Paris" },
    "trace_config": { "model": "gpt-4o", "temperature": 0.0 }
  }'
