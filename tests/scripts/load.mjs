/** Runs the browser's classic scripts in Node: each gets the globals that it names, and leaves its part on `neq`. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

const ASSETS = new URL("../../dashboard/assets/", import.meta.url);
const GLOBALS = ["window", "document", "location", "history", "performance", "getComputedStyle"];

/**
 * The `neq` that these scripts make, in this order. They share this program's realm, so that arrays compare as equal.
 *
 * @param {string[]} names of the scripts, without ".js".
 * @param {Record<string, unknown>} [browser] globals by name; those that are not given are undefined.
 */
export function load(names, browser = {}) {
  const window = { neq: {}, addEventListener() {}, ...browser.window };
  for (const name of names) {
    const file = new URL(`${name}.js`, ASSETS);
    const run = vm.compileFunction(readFileSync(file, "utf8"), GLOBALS, { filename: file.pathname });
    run(...GLOBALS.map((name) => (name === "window" ? window : browser[name])));
  }
  return window.neq;
}
