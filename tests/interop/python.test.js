// python-socketio's client, by each transport and both of its serializers. Its cases are in `python/client.py`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eachServer } from "./support/peers.js";

const here = (path) => fileURLToPath(new URL(`python/${path}`, import.meta.url));
const python = here(".venv/bin/python");

for (const [serializer, flags] of [["default", []], ["msgpack", ["--msgpack"]]]) {
  eachServer(`python-socketio, ${serializer}`, (server) => {
    for (const transports of ["polling,websocket", "websocket", "polling"]) {
      test(transports, async () => {
        if (!existsSync(python)) throw new Error("no Python environment here: tests/run makes it");
        const child = spawn(python, ["-B", here("client.py"), server.url, transports, serializer], { stdio: ["ignore", "pipe", "inherit"] });
        const [report, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
        assert.equal(code, 0, report);
      });
    }
  }, flags);
}
