/** Runs side by side, without a page: what the address holds, lines, fronts, brushes, columns. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { flops, placeWords, unitOf } from "../../dashboard/scripts/compare-page/axis-units.js";
import { brushTexts, readBrushes } from "../../dashboard/scripts/compare-page/brush-address.js";
import { wholeOf } from "../../dashboard/scripts/compare-page/curve-chart.js";
import { linesOf } from "../../dashboard/scripts/compare-page/curve-lines.js";
import { brushed, ofFigure, ofSetting, resultsOf } from "../../dashboard/scripts/compare-page/dimensions.js";
import { figuresOf, firstTwo } from "../../dashboard/scripts/compare-page/figures-of-runs.js";
import { piles } from "../../dashboard/scripts/compare-page/freezes.js";
import { RunGroups } from "../../dashboard/scripts/compare-page/groups.js";
import { leftOut } from "../../dashboard/scripts/compare-page/left-out.js";
import { KEYS, lookQuery, readLook } from "../../dashboard/scripts/compare-page/look.js";
import { firstPictured, inkOf, settingsOf } from "../../dashboard/scripts/compare-page/members.js";
import { usualMetrics } from "../../dashboard/scripts/compare-page/metric-choice.js";
import { reachOf, ticksOf } from "../../dashboard/scripts/compare-page/parallel-plot.js";
import { front } from "../../dashboard/scripts/compare-page/pareto.js";
import { compareAddress, withoutCommonStart } from "../../dashboard/scripts/compare-page/picker.js";
import { againstWords, columnsOf, comparedSettings, telling } from "../../dashboard/scripts/compare-page/run-columns.js";
import { smoothed } from "../../dashboard/scripts/compare-page/smoothing.js";
import { distinctTitles } from "../../dashboard/scripts/run-data/settings.js";

/** A generator of numbers in 0–1, the same in each run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

// ------------------------------------------------------------ the address

test("a look comes back from its address whole, whatever its names", () => {
  const look = {
    axis: "flops",
    log: true,
    smooth: 0.6,
    group: "`my lr`",
    spread: "minmax",
    metrics: ["val/loss, mean", "a|b%", "π"],
    base: "abc",
    pictures: [],
    inks: { abc: "#00ff00", def: "#123456" },
    scatter: ["flops", "val/acc.best", "x"],
    parallel: true,
    brush: ["optimizer.kind:a%2Cb", "flops:1:2"],
    epoch: 0,
  };
  const said = Object.entries(lookQuery(look)).filter(([, value]) => value !== null);
  const query = Object.fromEntries(new URLSearchParams(new URLSearchParams(said).toString()));
  // No picture at all is said by a name that no run has.
  assert.deepEqual(readLook({ ...query, pictures: query.pictures ?? "" }), look);
  assert.deepEqual(
    Object.keys(query).filter((key) => !KEYS.includes(key)),
    [],
  );
});

test("an address that somebody wrote by hand does no harm", () => {
  const look = readLook({
    x: "__proto__",
    smooth: "7",
    inks: "a:red,b:zzzzzz,c:0a0b0c",
    metrics: "%E0%A4%A",
    pictures: "a,b,c,d,e,f,g,h",
    log: "yes",
  });
  assert.equal(look.axis, "epoch");
  assert.equal(look.smooth, 0);
  assert.deepEqual(look.inks, { c: "#0a0b0c" });
  assert.deepEqual(look.metrics, []);
  assert.equal(look.pictures.length, 6);
  assert.equal(look.log, false);
});

test("what an address asks for that no run has is left out, in words, and what it may ask for stays", () => {
  const known = {
    ids: ["a", "b"],
    missing: ["gone"],
    metrics: ["loss", "val/acc, mean"],
    figures: ["flops", "loss.last"],
    fields: ["neq.epsilon", "state"],
    newest: 4,
    live: false,
  };
  const good = {
    runs: "a,b",
    x: "flops",
    log: "1",
    smooth: "0.5",
    group: "neq.epsilon",
    spread: "minmax",
    metrics: "loss,val%2Facc%2C%20mean",
    base: "b",
    pictures: "",
    inks: "a:00ff00",
    scatter: "flops,loss.last,x",
    parallel: "1",
    brush: "x:1:2",
    epoch: "4",
    layer: "conv1",
  };
  assert.deepEqual(leftOut(good, known), { words: [], changes: {} });
  const said = (query, more = {}) => leftOut(query, { ...known, ...more });
  assert.deepEqual(said({ x: "bogus", epoch: "9999", smooth: "nan", odd: "1" }).changes, { x: null, epoch: null, smooth: null, odd: null });
  assert.deepEqual(said({ group: "nosuch" }).words, ["the grouping by “nosuch”, which none of these runs has"]);
  assert.deepEqual(said({ metrics: "nope,val%2Facc%2C%20mean" }), {
    words: ["the metric “nope”, which none of these runs has"],
    changes: { metrics: "val%2Facc%2C%20mean" },
  });
  assert.deepEqual(said({ base: "", inks: "a:00ff00,b:red", scatter: "flops,__proto__" }).changes, {
    base: null,
    inks: "a:00ff00",
    scatter: null,
  });
  assert.deepEqual(
    said({ base: "gone", pictures: "a,gone" }),
    { words: [], changes: { base: null, pictures: "a" } },
    "the page says who is gone",
  );
  assert.deepEqual(said({ metrics: "later", epoch: "9", scatter: "later.last,flops" }, { live: true }).words, [], "it may come");
});

test("axes of results are those that say most and differ, with accuracy the last of them", () => {
  const figure = (...values) => ({ name: "", values, words: String });
  const names = [
    "flops",
    "seconds",
    "epochs",
    "accuracy",
    "frozen_fraction.last",
    "train_loss.last",
    "test_loss.best",
    "test_accuracy.best",
  ];
  const figures = new Map([...names, "mine.last"].map((name) => [name, figure(1, 2)]));
  const keys = () => resultsOf(figures).map(({ key }) => key);
  assert.deepEqual(keys(), ["frozen_fraction.last", "seconds", "flops", "test_loss.best", "test_accuracy.best"]);
  figures.set("seconds", figure(3, 3));
  figures.set("best_accuracy", figure(1, 2));
  figures.set("epochs", figure(9, 9, null));
  figures.delete("test_loss.best");
  assert.deepEqual(keys(), ["mine.last", "train_loss.last", "frozen_fraction.last", "flops", "best_accuracy"]);
});

test("words at an axis have units, and none lies on another", () => {
  const near = ofFigure("flops", {
    name: "FLOPs",
    values: [11_327_400_000, 11_310_500_000, 9e9],
    words: (value) => `${value / 1e9} GFLOPs`,
  });
  assert.deepEqual(
    ticksOf(near).map(([, words]) => words),
    ["9 GFLOPs", "11.3105 GFLOPs"],
  );
});

test("neurons are shown at first of runs that have some, and the address forgets runs that are taken away", () => {
  const runs = [0, 3, 0, 1, 2, 0].map((epochs_done, at) => ({ id: `r${at}`, epochs_done }));
  assert.deepEqual(firstPictured({ runs }), ["r1", "r3", "r4", "r0"]);
  globalThis.location = { search: "?runs=a,b&base=a&pictures=a,b&inks=a:00ff00,b:123456&x=step&odd=1" };
  assert.equal(compareAddress(["b", "c"]), "/compare?runs=b,c&x=step&pictures=b&inks=b%3A123456");
  assert.equal(compareAddress([]), "/compare");
});

test("names to choose from begin where they differ, if they are long", () => {
  assert.deepEqual(withoutCommonStart(["sgd 1", "sgd 2"]), ["sgd 1", "sgd 2"]);
  const long = ["Fashion-MNIST · SGD · epsilon 0.01, adam", "Fashion-MNIST · SGD · epsilon 0.001, sgd"];
  assert.deepEqual(withoutCommonStart(long), ["… 0.01, adam", "… 0.001, sgd"]);
  assert.deepEqual(withoutCommonStart([`${long[0]}`, `${long[0]} again and again`]), ["… adam", "… adam again and again"]);
  assert.deepEqual(withoutCommonStart(["x".repeat(40), `y${"x".repeat(40)}`]), ["x".repeat(40), `y${"x".repeat(40)}`]);
});

test("what is brushed comes back from its text, kinds by their names", () => {
  const kind = ofSetting({ path: "k:d", values: ["sgd", "a,b", "sgd"], words: ["sgd", "a,b", "sgd"], differs: true }, "Kind");
  const rate = ofSetting({ path: "lr", values: [0.1, 0.01, 0.0001], words: [], differs: true }, "Rate");
  const loss = ofFigure("loss.last", { name: "Loss", values: [1, 0.123456789, 3] });
  const all = [kind, rate, loss];
  const ranges = { "k:d": [[-0.4, 0.4]], lr: [[Math.log10(0.01), Math.log10(0.1)]], "loss.last": [[0.123456789, 2]] };
  const texts = brushTexts(all, ranges);
  assert.deepEqual(texts, ["k%3Ad:a%2Cb", "lr:0.01:0.1", "loss.last:0.123456789:2"]);
  const read = readBrushes(texts, all);
  assert.deepEqual([brushed(all, read.ranges), read.unread], [brushed(all, ranges), []]);
  assert.deepEqual(brushed(all, read.ranges), [false, true, false]);
  const between = brushTexts(all, { "k:d": [[0.4, 0.6]] });
  assert.deepEqual(brushed(all, readBrushes(between, all).ranges), [false, false, false]);
  for (const odd of ["nosuch:1:2", "lr:1", "lr:a:b", "lr:-1:1", "loss.last:", "k%3Ad:none", "%E0%A4%A"]) {
    assert.deepEqual(readBrushes([odd], all), { ranges: {}, unread: [odd] }, odd);
  }
});

// ------------------------------------------------------------ lines

const look = (changes = {}) => ({ ...readLook({}), ...changes });
const drawing = (changes = {}, less = true) => ({
  look: look(changes),
  unit: { factor: 1, title: "Epoch" },
  less,
  member: (id) => ({ name: id.toUpperCase(), ink: inkOf(0), forked: id === "b" ? 1 : null, dim: false }),
  inkOf,
  placeOf: () => 0,
  groupName: (value) => `lr = ${value}`,
  words: (value) => String(value),
});
const chart = {
  metric: "loss",
  axis: "epoch",
  curves: [
    { run: "a", x: [0, 1, 2], y: [3, null, 1], thinned: false, unplaced: 0 },
    { run: "b", x: [0, 1, 2], y: [4, 2, -1], thinned: true, unplaced: 2 },
  ],
  bands: [
    { value: "0.1", runs: ["a", "b"], left_out: [], x: [0, 1, 2], mean: [3.5, 2, 0], low: [3, 2, -1], high: [4, 2, 1], count: [2, 1, 2] },
  ],
};

test("a run is a line with its best value and where it was forked", () => {
  const { lines, note } = linesOf(chart, drawing());
  assert.deepEqual(
    lines.map(({ key, name, y }) => [key, name, y]),
    [
      ["a", "A", [3, null, 1]],
      ["b", "B", [4, 2, -1]],
    ],
  );
  assert.deepEqual(lines[0].marks, [{ kind: "best", x: 2, y: 1 }]);
  assert.deepEqual(lines[1].marks, [
    { kind: "best", x: 2, y: -1 },
    { kind: "fork", x: 1, y: 2 },
  ]);
  const neutral = linesOf(chart, drawing({}, null)).lines;
  assert.deepEqual(
    neutral.map(({ marks }) => marks.map(({ kind }) => kind)),
    [[], ["fork"]],
    "of a learning rate none is best",
  );
  assert.equal(note, "Points: 1 not finite; 2 without a place on this axis; thinned to the screen's pixels, extremes kept.");
});

test("a smoothed line has its raw one behind it, which is not told", () => {
  const { lines } = linesOf(chart, drawing({ smooth: 0.5 }));
  assert.deepEqual(
    lines.map(({ silent = false }) => silent),
    [true, false, true, false],
  );
  assert.deepEqual(lines[0].y, [3, null, 1]);
  assert.ok(Math.abs(lines[1].y[2] - (0.5 * 0.5 * 3 + 0.5 * 1) / 0.75) < 1e-12);
  assert.equal(lines[1].words(lines[1].y[2], 2), `${lines[1].y[2]} (raw 1)`);
});

test("runs of a group are their mean with a band, in words with how many they are", () => {
  const { lines } = linesOf(chart, drawing({ group: "lr" }));
  assert.equal(lines.length, 1);
  assert.deepEqual(lines[0].spread[0], { low: 3, high: 4 });
  assert.equal(lines[0].words(2, 1), "2 (n = 1 of 2)");
  assert.equal(lines[0].words(3.5, 0), "3.5 ± 0.5 (n = 2 of 2)");
  assert.equal(linesOf(chart, drawing({ group: "lr", spread: "minmax" })).lines[0].words(3.5, 0), "3.5 (3 to 4, n = 2 of 2)");
});

test("runs that others of a group continue are said to be left out", () => {
  const note = (...left) =>
    linesOf({ ...chart, curves: [], bands: left.map((ids) => ({ ...chart.bands[0], left_out: ids })) }, drawing({ group: "lr" })).note;
  assert.equal(note(["c"], []), "1 continued run is left out of means.");
  assert.equal(note(["c"], ["d"]), "2 continued runs are left out of means.");
  assert.equal(note([]), "");
});

test("groups have their places by their labels, and keep them when another comes", () => {
  const groups = new RunGroups();
  groups.follow("lr", [
    { value: null, runs: ["c"] },
    { value: "0.01", runs: ["b"] },
    { value: "1e-05", runs: ["a", "d"] },
  ]);
  assert.deepEqual(
    groups.all.map(({ value }) => value),
    ["1e-05", "0.01", null],
  );
  assert.deepEqual(
    ["a", "d", "b", "c", "x"].map((id) => groups.inkOfRun(id)),
    [inkOf(0), inkOf(0), inkOf(1), inkOf(2), null],
  );
  groups.follow("lr", [
    { value: "0.0001", runs: ["e"] },
    { value: "0.01", runs: ["b"] },
  ]);
  assert.deepEqual([groups.inkOfRun("b"), groups.inkOfRun("e"), groups.inkOfRun("a")], [inkOf(1), inkOf(3), null]);
  groups.follow("kind", [
    { value: "sgd", runs: ["a"] },
    { value: "adam", runs: ["b"] },
  ]);
  assert.deepEqual([groups.placeOf("adam"), groups.placeOf("sgd"), groups.inkOfRun("a")], [0, 1, inkOf(1)]);
  groups.follow("", []);
  assert.equal(groups.inkOfRun("a"), null, "by itself");
  const drawn = linesOf({ ...chart, bands: [{ ...chart.bands[0], value: "1" }] }, { ...drawing({ group: "lr" }), placeOf: () => 2 });
  assert.equal(drawn.lines[0].key, "group 2");
  assert.equal(drawn.lines[0].colour, inkOf(2).colour);
});

test("a logarithmic axis leaves out what is not above zero, and says so", () => {
  const { lines, note } = linesOf(chart, drawing({ log: true }));
  assert.deepEqual(lines[1].y, [4, 2, null]);
  assert.match(note, /1 not above zero/);
  assert.deepEqual(linesOf(chart, drawing({ log: true, group: "lr" })).lines[0].spread[2], null);
});

test("numbers too large for any axis are left out, and said", () => {
  const odd = { ...chart, curves: [{ ...chart.curves[0], y: [1e300, -1e308, 2] }] };
  const { lines, note } = linesOf(odd, drawing());
  assert.deepEqual(lines[0].y, [null, null, 2]);
  assert.equal(note, "Points: 2 too large to draw.");
});

test("the average begins without a bias to zero and passes over what is missing", () => {
  assert.deepEqual(smoothed([2, 4], 0), [2, 4]);
  assert.deepEqual(smoothed([5, null, 5, 5], 0.9), [5, null, 5, 5]);
  const next = random(3);
  const values = Array.from({ length: 50 }, next);
  const weights = (at) => values.slice(0, at + 1).map((_, place) => 0.7 ** (at - place));
  const plain = values.map(
    (_, at) => weights(at).reduce((sum, weight, place) => sum + weight * values[place], 0) / weights(at).reduce((a, b) => a + b, 0),
  );
  for (const [at, value] of smoothed(values, 0.7).entries()) assert.ok(Math.abs(value - plain[at]) < 1e-12);
});

test("an axis has a unit in which its numbers are short", () => {
  assert.deepEqual(unitOf("seconds", 7200), { factor: 3600, title: "Training time (h)" });
  assert.deepEqual(unitOf("seconds", 0.4), { factor: 1, title: "Training time (s)" });
  assert.deepEqual(unitOf("flops", 3e12), { factor: 1e12, title: "TFLOPs: forward, dX and dW" });
  assert.deepEqual(unitOf("samples", 50_000), { factor: 1000, title: "Training samples (k samples)" });
  assert.deepEqual(unitOf("epoch", 300), { factor: 1, title: "Epoch" });
  assert.equal(placeWords("seconds", 90), "training time 1 min 30 s");
  assert.equal(placeWords("step", 12_000), "step 12,000");
  assert.equal(flops(3.21e12), "3.21 TFLOPs");
  assert.deepEqual(wholeOf([{ x: [] }], "epoch"), null);
  assert.deepEqual(wholeOf([{ x: [0, 299] }, { x: [] }], "epoch"), [-0.5, 299.5]);
  assert.deepEqual(wholeOf([{ x: [10, 110] }], "seconds"), [-2.2, 112.2]);
});

// ------------------------------------------------------------ figures

/** By the definition: no other is at least as good in both and better in one. */
const byDefinition = (points, less) => {
  const worth = ({ x, y }) => [less.x ? -x : x, less.y ? -y : y];
  const beats = (a, b) => {
    const [[ax, ay], [bx, by]] = [worth(a), worth(b)];
    return ax >= bx && ay >= by && (ax > bx || ay > by);
  };
  return points.filter((point) => !points.some((other) => beats(other, point)));
};

