// Our server with Chromium's own WebSocket; what is done in the page is in support/page_cases.js.

import { after, before, describe, test } from "node:test";
import { openBrowser } from "../support/browser.js";
import { sizes } from "./support/content.js";
import { definePageCases } from "./support/page_cases.js";
import { limit, reason, startServers, ways } from "./support/rust.js";

// Chromium always offers permessage-deflate: uncompressed is when the server doesn't take it.
for (const way of ways) {
  describe(`our server, ${way.title}, with Chromium`, () => {
    let servers;
    let browser;
    let page;
    before(async () => {
      servers = await startServers(way);
      browser = await openBrowser();
      page = await newPage();
    }, { timeout: 600_000 });
    after(async () => {
      await browser?.close();
      await servers?.stop();
    });

    async function newPage() {
      const page = await browser.newPage();
      await page.evaluate(definePageCases);
      return page;
    }
    const run = (name, args = {}, where = page) => where.evaluate((it) => window.runCase(it), {
      url: servers.url, limited: servers.limited, deflate: way.deflate, name, args: { ...args, limit, reason },
    });

    for (const size of sizes) {
      // Chromium takes seconds for the largest, so that one kind has to do: not noise through deflate.
      const kinds = size < 64 << 20 ? ["text", "binary"] : [way.deflate || way.api === "push" ? "text" : "binary"];
      for (const kind of kinds) test(`${kind}, ${size} bytes`, () => run(kind, { size }));
    }
    test("pings of the server are answered, and it knows the latency", () => run("pinged"));
    test("closed by the page", () => run("close"));
    test("closed by the page without a code", () => run("closeWithoutCode"));
    test("closed by the server", () => run("closed"));
    test("subprotocol", () => run("subprotocol"));
    test("no subprotocol in common", () => run("noSubprotocol"));
    test("refused with 401", () => run("refused"));
    test("too big for the server", () => run("tooBig"));
    test("cut by the server", () => run("cut"));
    test("a page that is left closes with 1001", async () => {
      const other = await newPage();
      await run("left", {}, other);
      await other.close();
      await run("leftReport");
    });
    // Chromium makes them wait for five seconds, whatever the server does: once for each API is enough.
    if (!way.deflate) test("100 connections at a time", () => run("hundred"));
  });
}
