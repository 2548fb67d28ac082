// The client of `sio` against each server. What is checked, and in which words, is in `client.rs`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { eachServer } from "./support/peers.js";
import { buildExample } from "./support/servers.js";

eachServer("the client of sio", (server) => {
  test("it passes its whole list", async () => {
    const client = spawn(await buildExample("interop_client"), [server.url], { stdio: ["ignore", "pipe", "inherit"] });
    const [list, [code]] = await Promise.all([text(client.stdout), once(client, "exit")]);
    assert.equal(code, 0, `it failed at the last of these:\n${list}`);
    assert.equal(list.trim().split("\n").length, 9);
  });
});
