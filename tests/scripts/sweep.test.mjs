/* What the form's inputs say where fields have several values. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runsOf, several, sweepOf } from "../../dashboard/scripts/form-page/sweep.js";

const field = (name, widget, more = {}) => ({
  is: "field",
  name,
  field: name,
  path: name,
  title: name,
  widget,
  nullable: false,
  options: {},
  ...more,
});

const rate = (kind) => ({ ...field("learning_rate", "number"), field: "optimizer.learning_rate", path: `optimizer.${kind}.learning_rate` });
const optimizer = {
  is: "choice",
  name: "optimizer",
  field: "optimizer",
  path: "optimizer.kind",
  title: "Optimizer",
  discriminator: "kind",
  variants: [
    { key: "sgd", title: "SGD", path: "optimizer.sgd", parts: [rate("sgd")] },
    { key: "adam", title: "Adam", path: "optimizer.adam", parts: [rate("adam")] },
  ],
};
const PLAN = [
  field("name", "text"),
  { is: "group", name: "neq", field: "neq", parts: [{ ...field("epsilon", "number"), field: "neq.epsilon", path: "neq.epsilon" }] },
  optimizer,
];
const VALUES = {
  name: "a, b | c",
  "neq.epsilon": "0.001",
  "optimizer.kind": "sgd",
  "optimizer.sgd.learning_rate": "0.1",
  "optimizer.adam.learning_rate": "0.001",
};

for (const [widget, text, found] of [
  ["number", "1e-4, 1e-3,0.5", ["1e-4", "1e-3", "0.5"]],
  ["number", "0,05", ["0,05"]], // may be a decimal comma: the server says how to write it
  ["number", "0, 05", ["0", "05"]],
  ["number", "1,", ["1,"]],
  ["integer", "0..4", ["0", "1", "2", "3", "4"]],
  ["integer", "7, 1..2", ["7", "1", "2"]],
  ["number", "0..2, 0.5", ["0", "1", "2", "0.5"]],
  ["integer", "4..0", ["4..0"]],
  ["integer", "0..100000", ["0..100000"]],
  ["integer", "1,000", ["1,000"]],
  ["integer", "", [""]],
  ["integers", "10, 20 | 30", ["10, 20", "30"]],
  ["integers", "10, 20", ["10, 20"]],
  ["text", "resnet18 | resnet34", ["resnet18", "resnet34"]],
  ["text", "a, b", ["a, b"]],
  ["lines", "a | b", ["a | b"]],
  ["switch", [true, false], [true, false]],
  ["switch", true, [true]],
  ["words", ["a", "b"], [["a", "b"]]],
])
  test(`${widget} ${JSON.stringify(text)}`, () => assert.deepEqual(several(field("x", widget), text), found));

test("one value each is one run, whatever its name holds", () => {
  const { base, grid } = sweepOf(PLAN, VALUES);
  assert.deepEqual(grid, {});
  assert.deepEqual(base, { name: "a, b | c", neq: { epsilon: 0.001 }, optimizer: { kind: "sgd", learning_rate: 0.1 } });
});

test("values of the chosen kind are a grid, those of another are none", () => {
  const { base, grid } = sweepOf(PLAN, {
    ...VALUES,
    "neq.epsilon": "1e-4, 1e-3",
    "optimizer.sgd.learning_rate": "0.1, 0.2",
    "optimizer.adam.learning_rate": "1, 2",
  });
  assert.deepEqual(grid, { "neq.epsilon": [1e-4, 1e-3], "optimizer.learning_rate": [0.1, 0.2] });
  assert.deepEqual(base.optimizer, { kind: "sgd", learning_rate: 0.1 });
  assert.equal(runsOf(grid, 3), 12);
});

test("several kinds bring their own fields' values", () => {
  const { base, grid } = sweepOf(PLAN, { ...VALUES, "optimizer.kind": ["sgd", "adam"], "optimizer.sgd.learning_rate": "0.1, 0.2" });
  assert.deepEqual(grid, {
    optimizer: [
      { kind: "sgd", learning_rate: 0.1 },
      { kind: "sgd", learning_rate: 0.2 },
      { kind: "adam", learning_rate: 0.001 },
    ],
  });
  assert.equal(base.optimizer.kind, "sgd");
});

test("what cannot be read is sent as it stands, for the server to say so", () => {
  assert.deepEqual(sweepOf(PLAN, { ...VALUES, "neq.epsilon": "1e-4, x" }).grid, { "neq.epsilon": [1e-4, "x"] });
});
