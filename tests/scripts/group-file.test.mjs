import assert from "node:assert/strict";
import { test } from "node:test";
import { controllable, controlsAddress, countWords } from "../../dashboard/scripts/runs-page/bulk-controls.js";
import { groupTable } from "../../dashboard/scripts/runs-page/group-file.js";
import { leftOutWords, rowOf, sizeTitle, sizeWords, withControl } from "../../dashboard/scripts/runs-page/groups.js";
import { controlsWords } from "../../dashboard/scripts/ui/controls-dialog.js";
import { csvTable, latexTable } from "../../dashboard/scripts/ui/table-files.js";

const cell = (more) => ({ known: 3, distinct: 3, mean: null, std: null, value: null, ...more });
const states = { finished: 2, failed: 1, queued: 0 };
const GROUPS = [
  {
    values: [0.01, "a_b"],
    control: null,
    runs: 3,
    left_out: 0,
    states,
    cells: [cell({ mean: 0.9, std: 0.01 }), cell({ mean: 5, std: 0, value: 5, distinct: 1 }), cell({ distinct: 2 })],
  },
  {
    values: [null, "c"],
    control: null,
    runs: 1,
    left_out: 0,
    states: { running: 1 },
    cells: [cell({ known: 1, distinct: 1, mean: 0.5, value: 0.5 }), cell({ known: 0, distinct: 0 }), cell({ value: "sgd" })],
  },
];
const TABLE = groupTable(["neq.epsilon", "tag"], ["accuracy", "training.epochs", "optimizer.kind"], GROUPS);

test("groups are saved with mean, deviation and number of what scatters, and with what their runs have in common", () => {
  assert.deepEqual(csvTable(TABLE).split("\r\n"), [
    "neq.epsilon,tag,runs,states,accuracy mean,accuracy std,accuracy n,training.epochs,optimizer.kind",
    '0.01,a_b,3,"1 failed, 2 finished",0.9,0.01,3,5,2 values',
    ",c,1,1 running,0.5,,1,,sgd",
    "",
  ]);
});

test("controls and what was left out have columns where there are some", () => {
  const [first, second] = GROUPS;
  const table = groupTable(
    ["neq.epsilon", "tag"],
    [],
    [
      { ...first, left_out: 2 },
      { ...second, control: "dense" },
    ],
  );
  assert.deepEqual(csvTable(table).split("\r\n").slice(0, 3), [
    'neq.epsilon,tag,control,runs,"continued, left out",states',
    '0.01,a_b,,3,2,"1 failed, 2 finished"',
    ",c,dense,1,0,1 running",
  ]);
  assert.equal(sizeWords({ ...first, left_out: 2 }), "3 of 5");
  assert.equal(sizeTitle({ ...first, left_out: 2 }), "3 runs · 2 continued are left out");
  assert.equal(sizeTitle({ ...second, left_out: 1 }), "1 run · 1 continued is left out");
  assert.equal(sizeTitle(second), "1 run");
  assert.equal(leftOutWords(second), "");
  assert.equal(withControl("adam", { ...second, control: "dense" }), "adam · control: dense");
  assert.notEqual(rowOf(second).id, rowOf({ ...second, control: "dense" }).id);
});

test("in LaTeX they stand as mean ± deviation, one run alone without", () => {
  const lines = latexTable(TABLE).split("\n");
  assert.ok(lines.includes("  0.01 & a\\_b & $3$ & 1 failed, 2 finished & $0.900 \\pm 0.010$ & 5 & 2 values \\\\"), lines.join("\n"));
  assert.ok(lines.includes("  -- & c & $1$ & 1 running & $0.5$ & -- & sgd \\\\"), lines.join("\n"));
});

test("controls are counted for the runs that can have some", () => {
  const run = (source, ...tags) => ({ source, tags });
  const launched = run("launched", "mine");
  assert.deepEqual(controllable([launched, run("external"), run("launched", "control:abc")]), [launched]);
  assert.equal(countWords(5, 3, 0), "Up to 15 runs will be queued: 5 controls for each of 3 runs.");
  assert.match(countWords(1, 1, 2), /^Up to 1 run will be queued: 1 control for one run\. 2 selected runs can have none/);
});

test("what was launched is listed by its ids, of very many by what marks controls", () => {
  assert.equal(controlsAddress(["a", "b"]), "/?where=id+in+%28a%2Cb%29");
  assert.equal(controlsAddress(Array.from({ length: 200 }, String)), "/?where=tag+%7E+%22control%3A%22");
});

test("what was left out is said by the names of runs, the first of many", () => {
  const left = ["a", "b", "c", "d"].map((run) => ({ run, control: "replay", message: "It trains." }));
  const named = controlsWords({ runs: [{}], left_out: left }, (id) => `run ${id}`);
  assert.equal(
    named,
    "1 control was launched. “run a”, Replayed masks: It trains. “run b”, Replayed masks: It trains. “run c”, Replayed masks: It trains. And 1 other.",
  );
  assert.equal(controlsWords({ runs: [], left_out: left.slice(0, 1) }), "Replayed masks: It trains.");
});
