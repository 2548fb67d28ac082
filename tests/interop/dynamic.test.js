// Namespaces that are made when a client asks for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, connected, eachPeer, next } from "./support/peers.js";

eachPeer("dynamic namespaces", (peer) => {
  const refused = async (socket) => (await next(socket, "connect_error"))[0].message;

  test("a pattern lets in the names that fit it, each a namespace of its own", async (t) => {
    const manager = peer.manager(t);
    const [one, two] = [manager.socket("/tenant-1"), manager.socket("/tenant-2")];
    await Promise.all([connected(one), connected(two)]);
    assert.deepEqual([await one.emitWithAck("where"), await two.emitWithAck("where")], ["/tenant-1", "/tenant-2"]);
    const received = [collect(one, "echo"), collect(two, "echo")];
    await one.emitWithAck("shout", "one");
    await two.emitWithAck("shout", "two");
    assert.deepEqual(received, [["one"], ["two"]]);
    assert.equal(await refused(peer.open(t, "/tenant-")), "Invalid namespace");
    assert.equal(await refused(peer.open(t, "/tenants")), "Invalid namespace");
  });

  test("the middleware of a pattern is asked for each of its namespaces", async (t) => {
    const manager = peer.manager(t);
    const banned = manager.socket("/tenant-3", { auth: { banned: true } });
    assert.equal(await refused(banned), "banned");
    banned.auth = {};
    banned.connect();
    await connected(banned);
    assert.equal(await banned.emitWithAck("where"), "/tenant-3");
  });

  test("an async function decides", async (t) => {
    const allowed = await peer.connect(t, "/late-1", { auth: { token: "open sesame" } });
    assert.equal(await allowed.emitWithAck("where"), "/late-1");
    assert.equal(await refused(peer.open(t, "/late-2", { auth: { token: "x" } })), "Invalid namespace");
    assert.equal(await refused(peer.open(t, "/late-3")), "Invalid namespace");
    const echoed = next(allowed, "echo");
    allowed.emit("echo", Buffer.from("still here"));
    assert.deepEqual(await echoed, [Buffer.from("still here")]);
  });

  test("who leaves and comes back at once is in", async (t) => {
    const socket = await peer.connect(t, "/tenant-4");
    const received = collect(socket, "echo");
    for (let i = 0; i < 5; i += 1) {
      socket.emit("echo", `old ${i}`);
      socket.disconnect();
      // It goes on with its connection only if something else holds that open.
      socket.connect();
      await connected(socket);
      assert.equal(await socket.emitWithAck("where"), "/tenant-4");
    }
    socket.emit("echo", "new");
    await socket.emitWithAck("where");
    assert.equal(received.at(-1), "new");
  });
});
