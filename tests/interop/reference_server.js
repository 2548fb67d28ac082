// The reference: Node's own socket.io server, speaking the contract below. `server.rs` speaks the same contract on `sio`.
// The tests run against both, so a test that misunderstands Socket.IO fails here first.
//
// THE CONTRACT
//
// Process   Prints its port, alone on a line, once it listens on 127.0.0.1. Closes gracefully when stdin ends, then exits with 0.
// Flags     --ping-interval-ms N (25000)   --ping-timeout-ms N (20000)   --allow-eio3 (clients of Socket.IO 2.x, too)
//           --deflate (permessage-deflate from 1024 bytes on)   --recovery (connection state recovery, default settings)
//           --msgpack (socket.io-msgpack-parser); everything else is the server's default,
//           in particular a maxHttpBufferSize of 1,000,000 bytes.
//
// Namespace `/`: anyone may connect. The auth payload may carry `name`, by which the departure of this socket is announced.
//   echo(...args)                    -> emits `echo` with the same arguments to the sender
//   give back(...args)           ack -> the same arguments
//   add(a, b)                    ack -> a + b
//   describe(value)              ack -> the value as JSON, each piece of binary replaced by {"bytes": "<hex>"}
//   length of(value)             ack -> bytes of a piece of binary, or UTF-8 bytes of a string
//   send binary()                ack -> nothing, after it has emitted `binary` with {"first": <010203>, "list": [<empty>, {"deep": <ff00>}],
//                                       "text": "plain"} and then <7f> as second argument
//   silence(...)                     -> never acknowledged
//   ask me(...args)              ack -> emits `question` with the arguments and an ack to the sender, waits for its answer for at
//                                       least five seconds, then acknowledges with the first argument of the answer
//   ask me for a file()          ack -> the same for `file please`; the answer is (text, {"file": binary}), and so is the ack
//   ask me within(ms)            ack -> emits `question` with "quick" and gives the client ms milliseconds; acknowledges with
//                                       "timed out" or with the first argument of the answer
//   item(n)                          -> remembers n
//   items()                      ack -> the array of what `item` brought since the last call, in order of arrival
//   send items(n)                ack -> nothing, after it has emitted `item` with 0, 1 ... n - 1
//   send volatile items(n, size) ack -> nothing, after it has emitted `item` with 0, 1 ... n - 1 and so many characters, each volatile, and
//                                       with "end", which is not
//   join(room) leave(room)       ack -> nothing, once done
//   rooms()                      ack -> sorted names of the rooms of this socket, without the one that is its own id
//   relay({via, to, except, operators}, x)
//                                ack -> nothing, after it has emitted `relayed` with x. `via` is "socket" (never to the sender) or "io"
//                                       (to all); `to` and `except` are arrays of rooms; an empty `to` means everyone. With `operators`
//                                       it also says compress, timeout and local, and all in another order
//   ask room(room, ms)           ack -> emits `question` with "all" to the room, waits that long, and gives {answers, missing}: the
//                                       sorted answers that came in time, and how many did not
//   remember(data)               ack -> nothing, after it has kept the data with the socket
//   who(room)                    ack -> {id, rooms (as in `rooms`), data} of each socket in the room, sorted by id; data null if none is kept
//   all join(from, room)   all leave(from, room)   all out(room, close)
//                                ack -> nothing, once the sockets in the room have joined or left the other one, or been disconnected
//   handshake()                  ack -> {query: the parameter x, auth, secure, address, header: x-test} of the request
//   later(ms, room, n)           ack -> nothing at once; emits `item` with "late 0" ... to the room after ms milliseconds
//   observe()                    ack -> nothing; from now on `seen` knows of every event, before and after its listener, and of each emitted
//   seen()                       ack -> lines like "first add", "in add", "out echo" since the last call, without those of `seen` itself
//   just once()                      -> emits `echo` with "once" the first time
//   not any more()                   -> nothing: its listener was removed
//   emit(name)                   ack -> whether emitting an event of this name fails
//   auth()                       ack -> the auth payload with which this socket connected
//   leave me()                       -> the server disconnects this socket from this namespace
//   close me()                       -> the server disconnects this socket and closes its whole connection
//   While a named socket disconnects, and is still in its rooms, `gone` goes to the room `watchers`: (name, reason, rooms as in `rooms`).
//
// Namespace `/other`: anyone may connect.
//   where()                      ack -> "/other"
//   echo(...args)                    -> as in `/`
//   leave me()                       -> as in `/`
//
// Namespace `/admin`: needs the auth payload {"token": "open sesame"}; anything else is refused with the message "not authorized" and
// the data {"code": 401, "hint": "wrong token"}.
//   where()                      ack -> "/admin"
//
// Namespace `/guarded`: anyone may connect; the event `forbidden` does not pass its middleware.
//   passed()                     ack -> the names of the events that have passed it since the last call
//
// Namespaces `/tenant-<word>`: anyone may connect whose auth payload does not say {"banned": true}, which is refused with "banned".
// Namespaces `/late-<anything>`: exist for those whose auth payload is {"token": "open sesame"}, found out asynchronously.
//   where()                      ack -> the name
//   echo(...args)                    -> as in `/`
//   shout(x)                     ack -> nothing, after it has emitted `echo` with x to all in the namespace
//
// No other namespace exists.

