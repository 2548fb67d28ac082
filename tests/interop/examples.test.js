// The examples that are no chat, by the official client.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { io } from "socket.io-client";
import { next } from "./support/peers.js";
import { buildExample, startProcess } from "./support/servers.js";

test("auth: a key for the request, a token for the namespace, a role for an event", async (t) => {
  const server = await startProcess([await buildExample("auth"), "--addr", "127.0.0.1:0"]);
  t.after(() => server.stop("SIGKILL"));
  const connect = (options) => {
    const socket = io(`http://127.0.0.1:${server.port}`, { forceNew: true, ...options });
    t.after(() => socket.disconnect());
    return socket;
  };
  const key = { extraHeaders: { "x-api-key": "browser-7" } };

  const [stranger] = await next(connect({ reconnection: false }), "connect_error");
  assert.equal(stranger.description ?? stranger.context?.status, 403);
  const [wrong] = await next(connect({ ...key, auth: { token: "guessed" } }), "connect_error");
  assert.deepEqual([wrong.message, wrong.data], ["not authorized", { hint: "log in again" }]);
  const [shapeless] = await next(connect(key), "connect_error");
  assert.match(shapeless.message, /auth payload does not fit/);

  const ada = connect({ ...key, auth: { token: "ada's token" } });
  assert.deepEqual(await ada.emitWithAck("whoami"), { name: "Ada", admin: true });
  assert.equal(await ada.emitWithAck("shut the doors"), true);
  const ben = connect({ ...key, auth: { token: "ben's token" } });
  assert.deepEqual(await ben.emitWithAck("whoami"), { name: "Ben", admin: false });
  assert.deepEqual(await ben.emitWithAck("shut the doors"), { error: "for admins only" });
});

for (const example of ["in_hyper", "in_tower"]) {
  test(`${example}: Socket.IO beside another service`, async (t) => {
    const server = await startProcess([await buildExample(example), "--addr", "127.0.0.1:0"]);
    t.after(() => server.stop("SIGKILL"));
    const url = `http://127.0.0.1:${server.port}`;
    const socket = io(url, { forceNew: true });
    t.after(() => socket.disconnect());
    assert.equal(await socket.emitWithAck("echo", "hello"), "hello");
    while (socket.io.engine.transport.name !== "websocket") await new Promise((again) => setImmediate(again));
    assert.equal(await socket.emitWithAck("echo", "again"), "again");
    assert.match(await (await fetch(`${url}/other`)).text(), /^hello/);
  });
}

test("secure: over TLS, and told when the server ends", async (t) => {
  if (spawnSync("openssl", ["version"]).error) return t.skip("no openssl to make a certificate with");
  const folder = mkdtempSync(join(tmpdir(), "secure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [certificates, key] = ["certificate.pem", "key.pem"].map((name) => join(folder, name));
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificates, "-keyout", key,
  ], { stdio: "ignore" });
  const program = await buildExample("secure");
  const server = await startProcess([program, "--addr", "127.0.0.1:0", "--certificates", certificates, "--key", key]);
  t.after(() => server.stop("SIGKILL"));
  const socket = io(`https://127.0.0.1:${server.port}`, { forceNew: true, ca: readFileSync(certificates), reconnection: false });
  assert.equal(await socket.emitWithAck("echo", "hello"), "hello");
  const gone = next(socket, "disconnect");
  assert.equal(await server.stop("SIGINT"), 0);
  assert.equal((await gone)[0], "transport close");
});

test("in_axum: handlers of both worlds", async (t) => {
  const server = await startProcess([await buildExample("in_axum"), "--addr", "127.0.0.1:0"]);
  t.after(() => server.stop("SIGKILL"));
  const url = `http://127.0.0.1:${server.port}`;
  const socket = io(url, { forceNew: true });
  t.after(() => socket.disconnect());
  assert.equal(await socket.emitWithAck("echo", "hello"), "hello");
  const said = next(socket, "said");
  assert.equal(await (await fetch(`${url}/say/news`)).text(), "1 heard it\n");
  assert.deepEqual(await said, ["news"]);
});
