// `socket.io-client` 2.x, which speaks Engine.IO 3, against servers that serve it beside 4.x (rule 21).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import io2 from "socket.io-client-2";
import { eachServer, next, Peer } from "./support/peers.js";

const ways = [
  { way: "default options", options: {}, endsOn: "websocket" },
  { way: "websocket only", options: { transports: ["websocket"] }, endsOn: "websocket" },
  { way: "websocket only, base64", options: { transports: ["websocket"], forceBase64: true }, endsOn: "websocket" },
  { way: "polling only", options: { transports: ["polling"] }, endsOn: "polling" },
];

/** Emits with an ack, which 2.x has only as a callback. */
function ask(socket, event, ...args) {
  return new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer.length > 1 ? answer : answer[0])));
}

function collect(socket, event) {
  const received = [];
  socket.on(event, (value) => received.push(value));
  return received;
}

eachServer("version 2", (server) => {
  for (const { way, options, endsOn } of ways) {
    describe(way, () => {
      const open = (t, namespace = "/", more = {}) => {
        const socket = io2(server.url + namespace, { ...options, forceNew: true, reconnection: false, ...more });
        t.after(() => socket.close());
        return socket;
      };
      const connect = async (t, namespace, more) => {
        const socket = open(t, namespace, more);
        await new Promise((resolve, reject) => {
          socket.once("connect", resolve);
          for (const event of ["error", "connect_error"]) socket.once(event, reject);
        });
        const { engine } = socket.io;
        if (engine.transport.name !== endsOn) await new Promise((resolve) => engine.once("upgrade", resolve));
        assert.equal(engine.transport.name, endsOn);
        return socket;
      };

      test("events and answers, both ways and in order", async (t) => {
        const socket = await connect(t);
        const echoes = collect(socket, "echo");
        const values = ["", "é€🦀", 1.5, null, { a: [true] }, "\u2028\\n\n"];
        for (const value of values) socket.emit("echo", value);
        assert.equal(await ask(socket, "add", 1, 2), 3);
        assert.deepEqual(echoes, values);
        socket.on("question", (text, answer) => answer(`${text}!`));
        assert.equal(await ask(socket, "ask me", "why"), "why!");
        const sent = Array.from({ length: 200 }, (_, i) => i);
        for (const i of sent) socket.emit("item", i);
        assert.deepEqual(await ask(socket, "items"), sent);
      });

      test("binary, both ways", async (t) => {
        const socket = await connect(t);
        const echoes = collect(socket, "echo");
        const value = { file: Buffer.from([0, 1, 4, 254, 255]), deep: [{ empty: Buffer.alloc(0) }], text: "é" };
        socket.emit("echo", value);
        const back = await ask(socket, "give back", Buffer.alloc(5000, 7));
        assert.ok(Buffer.from(back).equals(Buffer.alloc(5000, 7)));
        assert.deepEqual(Buffer.from(echoes[0].file), value.file);
        assert.equal(echoes[0].deep[0].empty.length ?? echoes[0].deep[0].empty.byteLength, 0);
        assert.deepEqual(await ask(socket, "describe", value),
          { file: { bytes: "000104feff" }, deep: [{ empty: { bytes: "" } }], text: "é" });
      });

      test("large messages", async (t) => {
        const socket = await connect(t);
        const text = "é🦀".repeat(100_000);
        assert.equal(await ask(socket, "give back", text), text);
      });

      test("namespaces, with a query for a token", async (t) => {
        const other = await connect(t, "/other");
        assert.equal(await ask(other, "where"), "/other");
        const admin = await connect(t, "/admin", { query: { token: "open sesame" } });
        assert.equal(await ask(admin, "where"), "/admin");
        const refused = open(t, "/admin", { query: { token: "wrong" } });
        const [error] = await next(refused, "error");
        assert.deepEqual(error, { code: 401, hint: "wrong token" });
        const unknown = open(t, "/unknown");
        const [missing] = await next(unknown, "error");
        assert.equal(missing.message ?? missing, "Invalid namespace");
      });

      test("rooms", async (t) => {
        const [one, two] = [await connect(t), await connect(t)];
        await ask(one, "join", "room");
        const relayed = next(one, "relayed");
        await ask(two, "relay", { via: "io", to: ["room"], except: [] }, "hello");
        assert.deepEqual(await relayed, ["hello"]);
      });

      test("the server ends the socket, and the connection", async (t) => {
        const socket = await connect(t);
        const left = next(socket, "disconnect");
        socket.emit("leave me");
        assert.equal((await left)[0], "io server disconnect");
        const closed = await connect(t);
        const gone = next(closed, "disconnect");
        closed.emit("close me");
        await gone;
      });

      test("the client leaves", async (t) => {
        const watcher = await new Peer(server, {}, "websocket").connect(t);
        await watcher.emitWithAck("join", "watchers");
        const socket = await connect(t);
        const gone = next(socket, "disconnect");
        socket.disconnect();
        assert.equal((await gone)[0], "io client disconnect");
        assert.equal(await watcher.emitWithAck("add", 1, 1), 2, "a client of 4.x on the same server");
      });
    });
  }
}, ["--allow-eio3"]);

eachServer("version 2 heartbeat", (server) => {
  for (const transport of ["websocket", "polling"]) {
    test(`a client on ${transport} that pings stays connected`, async (t) => {
      const socket = io2(server.url, { transports: [transport], forceNew: true, reconnection: false });
      t.after(() => socket.close());
      await next(socket, "connect");
      for (let i = 0; i < 3; i += 1) await next(socket, "pong");
      assert.ok(socket.connected);
    });
  }
}, ["--allow-eio3", "--ping-interval-ms", "200", "--ping-timeout-ms", "400"]);

eachServer("version 2 refused", (server) => {
  test("a server that does not serve it says so", async (t) => {
    const socket = io2(server.url, { transports: ["polling"], forceNew: true, reconnection: false });
    t.after(() => socket.close());
    const [error] = await next(socket, "connect_error");
    assert.equal(error.description, 400);
  });
});