test("a front by hand, and by its definition for many", () => {
  const points = [
    { x: 1, y: 1 },
    { x: 2, y: 3 },
    { x: 2, y: 3 },
    { x: 3, y: 2 },
    { x: 4, y: 4 },
  ];
  assert.deepEqual(front(points, { x: true, y: false }), [points[0], points[1], points[2], points[4]]);
  assert.deepEqual(front([], { x: true, y: true }), []);
  const next = random(1);
  for (let round = 0; round < 400; round += 1) {
    const many = Array.from({ length: 1 + Math.floor(next() * 12) }, () => ({ x: Math.floor(next() * 5), y: Math.floor(next() * 5) }));
    const less = { x: next() < 0.5, y: next() < 0.5 };
    assert.deepEqual(new Set(front(many, less)), new Set(byDefinition(many, less)), JSON.stringify([many, less]));
  }
});

const metric = (name, last, less = false) => ({ name, smaller_is_better: less, last, least: last, greatest: last });
const comparison = {
  runs: [{ epochs_done: 3 }, { epochs_done: 5 }],
  metrics: [
    metric("dead", [1, 2]),
    metric("test_accuracy", [0.9, 0.8]),
    metric("val/loss", [null, 2], true),
    metric("nothing", [null, null]),
  ],
  totals: { flops: [1e12, null], seconds: [null, null] },
};

