// Messages near and above the server's maxHttpBufferSize of 1,000,000 bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachPeer, next } from "./support/peers.js";

const near = {
  "950,000 bytes of ASCII": "x".repeat(950_000),
  "950,000 bytes of text in several bytes per character": "🦀é€".repeat(950_000 / 9),
  // Polling sends base64, which is a third larger: 740,000 bytes are 986,668 characters.
  "740,000 bytes of binary": Buffer.alloc(740_000, 0xa5),
};

eachPeer("limits", (peer) => {
  for (const [what, message] of Object.entries(near)) {
    test(`${what} arrive at the server and come back`, async (t) => {
      const socket = await peer.connect(t);
      assert.equal(await socket.emitWithAck("length of", message), Buffer.byteLength(message));
      const back = await socket.emitWithAck("give back", message);
      assert.ok(Buffer.isBuffer(message) ? message.equals(back) : message === back);
    });
  }

  test("many large messages at once arrive in order", async (t) => {
    const socket = await peer.connect(t);
    const lengths = Array.from({ length: 20 }, (_, i) => 400_000 + i);
    assert.deepEqual(await Promise.all(lengths.map((n) => socket.emitWithAck("length of", "y".repeat(n)))), lengths);
  });

  for (const [what, message] of [["text", "x".repeat(1_000_001)], ["binary", Buffer.alloc(1_000_001)]]) {
    test(`${what} above the limit costs its sender the connection, and nobody else`, async (t) => {
      const bystander = await peer.connect(t);
      const socket = await peer.connect(t, "/", { reconnection: false });
      const left = next(socket, "disconnect");
      socket.emit("length of", message);
      assert.equal((await left)[0], { websocket: "transport close", polling: "transport error" }[peer.endsOn]);
      assert.equal(await bystander.emitWithAck("add", 1, 1), 2);
      const newcomer = await peer.connect(t);
      assert.equal(await newcomer.emitWithAck("add", 2, 2), 4);
    });
  }
});
