// Starts the servers under test as child processes. Both speak the contract at the top of `reference_server.js`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** The servers that this run is about: `INTEROP_SERVERS=node`, `=rust`, or, by default, both. */
export const chosenServers = (process.env.INTEROP_SERVERS ?? "node,rust").split(",");

const commands = {
  node: async () => [process.execPath, fileURLToPath(new URL("../reference_server.js", import.meta.url))],
  rust: async () => [await buildExample("interop_server")],
};

/** Starts one of `commands` and waits until it says on which port it listens. */
export async function startServer(name, flags = []) {
  if (!(name in commands)) throw new Error(`INTEROP_SERVERS names an unknown server: ${name}`);
  return startProcess([...(await commands[name]()), ...flags]);
}

/** Starts the example chat, which serves its page, too; `url` is the page. Port 0 is any. */
export async function startChat(port = 0, flags = []) {
  // For work on the page alone, another server of the chat may stand in.
  const program = process.env.INTEROP_CHAT?.split(" ") ?? [await buildExample("chat")];
  const chat = await startProcess([...program, "--port", String(port), ...flags]);
  return { ...chat, url: `http://127.0.0.1:${chat.port}/`, stop: () => chat.stop("SIGINT") };
}

/** Runs a program whose first line on stdout ends in the port on which it listens. */
export async function startProcess([program, ...args]) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], cwd: repository });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    exited.then(([code]) => { throw new Error(`${program} ended with ${code} before it listened`); }),
  ]);
  return {
    port: Number(line.match(/(\d+)\/?$/)?.[1]),
    /** Ends its stdin, or sends it a signal, waits, and returns the exit code: 0 for a graceful end. */
    async stop(signalToSend) {
      if (signalToSend) child.kill(signalToSend);
      else child.stdin.end();
      const [code, signal] = await exited;
      return signal ?? code;
    },
  };
}

/** Builds an example of the workspace (a no-op when it is fresh) and returns the path of its program. */
export async function buildExample(name, profile = "dev") {
  const cargo = spawn("cargo", ["build", "--quiet", "--profile", profile, "--example", name, "--message-format=json-render-diagnostics"], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(cargo, "close");
  let program;
  for await (const line of createInterface({ input: cargo.stdout })) {
    const message = JSON.parse(line);
    if (message.executable && message.target.name === name) program = message.executable;
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`cargo could not build the example ${name}`);
  return program;
}