import { once } from "node:events";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const { values: flags } = parseArgs({
  options: {
    "ping-interval-ms": { type: "string", default: "25000" },
    "ping-timeout-ms": { type: "string", default: "20000" },
    "allow-eio3": { type: "boolean", default: false },
    deflate: { type: "boolean", default: false },
    recovery: { type: "boolean" },
    msgpack: { type: "boolean" },
  },
});

const http = createServer();
const io = new Server(http, {
  pingInterval: Number(flags["ping-interval-ms"]),
  pingTimeout: Number(flags["ping-timeout-ms"]),
  allowEIO3: flags["allow-eio3"],
  perMessageDeflate: flags.deflate && { threshold: 1024 },
  ...(flags.recovery && { connectionStateRecovery: {} }),
  ...(flags.msgpack && { parser: msgpack }),
});

io.on("connection", (socket) => {
  const items = [];

  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("give back", (...args) => args.pop()(...args));
  socket.on("add", (a, b, ack) => ack(a + b));
  socket.on("describe", (value, ack) => ack(describe(value)));
  socket.on("length of", (value, ack) => ack(Buffer.byteLength(value)));
  socket.on("send binary", (ack) => {
    const list = [Buffer.alloc(0), { deep: Buffer.from("ff00", "hex") }];
    socket.emit("binary", { first: Buffer.from("010203", "hex"), list, text: "plain" }, Buffer.from("7f", "hex"));
    ack();
  });

  socket.on("silence", () => {});
  socket.on("ask me", (...args) => {
    const ack = args.pop();
    socket.emit("question", ...args, ack);
  });
  socket.on("ask me for a file", (ack) => socket.emit("file please", (text, { file }) => ack(text, { file })));
  socket.on("ask me within", (ms, ack) => {
    socket.timeout(ms).emit("question", "quick", (error, answer) => ack(error ? "timed out" : answer));
  });

  socket.on("item", (n) => items.push(n));
  socket.on("items", (ack) => ack(items.splice(0)));
  socket.on("send volatile items", (n, size, ack) => {
    for (let i = 0; i < n; i += 1) socket.volatile.emit("item", i, "x".repeat(size));
    socket.emit("item", "end");
    ack();
  });
  socket.on("send items", (n, ack) => {
    for (let i = 0; i < n; i += 1) socket.emit("item", i);
    ack();
  });

  const roomNames = () => [...socket.rooms].filter((room) => room !== socket.id).sort();
  socket.on("join", (room, ack) => { socket.join(room); ack(); });
  socket.on("leave", (room, ack) => { socket.leave(room); ack(); });
  socket.on("rooms", (ack) => ack(roomNames()));
  socket.on("relay", ({ via, to, except, operators }, payload, ack) => {
    const everyone = via === "socket" ? socket.broadcast : io;
    const target = operators ? everyone.compress(false).timeout(1000).except(except).local.to(to) : everyone.to(to).except(except);
    // A timeout is for acks only: with one, `emit` would want a callback.
    if (operators) target.flags.timeout = undefined;
    target.emit("relayed", payload);
    ack();
  });

  socket.on("ask room", (room, ms, ack) => {
    io.to(room).timeout(ms).emit("question", "all", (error, answers) => {
      io.in(room).fetchSockets().then((sockets) => ack({ answers: answers.sort(), missing: sockets.length - answers.length }));
    });
  });
  socket.on("remember", (data, ack) => { socket.data = data; ack(); });
  socket.on("who", async (room, ack) => {
    const who = (await io.in(room).fetchSockets()).map(({ id, rooms, data }) => ({
      id,
      rooms: [...rooms].filter((name) => name !== id).sort(),
      data: data !== null && typeof data === "object" && Object.keys(data).length === 0 ? null : data,
    }));
    ack(who.sort((a, b) => (a.id < b.id ? -1 : 1)));
  });
  socket.on("all join", (from, room, ack) => { io.in(from).socketsJoin(room); ack(); });
  socket.on("all leave", (from, room, ack) => { io.in(from).socketsLeave(room); ack(); });
  socket.on("all out", (room, close, ack) => { io.in(room).disconnectSockets(close); ack(); });
  socket.on("handshake", (ack) => {
    const { query, auth, secure, address, headers } = socket.handshake;
    ack({ query: query.x ?? null, auth, secure, address: address.replace("::ffff:", ""), header: headers["x-test"] ?? null });
  });
  socket.on("later", (ms, room, n, ack) => {
    ack();
    setTimeout(() => { for (let i = 0; i < n; i += 1) io.to(room).emit("item", `late ${i}`); }, ms);
  });

  const seen = [];
  let after = () => {};
  socket.on("observe", (ack) => {
    socket.prependAny((event) => { if (event !== "seen") seen.push(`first ${event}`); });
    after = (event) => { if (event !== "seen") seen.push(`in ${event}`); };
    socket.onAny((event) => after(event));
    socket.onAnyOutgoing((event) => seen.push(`out ${event}`));
    ack();
  });
  socket.on("seen", (ack) => ack(seen.splice(0)));
  socket.once("just once", () => socket.emit("echo", "once"));
  const unwanted = () => socket.emit("echo", "still");
  socket.on("not any more", unwanted);
  socket.off("not any more", unwanted);
  socket.on("emit", (event, ack) => {
    try { socket.emit(event); ack(false); } catch { ack(true); }
  });

  socket.on("auth", (ack) => ack(socket.handshake.auth));
  socket.on("leave me", () => socket.disconnect());
  socket.on("close me", () => socket.disconnect(true));
  socket.on("disconnecting", (reason) => {
    const { name } = socket.handshake.auth;
    if (name) io.to("watchers").emit("gone", name, reason, roomNames());
  });
});

