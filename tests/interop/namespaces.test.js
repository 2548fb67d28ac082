// Namespaces, several of them on one connection, and the auth payload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, connected, eachPeer, next, synced } from "./support/peers.js";

eachPeer("namespaces", (peer) => {
  test("several namespaces share one connection and keep apart", async (t) => {
    const manager = peer.manager(t);
    const [main, other] = [manager.socket("/"), manager.socket("/other")];
    await Promise.all([connected(main), connected(other)]);
    assert.notEqual(main.id, other.id);
    assert.equal(await other.emitWithAck("where"), "/other");
    const received = [collect(main, "echo"), collect(other, "echo")];
    main.emit("echo", "for main");
    other.emit("echo", "for other");
    other.emit("echo", Buffer.from("ab"));
    await synced(main);
    await other.emitWithAck("where");
    assert.deepEqual(received, [["for main"], ["for other", Buffer.from("ab")]]);
  });

  test("a namespace works without the main one", async (t) => {
    const socket = await peer.connect(t, "/other");
    assert.equal(await socket.emitWithAck("where"), "/other");
  });

  test("the Socket.IO id is not the Engine.IO session id, and differs by namespace", async (t) => {
    const manager = peer.manager(t);
    const [main, other] = [manager.socket("/"), manager.socket("/other")];
    await Promise.all([connected(main), connected(other)]);
    assert.equal(new Set([main.id, other.id, manager.engine.id]).size, 3);
    assert.equal(manager.engine.id.length, 20);
  });

  test("an unknown namespace is refused, and the others on that connection live on", async (t) => {
    const manager = peer.manager(t);
    const main = manager.socket("/");
    await connected(main);
    const unknown = manager.socket("/unknown");
    await assert.rejects(connected(unknown), { message: "Invalid namespace", data: undefined });
    assert.equal(unknown.connected, false);
    assert.equal(await main.emitWithAck("add", 1, 2), 3);
  });

  test("an unknown namespace is refused on a connection of its own", async (t) => {
    await assert.rejects(peer.connect(t, "/unknown"), { message: "Invalid namespace" });
  });

  test("leaving one namespace leaves the others, and it can be joined again", async (t) => {
    const manager = peer.manager(t);
    const [main, other] = [manager.socket("/"), manager.socket("/other")];
    await Promise.all([connected(main), connected(other)]);
    const left = next(other, "disconnect");
    other.emit("leave me");
    assert.equal((await left)[0], "io server disconnect");
    assert.equal(await main.emitWithAck("add", 1, 2), 3);
    const before = main.id;
    other.connect();
    await connected(other);
    assert.equal(await other.emitWithAck("where"), "/other");
    other.disconnect();
    assert.equal(await main.emitWithAck("add", 3, 4), 7);
    other.connect();
    await connected(other);
    assert.equal(main.id, before);
  });
});

eachPeer("auth", (peer) => {
  test("the server sees the auth payload", async (t) => {
    const auth = { token: "t\u00f6ken 🔑", list: [1, { two: 2 }] };
    const socket = await peer.connect(t, "/", { auth });
    assert.deepEqual(await socket.emitWithAck("auth"), auth);
  });

  test("no auth payload is an empty one", async (t) => {
    const socket = await peer.connect(t);
    assert.deepEqual(await socket.emitWithAck("auth"), {});
  });

  test("the auth payload may come from a function, which is asked at every connect", async (t) => {
    let asked = 0;
    const socket = await peer.connect(t, "/", { auth: (give) => give({ asked: (asked += 1) }) });
    assert.deepEqual(await socket.emitWithAck("auth"), { asked: 1 });
    socket.disconnect().connect();
    await connected(socket);
    assert.deepEqual(await socket.emitWithAck("auth"), { asked: 2 });
  });

  test("the right token is accepted", async (t) => {
    const socket = await peer.connect(t, "/admin", { auth: { token: "open sesame" } });
    assert.equal(await socket.emitWithAck("where"), "/admin");
  });

  test("a wrong token is refused with message and data, and the right one then accepted on the same connection", async (t) => {
    const manager = peer.manager(t);
    const main = manager.socket("/");
    await connected(main);
    const admin = manager.socket("/admin", { auth: { token: "guess" } });
    await assert.rejects(connected(admin), { message: "not authorized", data: { code: 401, hint: "wrong token" } });
    const engine = manager.engine.id;
    admin.auth = { token: "open sesame" };
    admin.connect();
    await connected(admin);
    assert.equal(await admin.emitWithAck("where"), "/admin");
    assert.equal(manager.engine.id, engine);
    assert.equal(await main.emitWithAck("add", 1, 1), 2);
  });

  test("no token is refused, on a connection of its own", async (t) => {
    await assert.rejects(peer.connect(t, "/admin"), { message: "not authorized", data: { code: 401, hint: "wrong token" } });
  });
});