test("an accuracy that scripts log under names of their own is a figure of all runs", () => {
  const timing = { elapsed_seconds: null, seconds_left: null };
  const launched = { timing, epochs_done: 3, test_accuracy: 0.9, best_test_accuracy: 0.95, logged_accuracy: null };
  const external = {
    timing,
    epochs_done: 3,
    test_accuracy: null,
    best_test_accuracy: null,
    logged_accuracy: { name: "acc", last: 0.7, max: 0.8 },
  };
  const figures = figuresOf({ ...comparison, runs: [launched, external] });
  assert.deepEqual(figures.get("accuracy").values, [0.9, 0.7]);
  assert.deepEqual(figures.get("best_accuracy").values, [0.95, 0.8]);
  assert.deepEqual(firstTwo(figures), ["flops", "best_accuracy"]);
  const columns = columnsOf(
    [launched, external].map((record, place) => ({ record, place })),
    { ...comparison, runs: [launched, external], epoch_seconds: [null, null] },
    [],
    new Map(),
  );
  const words = (name) => columns.find((column) => column.name === name).words;
  const heads = (metrics) =>
    columnsOf(
      [launched, external].map((record, place) => ({ record, place })),
      { ...comparison, metrics, runs: [launched, external], epoch_seconds: [null, null] },
      [],
      new Map(),
    ).map(({ name }) => name);
  assert.ok(!heads([metric("test_accuracy", [0.9, null])]).includes("Test accuracy"), "it says what Accuracy says");
  assert.ok(heads([metric("test_accuracy", [0.9, 0.6])]).includes("Test accuracy"), "it says something else of one");
  assert.deepEqual(
    [words("Accuracy"), words("Best")],
    [
      ["90.0 %", "70.0 %"],
      ["95.0 %", "80.0 %"],
    ],
  );
});