io.of("/other").on("connection", (socket) => {
  socket.on("where", (ack) => ack(socket.nsp.name));
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("leave me", () => socket.disconnect());
});

io.of("/admin")
  .use((socket, next) => {
    if (socket.handshake.auth.token === "open sesame") return next();
    const refusal = new Error("not authorized");
    refusal.data = { code: 401, hint: "wrong token" };
    next(refusal);
  })
  .on("connection", (socket) => socket.on("where", (ack) => ack(socket.nsp.name)));

io.of("/guarded").on("connection", (socket) => {
  let passed = [];
  // Its catch-all listeners also see what is refused: what passes is noted by a second middleware.
  socket.use(([event], next) => setImmediate(() => next(event === "forbidden" ? new Error("forbidden") : undefined)));
  socket.use(([event], next) => { passed.push(event); next(); });
  socket.on("error", () => {});
  socket.on("forbidden", () => {});
  socket.on("passed", (ack) => ack(passed.splice(0)));
});

const tenant = (socket) => {
  socket.on("where", (ack) => ack(socket.nsp.name));
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("shout", (what, ack) => { socket.nsp.emit("echo", what); ack(); });
};
io.of(/^\/tenant-\w+$/)
  .use((socket, next) => next(socket.handshake.auth.banned ? new Error("banned") : undefined))
  .on("connection", tenant);
io.of((name, auth, next) => setImmediate(() => next(null, name.startsWith("/late-") && auth?.token === "open sesame")))
  .on("connection", tenant);

function describe(value) {
  if (Buffer.isBuffer(value)) return { bytes: value.toString("hex") };
  if (Array.isArray(value)) return value.map(describe);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, describe(inner)]));
}

http.listen(0, "127.0.0.1");
await once(http, "listening");
console.log(http.address().port);
process.stdin.resume().once("end", async () => {
  await io.close();
  process.exit(0); // not waiting 30 seconds for clients that never fetch their goodbye
});
