// Compression: of polling responses, which Node's clients ask for by a header, and of WebSocket messages.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { gunzipSync, inflateSync } from "node:zlib";
import { eachPeer, eachServer } from "./support/peers.js";

const text = "all work and no play ".repeat(2000);

eachPeer("compression", (peer) => {
  test("long messages go there and back", async (t) => {
    const socket = await peer.connect(t, "/", { perMessageDeflate: { threshold: 0 }, extraHeaders: {} });
    for (const value of [text, "short", Buffer.alloc(5000, 7)]) {
      assert.deepEqual(await socket.emitWithAck("give back", value), value);
    }
    if (peer.endsOn === "websocket") {
      assert.match(socket.io.engine.transport.ws.extensions, /permessage-deflate/);
    }
  });
}, ["--deflate"]);

async function request(url, options = {}, body = "") {
  const outgoing = http.request(url, options);
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return { headers: response.headers, body: Buffer.concat(chunks) };
}

eachServer("compressed polling", (server) => {
  for (const [accept, coding, unpack] of [
    ["gzip, deflate", "gzip", gunzipSync],
    ["deflate", "deflate", inflateSync],
    ["br", undefined, (body) => body],
  ]) {
    test(`for a client that accepts ${accept}`, async () => {
      const target = `${server.url}/socket.io/?EIO=4&transport=polling`;
      const headers = { "accept-encoding": accept };
      const open = await request(target, { headers });
      assert.equal(open.headers["content-encoding"], undefined, "it is short");
      const session = `${target}&sid=${JSON.parse(open.body.subarray(1)).sid}`;
      await request(session, { method: "POST" }, "40");
      await request(session, { headers });
      await request(session, { method: "POST" }, `42${JSON.stringify(["echo", text])}`);
      const answer = await request(session, { headers });
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(unpack(answer.body).toString(), `42${JSON.stringify(["echo", text])}`);
    });
  }
});
