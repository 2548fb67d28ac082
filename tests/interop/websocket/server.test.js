// Our server with the clients of Python's websockets, whose cases are in client.py, and of Node's ws.

import { after, before, describe, test } from "node:test";
import { nodeCases } from "./support/node_client.js";
import { runList } from "./support/list.js";
import { script } from "./support/python.js";
import { startServers, ways } from "./support/rust.js";

for (const way of ways) {
  describe(`our server, ${way.title}`, () => {
    let servers;
    before(async () => { servers = await startServers(way); }, { timeout: 600_000 });
    after(() => servers?.stop());

    test("with Python's websockets", async (t) => {
      await runList(t, script("client.py", servers.url, servers.limited, ...(way.deflate ? ["--deflate"] : [])));
    });

    describe("with Node's ws", () => {
      for (const [name, run] of nodeCases(way.deflate)) test(name, () => run(servers));
    });
  });
}
