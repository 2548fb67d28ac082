// Our side: the example `websocket_interop`, optimized, because it is given 64 MiB at a time.

import { buildExample, startProcess } from "../../support/servers.js";

export const reason = "enough – 今日は";
export const limit = 65536;

/** What is tried: each API, with and without permessage-deflate. */
export const ways = ["pull", "push"].flatMap((api) => [false, true].map((deflate) => ({
  api, deflate, title: `${api} API, ${deflate ? "permessage-deflate" : "uncompressed"}`,
})));

export const program = () => buildExample("websocket_interop", "release");
export const flags = ({ api, deflate }) => ["--api", api, ...(deflate ? ["--deflate"] : [])];

/** Our server, once with the usual limit and once with the small one. */
export async function startServers(way) {
  return startPair([await program(), "server", ...flags(way)]);
}

/** Any server that speaks the contract of testee/main.rs. */
export async function startPair(command) {
  const [usual, limited] = await Promise.all([startProcess(command), startProcess([...command, "--limit", String(limit)])]);
  return {
    url: `ws://127.0.0.1:${usual.port}`,
    limited: `ws://127.0.0.1:${limited.port}`,
    stop: () => Promise.all([usual.stop(), limited.stop()]),
  };
}
