// Python's websockets, in the environment that tests/run makes.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const python = here(".venv/bin/python");

/** The command for one of the scripts here. */
export function script(name, ...args) {
  if (!existsSync(python)) throw new Error("no Python environment here: tests/run makes it");
  return [python, "-B", here(name), ...args];
}
