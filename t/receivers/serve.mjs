// Licensed under the Apache License, Version 2.0; see LICENSE.
// node serve.mjs CERTIFICATE KEY, beside the compiled express.mjs: prints its port.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { app } from "./express.mjs";

const server = createServer({ cert: readFileSync(process.argv[2]), key: readFileSync(process.argv[3]) }, app);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
