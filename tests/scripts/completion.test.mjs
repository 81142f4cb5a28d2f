import assert from "node:assert/strict";
import { test } from "node:test";
import { optionsAt, partsAround, placeAt, taken, written } from "../../dashboard/scripts/run-data/completion.js";

const KNOWN = [
  { field: "state", kind: "choice", values: ["queued", "running"] },
  { field: "held", kind: "flag", values: ["true", "false"] },
  { field: "created", kind: "time", values: [] },
  { field: "name", kind: "text", values: [] },
  { field: "neq.epsilon", kind: "setting", values: [] },
  { field: "metric.val/loss", kind: "metric", values: [] },
];
/** What is offered at the end of a text. */
const offered = (text, frequent = []) => optionsAt(placeAt(text, text.length), KNOWN, frequent).map((option) => option.text);

test("where a cursor stands says what may come next", () => {
  const cases = [
    ["", "field", "", ""],
    ["ne", "field", "ne", ""],
    ["not (ne", "field", "ne", ""],
    ["neq.epsilon ", "operator", "", "neq.epsilon"],
    ["neq.epsilon <", "operator", "<", "neq.epsilon"],
    ["name = ", "value", "", "name"],
    ['name = "two wo', "value", '"two wo', "name"],
    ["name in ", "list", "", "name"],
    ["name in (a", "value", "a", "name"],
    ["name in (a ", "next", "", "name"],
    ["name in (a, b) ", "join", "", "name"],
    ["name = a an", "join", "an", "name"],
    ["name = a and ", "field", "", "name"],
    ["(name = a) ", "join", "", "name"],
    ["`my key`.x ", "operator", "", "`my key`.x"],
  ];
  for (const [text, expected, typed, field] of cases) {
    assert.deepEqual(placeAt(text, text.length), { expected, typed, field, start: text.length - typed.length }, text);
  }
});

test("the cursor may stand within the text", () => {
  assert.equal(placeAt("name = a and state = b", 3).typed, "nam");
});

test("fields, operators and values are offered as the place asks for them", () => {
  assert.deepEqual(
    offered("n"),
    ["name", "neq.epsilon", "not", "created", ...["", ".best", ".min", ".max"].map((each) => `metric.val/loss${each}`)].filter((each) =>
      each.includes("n"),
    ),
  );
  assert.deepEqual(offered("metric.val/loss."), [
    ...["metric.val/loss.best", "metric.val/loss.min", "metric.val/loss.max"],
    "metric.val/loss.at.0",
  ]);
  assert.deepEqual(offered("metric.val/loss.at"), ["metric.val/loss.at.0"]);
  assert.deepEqual(offered("state "), ["=", "!=", "in"]);
  assert.deepEqual(offered("state = r"), ["running"]);
  assert.deepEqual(offered("held = "), ["true", "false"]);
  assert.deepEqual(offered("created > "), ["1h", "24h", "7d", "30d"]);
  assert.deepEqual(
    offered("name = t", [
      { value: "two words", runs: 2 },
      { value: "other", runs: 1 },
    ]),
    ['"two words"', "other"],
  );
  assert.deepEqual(offered("name = a "), ["and", "or"]);
});

test("a value is quoted where the language would read it as something else", () => {
  assert.deepEqual(["a/b:c", "größe", "two words", 'a"b', "And", ""].map(written), [
    "a/b:c",
    "größe",
    '"two words"',
    '"a\\"b"',
    '"And"',
    '""',
  ]);
});

test("an option takes the place of what was typed, and the cursor goes on behind it", () => {
  const text = "st and name = a";
  assert.deepEqual(taken(text, 2, placeAt(text, 2), { text: "state" }), ["state and name = a", 6]);
  assert.deepEqual(taken("st", 2, placeAt("st", 2), { text: "state" }), ["state ", 6]);
  assert.deepEqual(taken("a in ", 5, placeAt("a in ", 5), { text: "(" }), ["a in (", 6]);
});

test("what is wrong is found by its code points, also behind its end", () => {
  assert.deepEqual(partsAround("😀 = runing", 4, 10), ["😀 = ", "runing", ""]);
  assert.deepEqual(partsAround("name =", 6, 6), ["name =", "", ""]);
  assert.deepEqual(partsAround("a", 9, 12), ["a", "", ""]);
});
