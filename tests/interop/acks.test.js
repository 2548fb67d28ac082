// Acknowledgements, asked for by the client and by the server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eachPeer } from "./support/peers.js";

eachPeer("acks", (peer) => {
  test("the server answers the client", async (t) => {
    const socket = await peer.connect(t);
    assert.equal(await socket.emitWithAck("add", 2, 40), 42);
  });

  test("an answer may have no argument, or several", async (t) => {
    const socket = await peer.connect(t);
    const answer = (...args) => new Promise((resolve) => socket.emit("give back", ...args, (...back) => resolve(back)));
    assert.deepEqual(await answer(), []);
    assert.deepEqual(await answer("one", 2, { three: 3 }), ["one", 2, { three: 3 }]);
  });

  test("an answer may carry binary", async (t) => {
    const socket = await peer.connect(t);
    const value = { file: Buffer.from("cafe", "hex"), more: [Buffer.alloc(0)] };
    assert.deepEqual(await socket.emitWithAck("give back", value), value);
  });

  test("each of 200 questions in flight gets its own answer", async (t) => {
    const socket = await peer.connect(t);
    const sums = await Promise.all(Array.from({ length: 200 }, (_, i) => socket.emitWithAck("add", i, 1)));
    assert.deepEqual(sums, Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test("the client answers the server", async (t) => {
    const socket = await peer.connect(t);
    socket.on("question", (a, b, ack) => ack(a * b));
    assert.equal(await socket.emitWithAck("ask me", 6, 7), 42);
  });

  test("the client answers with several arguments and with binary", async (t) => {
    const socket = await peer.connect(t);
    const file = Buffer.from("beef", "hex");
    socket.on("file please", (ack) => ack("first", { file }));
    const answer = await new Promise((resolve) => socket.emit("ask me for a file", (...args) => resolve(args)));
    assert.deepEqual(answer, ["first", { file }]);
  });

  test("the client answers the server late, and other questions overtake that one", async (t) => {
    const socket = await peer.connect(t);
    const waiting = [];
    socket.on("question", (n, ack) => {
      if (waiting.push(() => ack(n)) === 3) waiting.reverse().forEach((answer) => answer());
    });
    const answers = [1, 2, 3].map((n) => socket.emitWithAck("ask me", n));
    assert.deepEqual(await Promise.all(answers), [1, 2, 3]);
  });

  test("a question that the server never answers times out on the client", async (t) => {
    const socket = await peer.connect(t);
    await assert.rejects(socket.timeout(50).emitWithAck("silence", 1), /operation has timed out/);
    assert.equal(await socket.timeout(5000).emitWithAck("add", 1, 1), 2);
  });

  test("a question that the client never answers times out on the server", async (t) => {
    const socket = await peer.connect(t);
    assert.equal(await socket.emitWithAck("ask me within", 50), "timed out");
  });

  test("an answer that comes after the server's timeout is ignored", async (t) => {
    const socket = await peer.connect(t);
    let late;
    socket.once("question", (_, ack) => { late = ack; });
    assert.equal(await socket.emitWithAck("ask me within", 50), "timed out");
    late("too late");
    socket.once("question", (_, ack) => ack("in time"));
    assert.equal(await socket.emitWithAck("ask me within", 5000), "in time");
  });

  test("a second answer to the same question is ignored", async (t) => {
    const socket = await peer.connect(t);
    socket.on("question", (n, ack) => { ack(n); ack("again"); });
    assert.equal(await socket.emitWithAck("ask me", 1), 1);
    assert.equal(await socket.emitWithAck("ask me", 2), 2);
  });

  test("a question in flight fails when the connection goes", async (t) => {
    const socket = await peer.connect(t);
    const question = socket.timeout(20_000).emitWithAck("silence");
    socket.emit("close me");
    await assert.rejects(question, /socket has been disconnected/);
  });
});
