import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { withDensity } from "../../dashboard/scripts/plot/figure-files.js";
import { linesTable, longTable, matrixTable, seen } from "../../dashboard/scripts/plot/figure-tables.js";
import { sheetOf } from "../../dashboard/scripts/plot/paper.js";
import { rareOf, rareWords, strips, stripWords } from "../../dashboard/scripts/plot/rare-marks.js";
import { lastChoice } from "../../dashboard/scripts/plot/save-dialog.js";
import { savedFigure } from "../../dashboard/scripts/plot/saved-figure.js";
import { groundShapes, lineTraces } from "../../dashboard/scripts/plot/saved-lines.js";
import { flow, spanWords, textRows } from "../../dashboard/scripts/plot/saved-text.js";
import { LayerTables } from "../../dashboard/scripts/run-data/layer-tables.js";
import { csvPieces } from "../../dashboard/scripts/ui/csv.js";
import { fileName } from "../../dashboard/scripts/ui/files.js";

const measure = (text, size) => text.length * size * 0.5;
const INKS = { text: "#000", muted: "#555", ground: "#fff" };
const LAYOUT = { margin: { l: 40, r: 12, t: 6, b: 34 }, xaxis: {}, yaxis: {}, shapes: [], annotations: [] };
const drawn = (more) => ({
  layout: LAYOUT,
  traces: [],
  ratio: 0.5,
  title: "Loss",
  details: ["a run"],
  keys: [],
  scale: null,
  inks: INKS,
  ...more,
});

/** Where an annotation or shape lies, in pixels of the file. */
function pixels({ layout: { width, height, margin } }, { x, y }) {
  const [w, h] = [width - margin.l - margin.r, height - margin.t - margin.b];
  return [margin.l + x * w, margin.t + (1 - y) * h];
}

test("papers' columns have their width in millimetres, 8 points and 300 dots an inch", () => {
  assert.deepEqual(sheetOf("column", 900), { width: 321, font: 8 * (96 / 72), dpi: 300, paper: true }); // 85 / 25.4 · 96
  assert.equal(sheetOf("page", 900).width, 673);
  assert.deepEqual(sheetOf("screen", 900), { width: 900, font: 12, dpi: 192, paper: false });
});

test("texts are broken into rows between their parts, and what is too long for one loses its end", () => {
  const width = (text) => text.length;
  assert.deepEqual(textRows(["one", "two", "three"], " · ", 9, width), ["one · two", "three"]);
  assert.deepEqual(textRows(["a-very-long-name"], " ", 6, width), ["a-ver…"]);
  assert.deepEqual(
    flow([3, 3, 3], 7, (each) => each, 1),
    [[3, 3], [3]],
  );
  assert.equal(spanWords("epoch", 0, 24), "epochs 0–24");
  assert.equal(spanWords("epoch", 3, 3), "epoch 3");
  assert.equal(spanWords("epoch", Infinity, -Infinity), undefined);
});

test("a saved figure has its title above the plot, its keys in rows below, and all of it within the sheet", () => {
  const keys = Array.from({ length: 9 }, (_, place) => ({
    name: `run number ${place}`,
    colour: "#123456",
    dash: place % 2 ? "dot" : undefined,
  }));
  keys[8].name = `run ${"long ".repeat(30)}`;
  const sheet = sheetOf("column", 900);
  const figure = savedFigure(drawn({ title: "Loss <b>&", keys }), sheet, measure);
  const { annotations, shapes, width, height, margin, paper_bgcolor: ground } = figure.layout;
  assert.deepEqual([width, ground, annotations[0].text], [321, "#fff", "Loss &lt;b&gt;&amp;"]);
  assert.equal(annotations.length, 1 + 1 + 9);
  assert.equal(shapes.length, 9);
  const rows = new Set();
  for (const each of annotations) {
    const [x, y] = pixels(figure, each);
    assert.ok(x >= 0 && x + measure(each.text, each.font.size) <= width && y > 0 && y < height, each.text);
    if (each.text.startsWith("run")) rows.add(Math.round(y));
    assert.ok(each.text.startsWith("run") ? y > height - margin.b : y < margin.t);
  }
  assert.ok(rows.size > 1);
  assert.equal(Math.round(height - margin.t - margin.b), Math.max(110, Math.round((321 - 52) * 0.5)));
});

