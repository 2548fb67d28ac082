// Heartbeats, on a server that is in a hurry.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openGate } from "./support/gate.js";
import { eachPeer, next } from "./support/peers.js";

eachPeer("heartbeat", (peer) => {
  test("a client that answers its pings stays connected", async (t) => {
    const socket = await peer.connect(t);
    const { id } = socket;
    // Six intervals are longer than one interval and one timeout, after which a server that heard no pong would have closed.
    for (let pings = 0; pings < 6; pings += 1) await new Promise((resolve) => socket.io.once("ping", resolve));
    assert.equal(await socket.emitWithAck("add", 1, 1), 2);
    assert.equal(socket.id, id);
  });

  test("when the network swallows everything, both sides notice", async (t) => {
    const gate = await openGate(t, peer.server.port);
    const watcher = await peer.connect(t);
    await watcher.emitWithAck("join", "watchers");
    const name = `frozen ${peer.endsOn} ${Math.random()}`;
    const gone = new Promise((resolve) => {
      watcher.on("gone", (who, reason) => who === name && resolve(reason));
    });
    const socket = await peer.connect(t, "/", { url: gate.url, reconnection: false, auth: { name } });
    const left = next(socket, "disconnect");
    gate.freeze();
    assert.equal((await left)[0], "ping timeout");
    assert.equal(await gone, "ping timeout");
  });
}, ["--ping-interval-ms", "150", "--ping-timeout-ms", "300"]);
