import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { begin } from "../../dashboard/scripts/runs-page/page.js";
import { leave } from "../../dashboard/scripts/ui/shell.js";

/** ag-grid, which says when it is there; it tells what was done with it. */
function gridLibrary() {
  const used = [];
  const grid = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : () => used.push(name)) });
  const { promise, resolve } = Promise.withResolvers();
  return { used, library: { getApiAsync: () => promise }, there: () => resolve(grid) };
}

beforeEach(() => {
  globalThis.window = {};
  globalThis.document = { documentElement: { dataset: {} }, getElementById: () => null, querySelectorAll: () => [] };
});

test("a table that is there when its page has been left is not begun", async () => {
  const { used, library, there } = gridLibrary();
  window.dash_ag_grid = library;
  const begun = begin();
  leave("/compare");
  there();
  assert.equal(await begun, "runs-table");
  assert.deepEqual(used, []);
});
