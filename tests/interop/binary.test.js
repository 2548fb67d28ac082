// Binary, nested in objects, both ways.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachPeer, next } from "./support/peers.js";

const bytes = Uint8Array.from([0, 1, 127, 128, 254, 255]);
const hex = "00017f80feff";

const kinds = {
  Buffer: Buffer.from(bytes),
  Uint8Array: bytes,
  ArrayBuffer: bytes.slice().buffer,
  DataView: new DataView(bytes.slice().buffer),
  "a view into a larger buffer": new Uint8Array([9, ...bytes, 9]).subarray(1, 7),
  Uint16Array: new Uint16Array(bytes.slice().buffer),
};

eachPeer("binary", (peer) => {
  for (const [kind, value] of Object.entries(kinds)) {
    test(`the server receives the bytes of: ${kind}`, async (t) => {
      const socket = await peer.connect(t);
      assert.deepEqual(await socket.emitWithAck("describe", value), { bytes: hex });
    });
  }

  test("several attachments, nested, each in its place", async (t) => {
    const socket = await peer.connect(t);
    const value = { a: Buffer.from("01", "hex"), list: [Buffer.from("02", "hex"), 3, { deep: [Buffer.from("04", "hex")] }], text: "five" };
    assert.deepEqual(await socket.emitWithAck("describe", value), {
      a: { bytes: "01" }, list: [{ bytes: "02" }, 3, { deep: [{ bytes: "04" }] }], text: "five",
    });
  });

  test("binary that the server made arrives nested and in several arguments", async (t) => {
    const socket = await peer.connect(t);
    const arrival = next(socket, "binary");
    await socket.emitWithAck("send binary");
    const [value, second] = await arrival;
    assert.ok(Buffer.isBuffer(value.first) && Buffer.isBuffer(second));
    assert.deepEqual(value, { first: Buffer.from("010203", "hex"), list: [Buffer.alloc(0), { deep: Buffer.from("ff00", "hex") }], text: "plain" });
    assert.deepEqual(second, Buffer.from("7f", "hex"));
  });

  test("an echo of binary equals what was sent, empty pieces and all byte values included", async (t) => {
    const socket = await peer.connect(t);
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const args = [{ all, nothing: Buffer.alloc(0) }, "between", [all]];
    const echo = next(socket, "echo");
    socket.emit("echo", ...args);
    assert.deepEqual(await echo, args);
  });

  test("the same buffer twice is two attachments", async (t) => {
    const socket = await peer.connect(t);
    const one = Buffer.from("0a", "hex");
    assert.deepEqual(await socket.emitWithAck("describe", [one, one]), [{ bytes: "0a" }, { bytes: "0a" }]);
  });

  test("as many attachments as the parser allows, ten, arrive; eleven close the connection", async (t) => {
    const socket = await peer.connect(t);
    const pieces = (n) => Array.from({ length: n }, (_, i) => Buffer.from([i]));
    assert.deepEqual(await socket.emitWithAck("give back", pieces(10)), pieces(10));
    const left = next(socket, "disconnect");
    socket.emit("echo", pieces(11));
    assert.equal((await left)[0], "transport close");
  });
});