test("figures are those that some run has, the better direction by name", () => {
  const figures = figuresOf(comparison);
  assert.deepEqual(
    [...figures.keys()],
    ["flops", "epochs", "dead.last", "dead.best", "test_accuracy.last", "test_accuracy.best", "val/loss.last", "val/loss.best"],
  );
  assert.equal(figures.get("val/loss.best").name, "val/loss, least");
  assert.equal(figures.get("test_accuracy.best").words(0.9), "90.0 %");
  assert.deepEqual(firstTwo(figures), ["flops", "test_accuracy.best"]);
  assert.deepEqual(firstTwo(figuresOf({ runs: [], metrics: [], totals: {} })), ["epochs", "epochs"]);
});

test("an epoch's own figures come first, then what most runs logged", () => {
  const many = [
    metric("rare", [1, null, null]),
    metric("common", [1, 2, 3]),
    metric("train_loss", [1, 2, 3], true),
    metric("test_accuracy", [1, 1, 1]),
  ];
  assert.deepEqual(usualMetrics(many), ["test_accuracy", "train_loss", "common", "rare"]);
});

// ------------------------------------------------------------ brushes

test("a brush keeps the runs that lie within it on every axis; a run without a value lies nowhere", () => {
  const kind = ofSetting({ path: "optimizer.kind", values: ["sgd", "adam", "sgd"], words: ["sgd", "adam", "sgd"], differs: true }, "Kind");
  const rate = ofSetting({ path: "lr", values: [0.1, 0.01, 0.0001], words: [], differs: true }, "Rate");
  const some = ofSetting({ path: "epsilon", values: [0.1, undefined, 0.3], words: ["0.1", "–", "0.3"], differs: true }, "ε");
  assert.deepEqual([some.kinds, some.places], [null, [0.1, null, 0.3]], "a run without it passes below the axis");
  const named = ofSetting({ path: "recipe", values: ["", "x", null], words: ["", "x", "–"], differs: true }, "Recipe");
  assert.deepEqual(
    [named.kinds, named.places],
    [
      ["(empty)", "x"],
      [0, 1, null],
    ],
  );
  const loss = ofFigure("loss.last", { name: "Loss", values: [1, null, 3] });
  assert.deepEqual(kind.kinds, ["adam", "sgd"]);
  assert.ok(rate.log && Math.abs(rate.places[0] + 1) < 1e-12);
  const all = [kind, rate, loss];
  assert.equal(brushed(all, {}), null);
  assert.deepEqual(brushed(all, { "optimizer.kind": [[0.5, 1.5]] }), [true, false, true]);
  assert.deepEqual(brushed(all, { "optimizer.kind": [[0.5, 1.5]], lr: [[-1.5, 0]] }), [true, false, false]);
  assert.deepEqual(brushed(all, { "loss.last": [[0, 9]] }), [true, false, true]);
  assert.deepEqual(reachOf(kind), [-0.5, 1.5]);
  assert.deepEqual(ticksOf(kind), [
    [0, "adam"],
    [1, "sgd"],
  ]);
  const many = ofFigure("x", { name: "x", values: Array.from({ length: 11 }, (_, at) => at * 10) });
  assert.deepEqual(
    ticksOf(many).map(([place]) => place),
    [0, 50, 100],
  );
});

