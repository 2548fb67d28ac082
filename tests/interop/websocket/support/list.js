// Cases that another process goes through, one line each, as testee/main.rs says about its client.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Makes a test of each case. That all cases were run is known by the count at the end. */
export async function runList(t, [program, ...args]) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const exited = once(child, "exit");
  let failed = 0;
  let seen = 0;
  let end;
  for await (const line of createInterface({ input: child.stdout })) {
    const [verdict, name, why] = line.split("\t");
    if (verdict === "end") {
      end = Number(name);
      continue;
    }
    seen += 1;
    if (verdict !== "ok") failed += 1;
    await t.test(name, () => assert.equal(verdict, "ok", why));
  }
  assert.deepEqual([end, (await exited)[0]], [seen, failed ? 1 : 0], "it went through all its cases");
}
