// A server of Node's for the client of `sio`, with what `reference_server.js` does not have: a port of one's own choice (so that it can
// be killed and come back), connection state recovery, tokens that expire, another parser, and a memory of what it was told that
// outlives a connection. Driven by `node_client`.
//
// Prints its port, alone on a line, once it listens on 127.0.0.1. Ends with its standard input, at once.
// Flags: --port N, --recovery, --msgpack, --token T (others are refused), --cookie, --transports a,b, --ping-interval-ms N,
// --ping-timeout-ms N, --key FILE and --cert FILE (PEM; it is https then).
//
// Namespaces `/` and `/other`:
//   add(a, b)         ack -> a + b
//   give back(...)    ack -> the same
//   echo(...)             -> emits `echo` with the same
//   n(n)              ack -> nothing; remembers n, for all connections
//   all()             ack -> what was remembered
//   ask()             ack -> the first argument of the answer to `question`
//   room(name)        ack -> nothing; joins
//   tell(room, x)     ack -> nothing; `told` with x goes to the room
//   drop me()             -> closes the transport without a word of Socket.IO
//   leave me()            -> leaves the namespace
//   who()             ack -> {id, recovered, transport, rooms, cookie, header}

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    recovery: { type: "boolean" },
    msgpack: { type: "boolean" },
    cookie: { type: "boolean" },
    token: { type: "string" },
    key: { type: "string" },
    cert: { type: "string" },
    transports: { type: "string", default: "polling,websocket" },
    "ping-interval-ms": { type: "string", default: "25000" },
    "ping-timeout-ms": { type: "string", default: "20000" },
  },
});

const http = flags.key === undefined
  ? createServer()
  : createSecureServer({ key: readFileSync(flags.key), cert: readFileSync(flags.cert) });
const io = new Server(http, {
  pingInterval: Number(flags["ping-interval-ms"]),
  pingTimeout: Number(flags["ping-timeout-ms"]),
  transports: flags.transports.split(","),
  ...(flags.cookie && { cookie: true }),
  ...(flags.recovery && { connectionStateRecovery: {} }),
  ...(flags.msgpack && { parser: (await import("socket.io-msgpack-parser")).default }),
});

const remembered = [];
let expected = flags.token;

for (const nsp of [io.of("/"), io.of("/other")]) {
  nsp.use((socket, next) => {
    if (expected === undefined || socket.handshake.auth.token === expected) return next();
    next(Object.assign(new Error("expired"), { data: { got: socket.handshake.auth.token ?? null } }));
  });
  nsp.on("connection", (socket) => {
    socket.on("add", (a, b, ack) => ack(a + b));
    socket.on("give back", (...args) => args.pop()(...args));
    socket.on("echo", (...args) => socket.emit("echo", ...args));
    socket.on("n", (n, ack) => { remembered.push(n); ack?.(); });
    socket.on("all", (ack) => ack(remembered));
    socket.on("ask", (ack) => socket.emit("question", "?", (answer) => ack(answer)));
    socket.on("room", (room, ack) => { socket.join(room); ack(); });
    socket.on("tell", (room, x, ack) => { nsp.to(room).emit("told", x); ack(); });
    socket.on("expect", (token, ack) => { expected = token; ack(); });
    socket.on("drop me", () => socket.conn.close());
    socket.on("leave me", () => socket.disconnect());
    socket.on("who", (ack) => ack({
      id: socket.id,
      recovered: socket.recovered,
      transport: socket.conn.transport.name,
      rooms: [...socket.rooms].sort(),
      cookie: socket.request.headers.cookie ?? null,
      header: socket.handshake.headers["x-test"] ?? null,
    }));
  });
}

http.listen(Number(flags.port), "127.0.0.1");
await once(http, "listening");
console.log(http.address().port);
process.stdin.resume().once("end", () => process.exit(0));
