// The terminal client of the chat, at its stdin and stdout.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { buildExample } from "./servers.js";

export class Terminal {
  #child;
  #exited;
  #lines = [];
  #arrived = () => {};

  /** Starts it with these flags; it ends with the test. */
  static async open(t, ...flags) {
    const terminal = new Terminal(spawn(await buildExample("chat_client"), flags, { stdio: ["pipe", "pipe", "inherit"] }));
    t.after(() => terminal.#child.kill());
    return terminal;
  }

  constructor(child) {
    this.#child = child;
    this.#exited = once(child, "close");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#arrived();
    });
  }

  type(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Waits for such a line; forgets it and those before. */
  async reads(line) {
    while (!this.#lines.includes(line)) {
      const next = new Promise((resolve) => { this.#arrived = () => resolve(true); });
      if (!(await Promise.race([next, this.#exited.then(() => false)]))) throw new Error(`it ended without: ${line}`);
    }
    this.#lines.splice(0, this.#lines.indexOf(line) + 1);
  }

  /** Waits for its end; the exit code. */
  async ended() {
    return (await this.#exited)[0];
  }
}