test("a scale's ticks and its ε stand where their values lie on the bar, and its colours leave no gap", () => {
  const scale = {
    name: "|v|",
    colours: ["#000", "#555", "#fff"],
    none: { name: "none", colour: "#eee" },
    ticks: [
      [0, "0"],
      [1, "1"],
    ],
    marks: [[0.5, "ε"]],
  };
  const figure = savedFigure(drawn({ scale }), sheetOf("page", 900), measure);
  const { annotations, shapes } = figure.layout;
  const at = (text) =>
    pixels(
      figure,
      annotations.find((each) => each.text === text),
    );
  assert.ok(Math.abs(at("ε")[0] - (at("0")[0] + at("1")[0]) / 2) < 1e-6);
  assert.ok(at("ε")[1] < at("0")[1]);
  const colours = shapes.filter(({ fillcolor }) => scale.colours.includes(fillcolor));
  assert.equal(new Set(colours.map(({ x1 }) => x1.toFixed(6))).size, 1);
  assert.ok(colours.every(({ x0 }, place) => !place || x0 > colours[place - 1].x0));
});

test("rows with names have room for each name on paper, where the picture is narrow", () => {
  const sheet = sheetOf("column", 900);
  const { layout } = savedFigure(drawn({ ratio: 0.3, rows: 40 }), sheet, measure);
  assert.ok(layout.height - layout.margin.t - layout.margin.b >= 40 * sheet.font);
  const screen = savedFigure(drawn({ ratio: 0.3, rows: 40 }), sheetOf("screen", 900), measure).layout;
  assert.equal(Math.round(screen.height - screen.margin.t - screen.margin.b), Math.round((900 - 52) * 0.3));
});

test("lines become traces with their gaps, dots, steps, bands and ranges", () => {
  const line = { name: "a <b>", x: [0, 1, 2, 3], y: [1, null, 3, 4], colour: "#111" };
  const [plain] = lineTraces([line]);
  assert.deepEqual([plain.name, plain.y, plain.mode, plain.connectgaps], ["a &lt;b>", [1, null, 3, 4], "lines+markers", false]);
  assert.deepEqual(plain.marker.size, [5, 0, 0, 0]); // the first stands alone
  const [step] = lineTraces([{ ...line, step: true }]);
  assert.deepEqual(step.x, [-0.5, 0.5, null, 1.5, 2.5, 2.5, 3.5]);
  assert.deepEqual(step.y, [1, 1, null, 3, 3, 4, 4]);
  const [band] = lineTraces([{ ...line, x: [0, 1], y: [2, 3], below: [0, 1] }]);
  assert.deepEqual([band.x, band.y, band.fill], [[0, 1, 1, 0], [2, 3, 1, 0], "toself"]);
  const reach = { low: 1, high: 5 };
  const [range] = lineTraces([{ ...line, spread: [reach, reach, null, reach] }]);
  assert.deepEqual(range.x, [0, 1, 1, 0, null, 2.5, 3.5, 3.5, 2.5, null]);
  assert.deepEqual(range.y, [5, 5, 1, 1, null, 5, 5, 1, 1, null]);
  assert.deepEqual(groundShapes([{ x: [0, 2], y: null, colour: "#222" }])[0], {
    ...{ type: "rect", layer: "below", fillcolor: "#222", line: { width: 0 } },
    ...{ xref: "x", x0: 0, x1: 2, yref: "paper", y0: 0, y1: 1 },
  });
});

test("the data of lines stand side by side by their places, within what is seen", () => {
  const lines = [
    { name: "train", x: [0, 1, 2, 9], y: [0.5, 0.6, null, 0.9] },
    { name: "test", x: [1, 2], y: [7, 8], raw: [0.1, 0.2], spread: [{ low: 0, high: 1 }, null] },
  ];
  const { header, rows } = linesTable(lines, { across: "epoch", range: [-0.5, 3.5], of: "Accuracy", unit: "fraction" });
  assert.deepEqual(header, [
    "epoch",
    "Accuracy: train (fraction)",
    ...["test", "test low", "test high"].map((name) => `Accuracy: ${name} (fraction)`),
  ]);
  assert.deepEqual(rows, [
    [0, 0.5, null, null, null],
    [1, 0.6, 0.1, 0, 1],
    [2, null, 0.2, null, null],
  ]);
});

test("cells are those that are seen at least half; NaN is an empty cell", () => {
  assert.deepEqual(seen([0.6, 3.2], 9), [1, 2, 3]);
  assert.deepEqual(seen([8.5, -0.5], 3), [0, 1, 2]);
  const matrix = matrixTable(["a", "b"], [4, 5], (epoch, layer) => (layer ? NaN : epoch / 2));
  assert.deepEqual([matrix.header, matrix.rows], [["epoch", "a", "b"], [[4, 2, null], [5, 2.5, null]]]); // biome-ignore format: a table
  const long = longTable(["v"], [0, 1], [7, 3], (epoch, neuron) => (epoch ? [neuron] : null));
  assert.deepEqual([...long.rows], [[1, 7, 7], [1, 3, 3]]); // biome-ignore format: a table
});

