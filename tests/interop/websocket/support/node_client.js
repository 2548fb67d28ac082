// The cases of Node's ws as client of our server.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { WebSocket } from "ws";
import { binary, sizes, text } from "./content.js";
import { sendInFragments } from "./node_server.js";
import { limit, reason } from "./rust.js";

/** Pairs of a name and a function of the servers. */
export function* nodeCases(deflate) {
  const client = (servers) => new Client(servers, deflate);
  for (const size of sizes) {
    for (const make of [text, binary]) {
      if (deflate && size === 64 << 20 && make === binary) continue; // noise through four codecs takes ten seconds
      const name = `${make.name}, ${size} bytes`;
      yield [name, (servers) => client(servers).echo(Buffer.from(make(size)), make === binary)];
      yield [`${name}, in fragments`, (servers) => client(servers).fragmented(Buffer.from(make(size)), make === binary)];
    }
  }
  for (const [name, run] of Object.entries(cases)) yield [name, (servers) => run(client(servers))];
}

const cases = {
  "a pong brings back what was in the ping": async (client) => {
    const socket = await client.open("/echo", "ping");
    socket.ping(Buffer.alloc(125, 7));
    assert.deepEqual((await once(socket, "pong"))[0], Buffer.alloc(125, 7));
    await clean(socket);
  },

  "pings of the server are answered, and it knows the latency": async (client) => {
    const socket = await client.open("/ping", "pinged");
    assert.match(await message(socket), /^latency \d+$/);
    await clean(socket);
  },

  "closed by the client": async (client) => {
    const socket = await client.open("/echo", "close");
    socket.close(4321, reason);
    // RFC 6455 §5.5.1: who answers a close "typically echos the status code", and ours only that.
    assert.deepEqual(await end(socket), [4321, ""]);
    const report = { code: 4321, reason, sent: 4321, initiator: "peer", failure: null };
    assert.deepEqual(await client.report("close"), report);
  },

  "closed by the client without a code": async (client) => {
    const socket = await client.open("/echo", "close-without-code");
    socket.close();
    assert.deepEqual(await end(socket), [1005, ""]);
    const { code, failure } = await client.report("close-without-code");
    assert.deepEqual([code, failure], [1005, null]);
  },

  "closed by the server": async (client) => {
    const socket = await client.open("/close", "closed");
    socket.send("close");
    assert.deepEqual(await end(socket), [4321, reason]);
    const { code, sent, initiator, failure } = await client.report("closed");
    assert.deepEqual([code, sent, initiator, failure], [4321, 4321, "local", null]);
  },

  "subprotocol": async (client) => {
    const socket = await client.open("/echo", "subprotocol", { protocols: ["v9.chat", "v1.chat"] });
    assert.equal(socket.protocol, "v1.chat");
    await clean(socket);
  },

  // RFC 6455 lets the server answer without one; this client then refuses.
  "no subprotocol in common": async (client) => {
    await assert.rejects(client.open("/echo", "none", { protocols: ["v9.chat"] }), /no subprotocol/);
  },

  "refused with 401": async (client) => {
    const socket = client.connect("/refuse", "refused");
    const [, response] = await once(socket, "unexpected-response");
    assert.deepEqual([response.statusCode, response.headers["www-authenticate"]], [401, "Basic"]);
    assert.equal(Buffer.concat(await response.toArray()).toString(), "who are you?");
  },

  "too big for the server": async (client) => {
    const socket = await client.open("/echo", "too-big", { url: client.limited });
    socket.send(binary(limit));
    assert(binary(limit).equals(await message(socket)));
    socket.send(binary(limit + 1));
    assert.equal((await end(socket))[0], 1009);
  },

  "too big for the server, in fragments": async (client) => {
    const socket = await client.open("/echo", "too-big", { url: client.limited });
    sendInFragments(socket, Buffer.from(text(limit + 1)), false);
    assert.equal((await end(socket))[0], 1009);
  },

  "too big for the client": async (client) => {
    const socket = await client.open("/echo", "too-big", { maxPayload: limit });
    const error = once(socket, "error");
    socket.send(text(limit));
    assert.equal(await message(socket), text(limit));
    socket.send(text(limit + 1));
    assert.equal((await error)[0].code, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
    const { code, initiator } = await client.report("too-big");
    assert.deepEqual([code, initiator], [1009, "peer"]);
  },

  "cut by the server": async (client) => {
    const socket = await client.open("/drop", "cut-by-server");
    socket.send("drop");
    assert.deepEqual(await end(socket), [1006, ""]);
  },

  "cut by the client": async (client) => {
    const socket = await client.open("/echo", "cut-by-client");
    socket.send("hello");
    await message(socket);
    socket.terminate();
    const { code, initiator, failure } = await client.report("cut-by-client");
    assert.deepEqual([code, initiator, typeof failure], [1006, "peer", "string"]);
  },

  // All of them are open before the first one sends.
  "100 connections at a time": async (client) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => client.open("/echo", "hundred")));
    await Promise.all(sockets.map(async (socket, number) => {
      for (let turn = 0; turn < 10; turn += 1) {
        const said = `${number}, ${turn} `.repeat(100 * turn);
        socket.send(said);
        assert.equal(await message(socket), said);
      }
      await clean(socket);
    }));
  },
};

class Client {
  constructor({ url, limited }, deflate) {
    this.url = url;
    this.limited = limited;
    this.deflate = deflate;
  }

  connect(path, id, { url = this.url, protocols = [], maxPayload = 64 << 20 } = {}) {
    const socket = new WebSocket(`${url}${path}?id=node-${id}`, protocols, { perMessageDeflate: this.deflate, maxPayload });
    socket.messages = on(socket, "message"); // from the beginning: the first may come together with the handshake
    return socket;
  }

  async open(path, id, options) {
    const socket = this.connect(path, id, options);
    await once(socket, "open");
    assert.equal(socket.extensions, this.deflate ? "permessage-deflate" : "");
    return socket;
  }

  /** What our server says about the connection with this id, once that has ended. */
  async report(id) {
    const socket = await this.open("/report", id);
    const report = JSON.parse(await message(socket));
    await clean(socket);
    return report;
  }

  async echo(data, binary) {
    const socket = await this.open("/echo", "echo");
    socket.send(data, { binary });
    await same(socket, data, binary);
    await clean(socket);
  }

  async fragmented(data, binary) {
    const socket = await this.open("/echo", "fragmented");
    const pongs = [];
    socket.on("pong", (payload) => pongs.push(Number(payload)));
    const lastPong = new Promise((resolve) => { socket.on("pong", (payload) => { if (String(payload) === "7") resolve(); }); });
    sendInFragments(socket, data, binary);
    await Promise.all([same(socket, data, binary), lastPong]);
    // RFC 6455 §5.5.3: a server that has not answered yet may answer the latest ping only.
    assert.deepEqual(pongs, [...pongs].sort());
    await clean(socket);
  }
}

async function message(socket) {
  const [data, binary] = (await socket.messages.next()).value;
  return binary ? data : data.toString();
}

/** Without both messages in the error: they are long. */
async function same(socket, data, binary) {
  const [echo, echoIsBinary] = (await socket.messages.next()).value;
  assert(data.equals(echo), `${echo.length} bytes came back`);
  assert.equal(echoIsBinary, binary);
}

async function end(socket) {
  socket.on("error", () => {}); // what it means is in the code
  const [code, why] = await once(socket, "close");
  return [code, why.toString()];
}

async function clean(socket) {
  socket.close(1000);
  assert.equal((await end(socket))[0], 1000);
}
