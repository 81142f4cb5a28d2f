import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, listed, pathsOf } from "../../dashboard/scripts/runs-page/columns.js";

test("numbers are sorted by size, words as words, and what is missing comes last", () => {
  const values = ["b", 10, undefined, 9, "a10", null, "a9", true];
  const sorted = [...values].sort(compare);
  assert.deepEqual(sorted, [9, 10, "a9", "a10", "b", true, null, undefined]);
});

test("settings that differ are listed first, each with its number of runs", () => {
  const runs = [
    { config: { lr: 0.1, model: { depth: 3 }, seed: 0 } },
    { config: { lr: 0.2, model: { depth: 3 } } },
    { config: { "a key": [1, 2] } },
  ];
  assert.deepEqual(listed(runs), [
    { path: "lr", runs: 2, differs: true },
    { path: "a key", runs: 1, differs: false },
    { path: "model.depth", runs: 2, differs: false },
    { path: "seed", runs: 1, differs: false },
  ]);
});

test("an address that was cut off names no column, and breaks no page", () => {
  assert.deepEqual(pathsOf("model.depth,a%2Cb,%E0%A4,,%"), ["model.depth", "a,b"]);
  assert.deepEqual(pathsOf(""), []);
});
