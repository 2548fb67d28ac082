// The server of Node's ws, in this process; the contract of its paths is in testee/main.rs.

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { fragments } from "./content.js";
import { limit, reason } from "./rust.js";

/** Once with the usual limit and once with the small one. */
export async function startNodeServers(deflate) {
  const [usual, limited] = await Promise.all([start(deflate, 64 << 20), start(deflate, limit)]);
  return { url: usual.url, limited: limited.url, stop: () => [usual, limited].forEach((server) => server.stop()) };
}

async function start(perMessageDeflate, maxPayload) {
  const http = createServer();
  const reports = new Reports();
  const server = new WebSocketServer({
    noServer: true, maxPayload, perMessageDeflate,
    handleProtocols: (offered) => ["v2.chat", "v1.chat"].find((name) => offered.has(name)) ?? false,
  });
  http.on("upgrade", (request, stream, head) => {
    if (request.url.startsWith("/refuse?")) return refuse(stream);
    server.handleUpgrade(request, stream, head, (socket) => answer(socket, new URL(request.url, "http://localhost"), reports));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const stop = () => {
    server.clients.forEach((socket) => socket.terminate());
    http.close();
  };
  return { url: `ws://127.0.0.1:${http.address().port}`, stop };
}

function refuse(stream) {
  const body = "who are you?";
  stream.end(`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** How connections ended, for those who ask later or wait. */
class Reports {
  #ended = new Map();

  /** A promise of the end of a connection, and how to fulfil it. */
  of(id) {
    if (!this.#ended.has(id)) {
      let tell;
      const told = new Promise((resolve) => { tell = resolve; });
      this.#ended.set(id, { told, tell });
    }
    return this.#ended.get(id);
  }
}

async function answer(socket, { pathname, searchParams }, reports) {
  const report = reports.of(searchParams.get("id"));
  socket.on("error", () => {}); // comes before `close`, whose code says it all
  if (pathname === "/report") return socket.send(JSON.stringify(await report.told));
  socket.on("close", (code, why) => report.tell({ code, reason: why.toString() }));
  paths[pathname](socket);
}

const paths = {
  "/echo": (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
  "/fragments": (socket) => socket.on("message", (data, binary) => sendInFragments(socket, data, binary)),
  "/ping": (socket) => {
    const begun = process.hrtime.bigint();
    socket.ping();
    socket.on("pong", () => socket.send(`latency ${(process.hrtime.bigint() - begun) / 1000n}`));
  },
  "/close": (socket) => socket.on("message", () => socket.close(4321, reason)),
  "/drop": (socket) => socket.on("message", () => socket.terminate()),
};

/** With a ping after each fragment, the last one behind the message. */
export function sendInFragments(socket, data, binary) {
  const parts = fragments(data);
  parts.forEach((part, n) => {
    socket.send(part, { binary, fin: n === parts.length - 1 });
    socket.ping(String(n));
  });
}