// ------------------------------------------------------------ the table of runs

test("settings of one name are told apart by their group, wherever they are named", () => {
  const titles = { data: "Data", optimizer: "Optimizer", "data.kind": "Kind", "optimizer.kind": "Kind", "optimizer.lr": "Learning rate" };
  const paths = ["data.kind", "optimizer.kind", "optimizer.lr", "a.FLOPs", "b.FLOPs", "seed"];
  assert.deepEqual(
    [...distinctTitles(paths, titles).values()],
    ["Data: kind", "Optimizer: kind", "Learning rate", "a: FLOPs", "b: FLOPs", "seed"],
  );
});

test("of settings that part the runs alike one tells, few values first and the seed last", () => {
  const run = (kind, rate, epsilon, seed) => ({
    name: `${kind} ${seed}`,
    optimizer: { betas: kind === "adam" ? 0.9 : undefined, kind, rate },
    neq: { epsilon },
    training: { seed },
    data: "same",
  });
  const configs = [run("sgd", 0.1, 1, 0), run("sgd", 0.1, 2, 1), run("adam", 0.001, 1, 0), run("adam", 0.001, 3, 1)];
  const all = comparedSettings(configs);
  assert.ok(!all.some(({ path }) => path === "name"));
  assert.deepEqual(
    telling(all).map(({ path }) => path),
    ["optimizer.kind", "neq.epsilon", "training.seed"],
  );
});

