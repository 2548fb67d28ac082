// Rooms: who gets what, and how often.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, eachPeer, synced } from "./support/peers.js";

eachPeer("rooms", (peer) => {
  /** Three sockets, each with the list of what was relayed to it. `relay` returns who got how many copies, like "b c c". */
  async function three(t, rooms = {}) {
    const sockets = Object.fromEntries(await Promise.all(["a", "b", "c"].map(async (name) => [name, await peer.connect(t)])));
    const received = Object.entries(sockets).map(([name, socket]) => [name, collect(socket, "relayed")]);
    for (const [name, joined] of Object.entries(rooms)) {
      for (const room of joined) await sockets[name].emitWithAck("join", room);
    }
    const relay = async (route) => {
      await sockets.a.emitWithAck("relay", { via: "socket", to: [], except: [], ...route }, "x");
      await synced(...Object.values(sockets));
      return received.flatMap(([name, list]) => list.splice(0).map(() => name)).join(" ");
    };
    return { ...sockets, relay };
  }

  // Tests share a server, so each has rooms of its own.
  let count = 0;
  const room = () => `room ${peer.endsOn} ${(count += 1)}`;

  test("to(room) reaches its members only, and not the sender", async (t) => {
    const r = room();
    const { relay } = await three(t, { a: [r], b: [r] });
    assert.equal(await relay({ to: [r] }), "b");
  });

  test("the server's to(room) reaches the sender as well", async (t) => {
    const r = room();
    const { relay } = await three(t, { a: [r], b: [r] });
    assert.equal(await relay({ via: "io", to: [r] }), "a b");
  });

  test("a sender outside of the room may send to it", async (t) => {
    const r = room();
    const { relay } = await three(t, { b: [r], c: [r] });
    assert.equal(await relay({ to: [r] }), "b c");
  });

  test("a room that nobody joined is empty, not an error", async (t) => {
    const { relay } = await three(t);
    assert.equal(await relay({ to: [room()] }), "");
  });

  test("who left gets nothing more", async (t) => {
    const r = room();
    const { b, relay } = await three(t, { b: [r], c: [r] });
    await b.emitWithAck("leave", r);
    assert.equal(await relay({ to: [r] }), "c");
  });

  test("joining twice is joining once", async (t) => {
    const r = room();
    const { b, relay } = await three(t, { b: [r, r] });
    assert.equal(await relay({ to: [r] }), "b");
    assert.deepEqual(await b.emitWithAck("rooms"), [r]);
    await b.emitWithAck("leave", r);
    assert.equal(await relay({ to: [r] }), "");
  });

  test("a socket in two target rooms gets one copy", async (t) => {
    const [r, s] = [room(), room()];
    const { relay } = await three(t, { b: [r, s], c: [s] });
    assert.equal(await relay({ to: [r, s] }), "b c");
  });

  test("except leaves out the members of a room", async (t) => {
    const [r, s] = [room(), room()];
    const { relay } = await three(t, { a: [r], b: [r], c: [r, s] });
    assert.equal(await relay({ via: "io", to: [r], except: [s] }), "a b");
  });

  test("broadcast reaches everyone but the sender", async (t) => {
    const { relay } = await three(t);
    assert.equal(await relay({}), "b c");
  });

  test("the server's emit reaches everyone, except those left out", async (t) => {
    const r = room();
    const { relay } = await three(t, { b: [r] });
    assert.equal(await relay({ via: "io" }), "a b c");
    assert.equal(await relay({ via: "io", except: [r] }), "a c");
  });

  test("every socket has a room that is called like its id", async (t) => {
    const { b, c, relay } = await three(t);
    assert.equal(await relay({ to: [b.id] }), "b");
    assert.equal(await relay({ to: [b.id, c.id], except: [c.id] }), "b");
  });

  test("rooms are names: any text is one", async (t) => {
    const names = ["", "a,b", "/", "комната 🚪", "\u0000"].sort();
    const { b, relay } = await three(t, { b: names });
    assert.deepEqual(await b.emitWithAck("rooms"), names);
    for (const name of names) assert.equal(await relay({ to: [name] }), "b");
  });

  test("who is gone is in no room", async (t) => {
    const r = room();
    const { b, a, relay } = await three(t, { a: ["watchers"], b: [r], c: [r] });
    const named = await peer.connect(t, "/", { auth: { name: "leaver" } });
    await named.emitWithAck("join", r);
    const gone = new Promise((resolve) => a.on("gone", (name) => name === "leaver" && resolve()));
    named.disconnect();
    await gone;
    await b.emitWithAck("leave", r);
    assert.equal(await relay({ to: [r] }), "c");
  });

  test("binary can be broadcast", async (t) => {
    const { a, b, c } = await three(t);
    const received = [collect(b, "relayed"), collect(c, "relayed")];
    const value = { file: Buffer.from("00ff", "hex") };
    await a.emitWithAck("relay", { via: "socket", to: [], except: [] }, value);
    await synced(b, c);
    assert.deepEqual(received, [[value], [value]]);
  });

  test("200 broadcasts reach everyone in order", async (t) => {
    const r = room();
    const { a, b, c } = await three(t, { b: [r], c: [r] });
    const received = [collect(b, "relayed"), collect(c, "relayed")];
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await Promise.all(numbers.map((i) => a.emitWithAck("relay", { via: "socket", to: [r], except: [] }, i)));
    await synced(b, c);
    assert.deepEqual(received, [numbers, numbers]);
  });
});
