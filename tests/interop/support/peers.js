// The matrix: every test runs for each server and each way in which the official client can reach it.

import { after, before, describe } from "node:test";
import { io, Manager } from "socket.io-client";
import { chosenServers, startServer } from "./servers.js";

const ways = [
  { way: "default options", options: {}, endsOn: "websocket" },
  { way: "websocket only", options: { transports: ["websocket"] }, endsOn: "websocket" },
  { way: "polling only", options: { transports: ["polling"] }, endsOn: "polling" },
];

/** Calls `tests` inside a suite per server, which starts that server before its tests and ends it after them. */
export function eachServer(title, tests, flags = []) {
  for (const name of chosenServers) {
    describe(`${title}: ${name} server`, () => {
      let running;
      before(async () => { running = await startServer(name, flags); }, { timeout: 300_000 });
      after(async () => { await running?.stop(); });
      tests({ name, get port() { return running.port; }, get url() { return `http://127.0.0.1:${running.port}`; } });
    });
  }
}

/** Calls `tests` with a peer for each server and each way to connect. */
export function eachPeer(title, tests, flags = []) {
  eachServer(title, (server) => {
    for (const { way, options, endsOn } of ways) {
      describe(way, () => tests(new Peer(server, options, endsOn)));
    }
  }, flags);
}

export class Peer {
  constructor(server, options, endsOn) {
    this.server = server;
    this.options = options;
    /** The transport on which this way to connect settles. */
    this.endsOn = endsOn;
  }

  /** Opens a socket on a connection of its own, which ends with the test. It may not be connected yet. */
  open(t, namespace = "/", options = {}) {
    const { url = this.server.url, ...rest } = options;
    const socket = io(url + namespace, { ...this.options, forceNew: true, ...rest });
    t.after(() => socket.disconnect());
    return socket;
  }

  /** Opens a socket and waits until it is connected, and upgraded if that is where its options lead. */
  async connect(t, namespace, options) {
    const socket = this.open(t, namespace, options);
    await connected(socket);
    await settled(socket, options?.transports?.[0] ?? this.endsOn);
    return socket;
  }

  /** One connection for several namespaces. */
  manager(t) {
    const manager = new Manager(this.server.url, this.options);
    t.after(() => manager._close());
    return manager;
  }
}

/** Waits for `connect`; a refusal is an error. */
export function connected(socket) {
  if (socket.connected) return Promise.resolve();
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
}

/** Waits until the engine below the socket uses the given transport. */
export async function settled(socket, transport) {
  const { engine } = socket.io;
  if (engine.transport.name !== transport) await new Promise((resolve) => engine.once("upgrade", resolve));
  if (engine.transport.name !== transport) throw new Error(`on ${engine.transport.name}, not on ${transport}`);
}

/** The arguments of the next such event. */
export function next(socket, event) {
  return new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
}

/** Collects the first argument of every such event; see `synced`. */
export function collect(socket, event) {
  const received = [];
  socket.on(event, (value) => received.push(value));
  return received;
}

/** What the server had emitted to these sockets before the call has arrived when it returns: answers keep the order of events. */
export async function synced(...sockets) {
  await Promise.all(sockets.map((socket) => socket.emitWithAck("give back")));
}