test("a run is held against the baseline in the words of its figure", () => {
  const column = (against, ...values) => ({ against, values });
  assert.equal(againstWords(column("points", 0.9, 0.912), 1, 0), "+1.2 pp");
  assert.equal(againstWords(column("points", 0.9, 0.888), 1, 0), "−1.2 pp");
  assert.equal(againstWords(column("factor", 200, 126), 1, 0), "×0.63");
  assert.equal(againstWords(column("factor", 0, 126), 1, 0), "");
  assert.equal(againstWords(column("difference", 0.5, 0.25), 1, 0), "−0.250");
  assert.equal(againstWords(column("difference", 0.5, null), 1, 0), "");
  assert.equal(againstWords(column(null, "a", "b"), 1, 0), "");
});

test("fifty runs look different from each other", () => {
  const looks = new Set(Array.from({ length: 50 }, (_, place) => JSON.stringify(inkOf(place))));
  assert.equal(looks.size, 50);
});

test("the first five runs differ in their dash alone, and so do the next five", () => {
  const dashes = Array.from({ length: 10 }, (_, place) => inkOf(place).dash);
  assert.equal(new Set(dashes.slice(0, 5)).size, 5);
  assert.equal(new Set(dashes.slice(5)).size, 5);
});

test("of more than ten runs the lines are thin, but for the baseline's", () => {
  const of = (count) => ({
    ...chart,
    bands: [],
    curves: Array.from({ length: count }, (_, at) => ({ run: `r${at}`, x: [0, 1], y: [1, 2], thinned: false, unplaced: 0 })),
  });
  const widths = (count) => linesOf(of(count), drawing({ base: "r0" })).lines.map(({ width }) => width);
  assert.deepEqual(widths(3), [3.2, 2, 2]);
  assert.deepEqual(new Set(widths(10).slice(1)), new Set([2]));
  assert.deepEqual(new Set(widths(11).slice(1)), new Set([1]));
});

test("neurons with the same two first freezes are one pile", () => {
  const found = piles({ a: [1, 1, null, 2], b: [3, 3, 4, null] });
  assert.deepEqual(found, [
    { x: 1, y: 3, neurons: 2 },
    { x: null, y: 4, neurons: 1 },
    { x: 2, y: null, neurons: 1 },
  ]);
});

test("configurations that were told once are whole again, each with its own parts", () => {
  const parts = { data: [{ kind: "cifar10" }], training: [{ seed: 0 }, { seed: 1 }], tags: [null] };
  const runs = [{ data: 0, training: 1 }, { training: 0, tags: 0 }, {}];
  assert.deepEqual(settingsOf({ parts, runs }), [
    { data: { kind: "cifar10" }, training: { seed: 1 } },
    { training: { seed: 0 }, tags: null },
    {},
  ]);
});
