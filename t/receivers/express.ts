// Licensed under the Apache License, Version 2.0; see LICENSE.
// The documentation's Express receiver, word for word between the lines.
import { verifyTuorSignature } from "./verify.mjs";
// ----------------------------------------------------------------------------
import express from "express";

const app = express();
const webhookSecret = process.env.TUOR_WEBHOOK_SECRET!;

app.post("/tuor", express.raw({ type: "application/json" }), (req, res) => {
  const signature = req.header("X-Tuor-Signature") ?? "";
  if (!verifyTuorSignature(req.body, signature, webhookSecret)) {
    return res.sendStatus(401);
  }

  const event = JSON.parse(req.body.toString("utf8"));
  // Store event.event_id idempotently, then enqueue your own processing.
  return res.sendStatus(204);
});

app.use(express.json());
// ----------------------------------------------------------------------------
export { app };
