// Our client with the servers of Node's ws and Python's websockets; its cases are in testee/client.rs.

import { describe, test } from "node:test";
import { runList } from "./support/list.js";
import { startNodeServers } from "./support/node_server.js";
import { script } from "./support/python.js";
import { flags, program, startPair, ways } from "./support/rust.js";

const servers = {
  "Node's ws": ({ deflate }) => startNodeServers(deflate),
  "Python's websockets": ({ deflate }) => startPair(script("server.py", ...(deflate ? ["--deflate"] : []))),
};

for (const [server, start] of Object.entries(servers)) {
  describe(`our client with ${server}`, () => {
    for (const way of ways) {
      test(way.title, async (t) => {
        const { url, limited, stop } = await start(way);
        t.after(stop);
        await runList(t, [await program(), "client", url, limited, ...flags(way)]);
      });
    }
  });
}
