// Events, their arguments, and their order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, eachPeer, next, synced } from "./support/peers.js";

const texts = {
  empty: "",
  quotes: "\"'`\\ /",
  "looks like a packet": "42[\"echo\"]",
  "record separator of a polling payload": "a\u001eb",
  controls: "\u0000\u0001\u001f\u007f\b\f\n\r\t",
  "line separators": "\u2028\u2029",
  "two and three bytes": "Grüße, 世界",
  "astral, with joiners": "𝒳 😀 👩‍👩‍👧‍👦 🏴",
  "combining and right to left": "e\u0301 שלום مرحبا",
  "byte order mark": "\ufeffx",
};

const values = {
  integers: [0, -1, 42, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  fractions: [0.1, -2.5e-7, 1.7976931348623157e308, 5e-324],
  constants: [true, false, null],
  empties: [[], {}, [[]], [{}], { "": [] }],
  "deep nesting": JSON.parse(`${"[".repeat(60)}1${"]".repeat(60)}`),
  "awkward keys": { "": 1, __proto: 2, "a.b": 3, "ключ 🔑": 4, "\u2028": 5, "\"": 6 },
  "something like a placeholder": { placeholder: true, num: 0 },
};

eachPeer("events", (peer) => {
  test("an event without arguments", async (t) => {
    const socket = await peer.connect(t);
    const echo = next(socket, "echo");
    socket.emit("echo");
    assert.deepEqual(await echo, []);
  });

  test("an event with several arguments of every JSON type", async (t) => {
    const socket = await peer.connect(t);
    const args = ["text", 1, -2.5, true, null, [1, [2, { three: 3 }]], { nested: { list: [{}] } }];
    const echo = next(socket, "echo");
    socket.emit("echo", ...args);
    assert.deepEqual(await echo, args);
  });

  for (const [what, text] of Object.entries(texts)) {
    test(`text survives both ways: ${what}`, async (t) => {
      const socket = await peer.connect(t);
      const echo = next(socket, "echo");
      socket.emit("echo", text, { [text]: [text] });
      assert.deepEqual(await echo, [text, { [text]: [text] }]);
      assert.equal(await socket.emitWithAck("length of", text), Buffer.byteLength(text));
    });
  }

  for (const [what, value] of Object.entries(values)) {
    test(`JSON survives both ways: ${what}`, async (t) => {
      const socket = await peer.connect(t);
      assert.deepEqual(await socket.emitWithAck("give back", value), value);
    });
  }

  test("an event that nobody listens to harms nobody", async (t) => {
    const socket = await peer.connect(t);
    socket.emit("nobody listens, \"not\" даже тут", 1, Buffer.from("x"));
    assert.equal(await socket.emitWithAck("add", 2, 3), 5);
  });

  test("1,000 messages each way arrive in order", async (t) => {
    const socket = await peer.connect(t);
    const received = collect(socket, "item");
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    for (const i of numbers) socket.emit("item", i);
    await socket.emitWithAck("send items", 1000);
    assert.deepEqual(await socket.emitWithAck("items"), numbers);
    assert.deepEqual(received, numbers);
  });

  test("text and binary events that alternate keep their order", async (t) => {
    const socket = await peer.connect(t);
    const received = collect(socket, "echo");
    for (let i = 0; i < 200; i += 1) socket.emit("echo", i % 2 ? i : Buffer.from([i]));
    await synced(socket);
    assert.deepEqual(received.map((value) => (Buffer.isBuffer(value) ? value[0] : value)), Array.from({ length: 200 }, (_, i) => i));
  });

  test("what is emitted before the connection stands arrives after it, in order", async (t) => {
    const socket = peer.open(t);
    for (let i = 0; i < 20; i += 1) socket.emit("item", i);
    assert.deepEqual(await socket.emitWithAck("items"), Array.from({ length: 20 }, (_, i) => i));
  });
});