test("epochs in which a layer had dead or churning neurons are strips above its cells", () => {
  const feed = { layers: [{ neurons: 4 }, { neurons: 10 }] };
  const tables = new LayerTables(feed);
  feed.tables = tables;
  const counts = { frozen: [0, 0], thawed: [0, 0], applied: [0, 0], phi_mean: [1, 1], speed_mean: [0, 0] };
  tables.take(0, counts); // of a former version
  tables.take(1, { ...counts, dead: [1, 0], churning: [0, 3] });
  tables.take(2, { ...counts, dead: [2, 0], churning: [0, 0] });
  const layer = (index) => ({ index, feed, cells: { epochs: 4 } });
  assert.deepEqual(
    [0, 1, 2, 3].map((epoch) => tables.countAt("dead", epoch, 0)),
    [null, 1, 2, null],
  );
  const [dead, ...more] = rareOf(layer(0));
  assert.deepEqual([dead.kind, dead.epochs, more], ["dead", [1, 2], []]);
  const [shape] = strips([dead]);
  assert.deepEqual([shape.yref, shape.ysizemode, shape.yanchor], ["paper", "pixel", 1]);
  assert.equal(shape.path.split("Z").length - 1, 2);
  assert.match(shape.path, /^M 0\.5 1 L 1\.5 1 L 1\.5 4 L 0\.5 4 Z M 1\.5 1/);
  assert.equal(rareWords(layer(1), 1), "in the layer: 3 churning");
  assert.equal(rareWords(layer(1), 2), "");
  assert.match(stripWords(rareOf(layer(1))), /churning \(orange\)\.$/);
  assert.deepEqual([rareOf(null), stripWords([])], [[], ""]);
});

test("epochs in which many neurons thawed are told once the layers are known", () => {
  const feed = { layers: [] };
  const tables = new LayerTables(feed);
  tables.columns.thawed = [0, 0, 0.5, 0].map((fraction) => Float32Array.of(fraction, 0));
  assert.deepEqual(tables.bursts(), []);
  feed.layers = [{ neurons: 4 }, { neurons: 4 }];
  assert.deepEqual(tables.bursts(), [{ epoch: 2, fraction: 0.25 }]);
});

test("a table of many lines comes in pieces that are the same text, and others have their turn between them", async () => {
  const lines = Array.from({ length: 130_000 }, (_, place) => [place, "=x"]);
  let turns = 0;
  const turn = setInterval(() => (turns += 1));
  const pieces = await csvPieces(["a", "b"], lines);
  clearInterval(turn);
  assert.ok(turns > 0);
  assert.ok(pieces.length > 2);
  assert.equal(pieces.join(""), `a,b\r\n${lines.map(([place]) => `${place},'=x\r\n`).join("")}`);
});

test("files are named by what they are of, in what every file system takes", () => {
  assert.equal(fileName(["my run/1", undefined, "1 − φ of neurons"], "svg"), "my-run-1-1-phi-of-neurons.svg");
  assert.equal(fileName(["../../x", "Über"], "csv"), "x-Uber.csv");
  assert.equal(fileName(["…"], "png"), "figure.png");
  assert.ok(fileName(["a".repeat(500)], "png").length < 130);
});

test("a PNG says its density behind its header", () => {
  // Signature and IHDR of a picture of 1 × 1, and the end.
  const head = [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 144, 119, 83, 222];
  const png = withDensity(Uint8Array.from([...head, 1, 2, 3]), 300);
  assert.deepEqual([...png.subarray(0, 33)], head);
  assert.deepEqual([...png.subarray(-3)], [1, 2, 3]);
  // 300 dpi are 11,811 pixels a metre (0x2e23); the sum is that of zlib.crc32(b"pHYs" + …).
  assert.deepEqual([...png.subarray(33, 54)], [0, 0, 0, 9, 112, 72, 89, 115, 0, 0, 46, 35, 0, 0, 46, 35, 1, 120, 165, 63, 118]);
});

afterEach(() => delete globalThis.localStorage);

test("the last choice is kept, and a browser that keeps nothing, or something else, gets the default", () => {
  const first = { kind: "svg", size: "column" };
  assert.deepEqual(lastChoice(), first);
  for (const kept of ["{", "null", '"x"', '{"kind":"exe","size":"toString"}']) {
    globalThis.localStorage = { getItem: () => kept };
    assert.deepEqual(lastChoice(), first);
  }
  globalThis.localStorage = { getItem: () => '{"kind":"png","size":"page"}' };
  assert.deepEqual(lastChoice(), { kind: "png", size: "page" });
});
