/** Parallel coordinates in a file: what is brushed, how words are cut, and the values behind. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shapesOf, tableOf, wordsOf } from "../../dashboard/scripts/compare-page/saved-parallel.js";

const kind = { key: "kind", name: "Kind <b>", places: [0, 1, null], kinds: ["adam", "sgd"], log: false };
const rate = { key: "rate", name: "Learning rate", places: [-1, -3, -2], kinds: null, log: true };
const loss = { key: "loss", name: "Loss", places: [0.123456, 0.25, 0.5], kinds: null, log: false };
const members = ["A", "B", "C"].map((name) => ({ name, ink: { colour: "var(--x)", dash: "dot" } }));
const parallel = { dimensions: [kind, rate, loss], members, ranges: {}, inside: null };
const wide = { width: 900, font: 10 };

test("a table has the values as they were recorded, of runs within the brushes alone", () => {
  assert.deepEqual(tableOf(parallel), {
    header: ["run", "Kind <b>", "Learning rate", "Loss"],
    rows: [
      ["A", "adam", 0.1, 0.123456],
      ["B", "sgd", 0.001, 0.25],
      ["C", null, 0.01, 0.5],
    ],
  });
  assert.deepEqual(
    tableOf({ ...parallel, inside: [false, true, false] }).rows.map(([name]) => name),
    ["B"],
  );
});

test("what is brushed is a box on its axis, which ends where the axis does", () => {
  const boxes = shapesOf({ ...parallel, ranges: { kind: [[0.5, 7]] } }).filter(({ type }) => type === "rect");
  assert.deepEqual(
    boxes.map(({ y0, y1 }) => [y0, y1]),
    [[0.5, 1]], // kinds 0 and 1 reach from −0.5 to 1.5
  );
});

test("names and kinds are texts, and runs without a value have their place named", () => {
  const words = wordsOf(parallel, wide).map(({ text }) => text);
  assert.ok(words.includes("Kind &lt;b&gt;"));
  assert.equal(words.filter((text) => text === "none").length, 1);
});

test("between narrow axes numbers lose digits, not their beginning", () => {
  const narrow = wordsOf(parallel, { width: 150, font: 10 }).map(({ text }) => text);
  assert.ok(wordsOf(parallel, wide).some(({ text }) => text === "0.123456"));
  assert.ok(narrow.includes("0.12"));
  assert.ok(!narrow.some((text) => /^….*\d$/.test(text)), narrow.join());
});
