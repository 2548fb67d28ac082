// Operators in any order, answers of a room, and sockets from afar.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, eachPeer, next, synced } from "./support/peers.js";

eachPeer("operators", (peer) => {
  let count = 0;
  const room = () => `operators ${peer.endsOn} ${(count += 1)}`;

  test("operators may be chained in any order, and each receiver is served once", async (t) => {
    const [r, s] = [room(), room()];
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => peer.connect(t)));
    for (const [socket, joined] of [[a, [r]], [b, [r, s]], [c, [s]]]) {
      for (const name of joined) await socket.emitWithAck("join", name);
    }
    const received = [a, b, c].map((socket) => collect(socket, "relayed"));
    const relay = (via, to, except) => a.emitWithAck("relay", { via, to, except, operators: true }, `${via} ${to.length}`);
    await relay("socket", [r, s], []);
    await relay("io", [r, s], [s]);
    await relay("io", [s], []);
    await synced(a, b, c);
    assert.deepEqual(received, [["io 2"], ["socket 2", "io 1"], ["socket 2", "io 1"]]);
  });

  test("the answers of a room are collected, and those that come too late are counted", async (t) => {
    const r = room();
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => peer.connect(t)));
    for (const socket of [a, b, c]) await socket.emitWithAck("join", r);
    a.on("question", (_, ack) => ack(1));
    b.on("question", (_, ack) => ack(2));
    assert.deepEqual(await a.emitWithAck("ask room", r, 500), { answers: [1, 2], missing: 1 });
    c.on("question", (_, ack) => ack(3));
    assert.deepEqual(await a.emitWithAck("ask room", r, 5000), { answers: [1, 2, 3], missing: 0 });
    assert.deepEqual(await a.emitWithAck("ask room", room(), 100), { answers: [], missing: 0 });
  });

  test("what is volatile is dropped unless it leaves at once, and what is not comes behind it", async (t) => {
    const socket = await peer.connect(t);
    const items = collect(socket, "item");
    // More at once than any buffer of the system takes.
    await socket.emitWithAck("send volatile items", 400, 100_000);
    assert.equal(items.at(-1), "end");
    const came = items.slice(0, -1);
    assert.ok(came.length < 400, "nothing was dropped");
    assert.deepEqual(came, [...came].sort((x, y) => x - y));
    // On a quiet line one does leave at once.
    await synced(socket);
    items.length = 0;
    while (items.filter((item) => item !== "end").length === 0) await socket.emitWithAck("send volatile items", 1, 1);
  });

  test("sockets are fetched with their rooms and data", async (t) => {
    const r = room();
    const [a, b] = await Promise.all([peer.connect(t), peer.connect(t)]);
    for (const socket of [a, b]) await socket.emitWithAck("join", r);
    await a.emitWithAck("remember", { name: "a", list: [1, null] });
    const expected = [
      { id: a.id, rooms: [r], data: { name: "a", list: [1, null] } },
      { id: b.id, rooms: [r], data: null },
    ].sort((x, y) => (x.id < y.id ? -1 : 1));
    assert.deepEqual(await b.emitWithAck("who", r), expected);
  });

  test("sockets of a room join, leave and are disconnected from afar", async (t) => {
    const [r, s] = [room(), room()];
    const [a, b] = await Promise.all([peer.connect(t), peer.connect(t)]);
    await b.emitWithAck("join", r);
    await a.emitWithAck("all join", r, s);
    assert.deepEqual(await b.emitWithAck("rooms"), [r, s].sort());
    await a.emitWithAck("all leave", s, r);
    assert.deepEqual(await b.emitWithAck("rooms"), [s]);
    const gone = next(b, "disconnect");
    await a.emitWithAck("all out", s, false);
    assert.deepEqual((await gone)[0], "io server disconnect");
    assert.deepEqual(await a.emitWithAck("who", s), []);
  });

  test("the handshake tells of the request", async (t) => {
    const socket = await peer.connect(t, "/", { query: { x: "ü&=" }, auth: { token: 1 }, extraHeaders: { "X-Test": "yes" } });
    const { query, auth, secure, address, header } = await socket.emitWithAck("handshake");
    assert.deepEqual({ query, auth, secure, header }, { query: "ü&=", auth: { token: 1 }, secure: false, header: "yes" });
    assert.ok(["127.0.0.1", "::1"].includes(address), address);
  });
});

eachPeer("observers and middleware", (peer) => {
  test("catch-all listeners see what comes and what leaves", async (t) => {
    const socket = await peer.connect(t);
    await socket.emitWithAck("observe");
    await socket.emitWithAck("add", 1, 2);
    socket.emit("nobody listens to this");
    const echoed = next(socket, "echo");
    socket.emit("echo", 1);
    await echoed;
    const seen = (await socket.emitWithAck("seen")).filter((line) => line !== "in observe");
    assert.deepEqual([...seen].sort(), [
      "first add", "first echo", "first nobody listens to this", "in add", "in echo", "in nobody listens to this", "out echo",
    ]);
    assert.ok(seen.indexOf("first echo") < seen.indexOf("out echo"));
  });

  test("once is once, and off is off", async (t) => {
    const socket = await peer.connect(t);
    const received = collect(socket, "echo");
    for (const event of ["just once", "not any more", "just once"]) socket.emit(event);
    await synced(socket);
    assert.deepEqual(received, ["once"]);
  });

  test("reserved names can't be emitted by the server", async (t) => {
    const socket = await peer.connect(t);
    const reserved = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
    for (const name of reserved) assert.equal(await socket.emitWithAck("emit", name), true, name);
    assert.equal(await socket.emitWithAck("emit", "connecting"), false);
  });

  test("an event that its middleware refuses does not reach its listeners", async (t) => {
    const socket = await peer.connect(t, "/guarded");
    for (const event of ["allowed", "forbidden", "also allowed"]) socket.emit(event);
    assert.deepEqual((await socket.emitWithAck("passed")).filter((name) => name !== "passed"), ["allowed", "also allowed"]);
  });
});
