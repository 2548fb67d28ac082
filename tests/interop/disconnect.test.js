// Who ends a connection, and which reason each side reports.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openGate } from "./support/gate.js";
import { connected, eachPeer, next, settled, synced } from "./support/peers.js";
import { startServer } from "./support/servers.js";

let named = 0;

/** A socket with a name, and a promise of [reason, rooms] that the server reports when it goes. */
async function watched(t, peer, namespace, options) {
  const name = `socket ${(named += 1)}`;
  const watcher = await peer.connect(t);
  await watcher.emitWithAck("join", "watchers");
  const gone = new Promise((resolve) => {
    watcher.on("gone", (who, ...report) => who === name && resolve(report));
  });
  const socket = await peer.connect(t, namespace, { auth: { name }, ...options });
  return { socket, gone };
}

eachPeer("disconnect", (peer) => {
  test("the client leaves its only namespace", async (t) => {
    const { socket, gone } = await watched(t, peer);
    await socket.emitWithAck("join", "still here");
    const left = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await left)[0], "io client disconnect");
    assert.deepEqual(await gone, ["client namespace disconnect", ["still here"]]);
  });

  test("the server ends the socket", async (t) => {
    const { socket, gone } = await watched(t, peer);
    const left = next(socket, "disconnect");
    socket.emit("leave me");
    assert.equal((await left)[0], "io server disconnect");
    assert.deepEqual(await gone, ["server namespace disconnect", []]);
  });

  test("the server closes the whole connection", async (t) => {
    const { socket, gone } = await watched(t, peer);
    const other = socket.io.socket("/other");
    await connected(other);
    const left = [next(socket, "disconnect"), next(other, "disconnect")];
    const closed = new Promise((resolve) => socket.io.engine.once("close", resolve));
    socket.emit("close me");
    assert.deepEqual((await Promise.all(left)).map(([reason]) => reason), ["io server disconnect", "io server disconnect"]);
    assert.deepEqual(await gone, ["server namespace disconnect", []]);
    await closed;
  });

  test("after an end by the server the client stays away until it is told to connect", async (t) => {
    const { socket } = await watched(t, peer);
    const left = next(socket, "disconnect");
    socket.emit("close me");
    await left;
    assert.equal(socket.active, false);
    socket.connect();
    await connected(socket);
    assert.equal(await socket.emitWithAck("add", 1, 1), 2);
  });

  test("the client closes the connection without leaving the namespace", async (t) => {
    const { socket, gone } = await watched(t, peer, "/", { reconnection: false });
    const left = next(socket, "disconnect");
    socket.io.engine.close();
    assert.equal((await left)[0], "forced close");
    assert.deepEqual(await gone, ["transport close", []]);
  });

  test("the network cuts the connection, and the client comes back as a new socket", async (t) => {
    const gate = await openGate(t, peer.server.port);
    const { socket, gone } = await watched(t, peer, "/", { url: gate.url, reconnectionDelay: 10 });
    const { id } = socket;
    await synced(socket); // or the server may still miss the last packet of the upgrade, and know nothing of this WebSocket
    await gate.hanging(1);
    const left = next(socket, "disconnect");
    gate.cut();
    const reason = { websocket: "transport close", polling: "transport error" }[peer.endsOn];
    assert.equal((await left)[0], reason);
    assert.deepEqual(await gone, [reason, []]);
    gate.mend();
    await connected(socket);
    await settled(socket, peer.endsOn);
    assert.notEqual(socket.id, id);
    assert.equal(await socket.emitWithAck("add", 1, 1), 2);
  });

  test("what was emitted while the connection was down arrives after it is back", async (t) => {
    const gate = await openGate(t, peer.server.port);
    const socket = await peer.connect(t, "/", { url: gate.url, reconnectionDelay: 10 });
    await gate.hanging(1);
    const left = next(socket, "disconnect");
    gate.cut();
    await left;
    for (let i = 0; i < 10; i += 1) socket.emit("item", i);
    gate.mend();
    assert.deepEqual(await socket.emitWithAck("items"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("the server shuts down: clients hear it, and the process ends well", async (t) => {
    const server = await startServer(peer.server.name);
    t.after(() => server.stop());
    const gate = await openGate(t, server.port);
    const sockets = await Promise.all([1, 2, 3].map(() => peer.connect(t, "/", { url: gate.url, reconnection: false })));
    await synced(...sockets);
    await gate.hanging(3);
    // The polls are in the server's kernel buffers; a few turns of its loop later it has read them.
    const helper = await peer.connect(t, "/", { url: `http://127.0.0.1:${server.port}`, transports: ["websocket"] });
    for (let turn = 0; turn < 3; turn += 1) await synced(helper);
    const left = sockets.map((socket) => next(socket, "disconnect"));
    const ended = server.stop();
    for (const [reason, why] of await Promise.all(left)) assert.equal(reason, "transport close", `${reason}: ${why?.description} ${why?.context?.status} ${why?.context?.responseText}`);
    assert.equal(await ended, 0);
  });
});
