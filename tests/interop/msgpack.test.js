// MessagePack instead of text, by socket.io-msgpack-parser (rule 28).

import assert from "node:assert/strict";
import { test } from "node:test";
import parser from "socket.io-msgpack-parser";
import { collect, connected, eachPeer, next, synced } from "./support/peers.js";

eachPeer("msgpack", (peer) => {
  const options = { parser };

  test("values of every kind come back as they went", async (t) => {
    const socket = await peer.connect(t, "/", options);
    const values = [
      null, true, false, 0, -1, 127, 128, 255, 256, 65535, 65536, 2 ** 32, 2 ** 53 - 1, -32, -33, -128, -129, -32769, -(2 ** 31) - 1, 0.1, -1.5e-300,
      "", "é".repeat(200), "x".repeat(70_000), [], [[]], Array.from({ length: 20 }, (_, i) => i), {}, { a: { b: [1, { c: null }] } },
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])),
    ];
    for (const value of values) assert.deepEqual(await socket.emitWithAck("give back", value), value);
  });

  test("binary is inline, at any depth", async (t) => {
    const socket = await peer.connect(t, "/", options);
    for (const length of [0, 1, 255, 256, 65535, 65536, 200_000]) {
      const file = Buffer.alloc(length, 7);
      assert.deepEqual(await socket.emitWithAck("give back", { list: [file], text: "x" }), { list: [file], text: "x" });
    }
    assert.deepEqual(await socket.emitWithAck("describe", [Buffer.from([1, 255])]), [{ bytes: "01ff" }]);
    const received = next(socket, "binary");
    await socket.emitWithAck("send binary");
    const [{ first, list, text }, last] = await received;
    assert.deepEqual([first, list, text, last], [
      Buffer.from([1, 2, 3]), [Buffer.alloc(0), { deep: Buffer.from([255, 0]) }], "plain", Buffer.from([127]),
    ]);
  });

  test("undefined and dates are what they are in JSON, where JSON is what the other side reads", async (t) => {
    const socket = await peer.connect(t, "/", options);
    if (peer.server.name === "node") return t.skip("Node keeps them");
    const date = new Date(1_709_251_199_123);
    assert.deepEqual(await socket.emitWithAck("give back", [undefined, date, NaN]), [null, date.toJSON(), null]);
  });

  test("namespaces, refusals, rooms and acks both ways", async (t) => {
    const [a, b] = await Promise.all([peer.connect(t, "/", options), peer.connect(t, "/", options)]);
    const other = a.io.socket("/other");
    await connected(other);
    assert.equal(await other.emitWithAck("where"), "/other");
    const admin = a.io.socket("/admin", { auth: { token: "wrong" } });
    const [error] = await next(admin, "connect_error");
    assert.deepEqual([error.message, error.data], ["not authorized", { code: 401, hint: "wrong token" }]);
    await b.emitWithAck("join", `msgpack ${peer.endsOn}`);
    const received = collect(b, "relayed");
    await a.emitWithAck("relay", { via: "io", to: [`msgpack ${peer.endsOn}`], except: [] }, Buffer.from("both"));
    await synced(b);
    assert.deepEqual(received, [Buffer.from("both")]);
    b.on("question", (x, ack) => ack(x * 2));
    assert.equal(await b.emitWithAck("ask me", 21), 42);
    other.disconnect();
    assert.equal(await a.emitWithAck("add", 1, 2), 3);
  });

  test("text from a client with another parser ends its connection", async (t) => {
    const socket = peer.open(t, "/", { reconnection: false });
    await new Promise((resolve) => {
      socket.io.on("close", resolve);
      socket.on("disconnect", resolve);
    });
    assert.equal(socket.connected, false);
    const fine = await peer.connect(t, "/", options);
    assert.equal(await fine.emitWithAck("add", 1, 2), 3);
  });
}, ["--msgpack"]);
