import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CELLS } from "../../dashboard/scripts/runs-page/cells.js";
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
  globalThis.location = { search: "" };
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

test("the frozen fraction's line is drawn from the fractions of the epochs", () => {
  window.React = { createElement: (name, attributes, ...children) => ({ name, attributes, children }) };
  const [line] = CELLS.NeqRunFrozen({ data: { frozen_fraction: 0.5, frozen_sparkline: [0, 0.25, 0.5] } }).children;
  const points = line.children.find(({ name }) => name === "polyline").attributes.points;
  assert.equal(points, "0.0,25.0 42.0,19.0 84.0,13.0"); // 84 wide and 26 high, a pixel off each edge
});
