// The examples that are no chat, by the official client.

import assert from "node:assert/strict";
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
