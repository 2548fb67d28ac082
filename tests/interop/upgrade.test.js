// The upgrade from polling to WebSocket, held at each of its steps by a gate while messages go both ways.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openGate, Stop } from "./support/gate.js";
import { collect, connected, eachServer, next, Peer, settled, synced } from "./support/peers.js";

eachServer("upgrade", (server) => {
  const peer = new Peer(server, {}, "websocket");

  test("messages emitted while the upgrade is under way arrive in order and once", async (t) => {
    const [handshake, probe, upgrade] = [new Stop(), new Stop(), new Stop()];
    const stops = [handshake, probe, upgrade];
    const gate = await openGate(t, server.port, { webSockets: (step) => stops[step]?.pass() ?? Promise.resolve(true) });
    const socket = peer.open(t, "/", { url: gate.url });
    const helper = await peer.connect(t);
    await connected(socket);
    const [echoes, relayed] = [collect(socket, "echo"), collect(socket, "relayed")];

    let sent = 0;
    let sentByHelper = 0;
    const talk = async () => {
      const relays = [];
      for (let i = 0; i < 50; i += 1) {
        socket.emit("item", sent);
        socket.emit("echo", sent);
        sent += 1;
        relays.push(helper.emitWithAck("relay", { via: "io", to: [socket.id], except: [] }, sentByHelper));
        sentByHelper += 1;
      }
      await Promise.all(relays);
    };

    // Before the handshake and before the probe polling works as ever: what is sent is answered.
    for (const stop of [handshake, probe]) {
      await stop.reached;
      assert.equal(socket.io.engine.transport.name, "polling");
      await talk();
      await synced(socket);
      assert.equal(echoes.length, sent);
      await talk();
      stop.release();
    }
    // The client has paused polling and sent its upgrade packet, which the server has not seen: both sides hold what they send.
    await upgrade.reached;
    await talk();
    upgrade.release();
    await talk();
    await settled(socket, "websocket");
    await talk();

    await synced(socket);
    const numbers = (n) => Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(echoes, numbers(sent));
    assert.deepEqual(relayed, numbers(sentByHelper));
    assert.deepEqual(await socket.emitWithAck("items"), numbers(sent));
  });

  test("a WebSocket that is refused leaves the client on polling", async (t) => {
    const gate = await openGate(t, server.port, { webSockets: async () => false });
    const socket = peer.open(t, "/", { url: gate.url });
    const failed = new Promise((resolve) => socket.io.on("open", () => socket.io.engine.once("upgradeError", resolve)));
    await connected(socket);
    await failed;
    await synced(socket);
    assert.equal(socket.io.engine.transport.name, "polling");
    assert.equal(await socket.emitWithAck("add", 1, 1), 2);
  });

  test("a WebSocket that dies after its handshake, before the probe, leaves the session on polling", async (t) => {
    const gate = await openGate(t, server.port, { webSockets: async (step) => step === 0 });
    const socket = peer.open(t, "/", { url: gate.url });
    const failed = new Promise((resolve) => socket.io.on("open", () => socket.io.engine.once("upgradeError", resolve)));
    await connected(socket);
    const { id } = socket;
    await failed;
    for (let i = 0; i < 5; i += 1) assert.equal(await socket.emitWithAck("add", i, 1), i + 1);
    assert.equal(socket.io.engine.transport.name, "polling");
    assert.equal(socket.id, id);
  });

  test("the client leaves while its upgrade is under way", async (t) => {
    const probe = new Stop();
    const gate = await openGate(t, server.port, { webSockets: (step) => (step === 1 ? probe.pass() : Promise.resolve(true)) });
    const watcher = await peer.connect(t);
    await watcher.emitWithAck("join", "watchers");
    const gone = next(watcher, "gone");
    const socket = peer.open(t, "/", { url: gate.url, auth: { name: "hasty" } });
    await connected(socket);
    await probe.reached;
    const left = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await left)[0], "io client disconnect");
    probe.release();
    assert.deepEqual(await gone, ["hasty", "client namespace disconnect", []]);
  });

  test("the server ends the connection while its upgrade is under way", async (t) => {
    const probe = new Stop();
    const gate = await openGate(t, server.port, { webSockets: (step) => (step === 1 ? probe.pass() : Promise.resolve(true)) });
    const socket = peer.open(t, "/", { url: gate.url });
    await connected(socket);
    await probe.reached;
    const left = next(socket, "disconnect");
    socket.emit("close me");
    assert.equal((await left)[0], "io server disconnect");
    probe.release();
  });

  test("a client that starts with WebSocket and may fall back to polling never polls", async (t) => {
    const socket = await peer.connect(t, "/", { transports: ["websocket", "polling"] });
    assert.equal(socket.io.engine.transport.name, "websocket");
    assert.equal(await socket.emitWithAck("add", 1, 1), 2);
  });
});
