// A TCP gate between client and server that a test opens and shuts, so that what is a race on a network is a sequence here.

import { EventEmitter, once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * Opens a gate to a port of this machine; it ends with the test.
 *
 * `webSockets(step)` is asked before each chunk that a client sends on a WebSocket: step 0 is the handshake, 1 the probe, 2 the
 * upgrade packet. Its promise holds the chunk, and everything behind it, back. A promise of `false` cuts that connection.
 */
export async function openGate(t, port, { webSockets = async () => true } = {}) {
  const gate = new Gate(port, webSockets);
  t.after(() => gate.close());
  return gate.listen();
}

class Gate {
  #port;
  #webSockets;
  #listener;
  #pairs = new Set();
  #polls = new EventEmitter();
  #passage = "open";

  constructor(port, webSockets) {
    this.#port = port;
    this.#webSockets = webSockets;
  }

  async listen() {
    this.#listener = createServer((client) => this.#accept(client)).listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
    this.url = `http://127.0.0.1:${this.#listener.address().port}`;
    return this;
  }

  /** Waits until n WebSockets and unanswered polls hang on the server: from then on it can, and must, notice what happens to them. */
  async hanging(n) {
    while ([...this.#pairs].filter((pair) => pair.hangs).length < n) await once(this.#polls, "poll");
  }

  /** Cuts all connections and refuses new ones until `mend()`. */
  cut() {
    this.#passage = "cut";
    this.#destroyAll();
  }

  mend() {
    this.#passage = "open";
  }

  /** Nothing passes any more, in either direction, though all connections stay open. */
  freeze() {
    this.#passage = "frozen";
    for (const { client, server } of this.#pairs) [client, server].forEach((socket) => socket.pause());
  }

  close() {
    this.#destroyAll();
    this.#listener.close();
  }

  #destroyAll() {
    for (const { client, server } of this.#pairs) [client, server].forEach((socket) => socket.destroy());
  }

  #accept(client) {
    if (this.#passage === "cut") return client.destroy();
    const server = connect(this.#port, "127.0.0.1");
    const pair = { client, server, hangs: false };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
        this.#pairs.delete(pair);
      });
    }
    this.#forward(pair);
    if (this.#passage === "frozen") [client, server].forEach((socket) => socket.pause());
  }

  #forward(pair) {
    const { client, server } = pair;
    let step = -1;
    let passed = Promise.resolve();
    client.on("data", (chunk) => {
      const [, transport] = chunk.toString("latin1").match(/^GET [^ ]*transport=(\w+)/) ?? [];
      if (step < 0 && transport !== "websocket") {
        pair.hangs = false;
        server.write(chunk, () => { if (transport === "polling") this.#hang(pair); });
        return;
      }
      const current = (step += 1);
      passed = passed.then(async () => {
        if (await this.#webSockets(current)) server.write(chunk, () => this.#hang(pair));
        else client.destroy();
      });
    });
    server.on("data", (chunk) => {
      client.write(chunk);
      if (step < 0) pair.hangs = false;
    });
  }

  #hang(pair) {
    pair.hangs = true;
    this.#polls.emit("poll");
  }
}

/** A place to wait that a test opens by hand: `reached` tells that someone waits, `release()` lets them pass. */
export class Stop {
  #arrive;
  constructor() {
    this.reached = new Promise((resolve) => { this.#arrive = resolve; });
    this.released = new Promise((resolve) => { this.release = resolve; });
  }

  async pass() {
    this.#arrive();
    await this.released;
    return true;
  }
}
