import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellTitle,
  cellWords,
  fieldsOf,
  nameOf,
  queryOfRuns,
  shownFields,
  tickedOf,
  toggle,
} from "../../dashboard/scripts/runs-page/groups.js";
import { groupsQuery, sortOf } from "../../dashboard/scripts/runs-page/query.js";
import * as ticks from "../../dashboard/scripts/runs-page/ticks.js";
import { parted, spread } from "../../dashboard/scripts/ui/format.js";

const column = (...ids) => ids.map((id) => ({ id, width: null }));
const cell = (more) => ({ known: 3, distinct: 3, mean: null, std: null, value: null, ...more });
const plain = (_field, value) => `<${value}>`;

test("a mean is as exact as two digits of its deviation", () => {
  assert.deepEqual(
    [
      [0.91234, 0.0042],
      [0.91234, 0.42],
      [12.345, 3.2],
      [-1234.5, 56],
      [7, null],
      [0.5, 0],
      [1.5e-7, 2e-8],
      [1, 1e-12],
    ].map(([mean, std]) => spread(mean, std)),
    ["0.9123 ± 0.0042", "0.91 ± 0.42", "12.3 ± 3.2", "−1235 ± 56", "7.00", "0.500 ± 0", "1.50 · 10⁻⁷ ± 2.0 · 10⁻⁸", "1.00 ± 10⁻¹²"],
  );
});

test("the end of a long name is kept, from the beginning of a word on", () => {
  assert.deepEqual(parted("cnn · fashion-mnist-mini · sgd · epsilon 0.001 · seed 12", 22), [
    "cnn · fashion-mnist-mini · sgd · epsilon",
    " 0.001 · seed 12",
  ]);
  assert.deepEqual(parted("a short name", 22), ["a short name", ""]);
  assert.deepEqual(parted("n".repeat(40), 22), ["n".repeat(18), "n".repeat(22)], "a name of one word");
});

test("a cell says what the runs have: one value, a mean, or how many different ones", () => {
  assert.equal(cellWords("a", cell({ mean: 2, std: 1 }), plain), "2.0 ± 1.0");
  assert.equal(cellWords("accuracy", cell({ mean: 0.9, std: 0.01 }), plain), "90.0 ± 1.0 %");
  assert.equal(cellWords("accuracy", cell({ known: 1, distinct: 1, mean: 0.9 }), plain), "90.0 %");
  assert.equal(cellWords("accuracy", cell({ mean: 85, std: 1 }), plain), "85.0 ± 1.0", "logged in per cent");
  assert.equal(cellWords("a", cell({ value: 0, distinct: 1, mean: 0, std: 0 }), plain), "<0>");
  assert.equal(cellWords("a", cell({ distinct: 2 }), plain), "2 values");
  assert.equal(cellWords("a", cell({ known: 2, distinct: 1 }), plain), "2 of them", "the others have none");
  assert.equal(cellWords("a", cell({ known: 0, distinct: 0 }), plain), "–");
  assert.equal(cellTitle("a", cell({ mean: 2, std: 1 }), 4, "2.0 ± 1.0"), "a: mean ± standard deviation of 3 of 4 runs");
  assert.equal(cellTitle("a", cell({ value: "x" }), 3, "x"), "a: x in all 3 runs");
});

test("groups show what can be told of many runs, and not again what they are grouped by", () => {
  const shown = column("state", "name", "progress", "setup", "field:neq.epsilon", "field:`a,b`", "field:epochs", "age");
  assert.deepEqual(shownFields(shown, "neq.epsilon"), ["epochs", "optimizer.kind", "model.kind", "data.kind", "`a,b`"]);
  assert.deepEqual(fieldsOf("a, `b,c` ,,"), ["a", "`b,c`"]);
  assert.equal(nameOf(["neq.epsilon"], ["0.1"]), "0.1");
  assert.equal(nameOf(["neq.epsilon", "state"], ["0.1", "failed"]), "neq.epsilon 0.1, state failed");
});

test("groups are asked for by their place, in the headers' order", () => {
  const asked = { state: "", search: "", where: "x = 1", by: "a,b", without: [], fields: ["c"] };
  const query = Object.fromEntries(groupsQuery(asked, sortOf([{ colId: "runs", sort: "desc" }]), 0, 100));
  assert.deepEqual(query, { by: "a,b", where: "x = 1", sort: "-runs", fields: "c", offset: "0", limit: "100" });
});

test("a group's runs are listed by what the table asks for and by its own filter", () => {
  const query = (text) => Object.fromEntries(new URLSearchParams(queryOfRuns(new URLSearchParams(text), { where: "a = 1" })));
  assert.deepEqual(query("by=a&sort=-runs&state=failed"), { state: "failed", where: "a = 1" });
  assert.deepEqual(query("by=a&where=x+%3D+1+or+y+%3D+2&cols=b"), { where: "(x = 1 or y = 2) and a = 1", cols: "b" });
});

test("a group is ticked with all its runs, and knows when some are", () => {
  ticks.begin(null);
  const group = { ids: ["a", "b"], names: ["run a", "run b"] };
  ticks.add([{ id: "a", name: "run a" }]);
  assert.equal(tickedOf(group), "some");
  toggle(group);
  assert.deepEqual(
    [tickedOf(group), [...ticks.names()]],
    [
      "all",
      [
        ["a", "run a"],
        ["b", "run b"],
      ],
    ],
  );
  toggle(group);
  assert.deepEqual([tickedOf(group), ticks.size()], ["none", 0]);
});
