import assert from "node:assert/strict";
import { test } from "node:test";
import { epochRange, epochSeconds, rangeWords } from "../../dashboard/scripts/run-data/epoch-times.js";
import { Densities } from "../../dashboard/scripts/run-data/histogram-data.js";
import * as timing from "../../dashboard/scripts/run-data/timing.js";

let clock = 0;
globalThis.document = { documentElement: { dataset: {} } };
performance.now = () => clock;

// ------------------------------------------------------------ what epochs took

test("an epoch's seconds are those of all its parts, checkpoint included", () => {
  assert.equal(epochSeconds({ train: 3, probe: 0.5, evaluate: 1, record: 0.25, checkpoint: 0.25 }), 5);
});

test("the median of an even number of epochs lies between the middle two", () => {
  const epochs = [{ t: 9 }, { t: 1 }, { t: 4 }, { t: 2 }];
  assert.deepEqual(
    epochRange(epochs, ({ t }) => t),
    { low: 1, median: 3, high: 9, count: 4 },
  );
});

test("epochs that are missing, or without a value, do not count", () => {
  const epochs = [undefined, { t: 5 }, { t: null }, { t: Number.NaN }, { t: 7 }, { t: 6 }];
  assert.deepEqual(
    epochRange(epochs, ({ t }) => t),
    { low: 5, median: 6, high: 7, count: 3 },
  );
});

test("of no value there is no range", () =>
  assert.equal(
    epochRange([{}], ({ t }) => t),
    null,
  ));

test("a range of one epoch is that epoch's value", () => {
  const words = (seconds) => `${seconds} s`;
  assert.equal(rangeWords({ low: 4, median: 4, high: 4, count: 1 }, words), "4 s");
  assert.equal(rangeWords({ low: 3, median: 4, high: 9, count: 7 }, words), "4 s (3 s to 9 s)");
  assert.equal(rangeWords(null, words), "–");
});

// ------------------------------------------------------------ how long a run takes

function run(changes = {}) {
  const timing = { elapsed_seconds: 100, seconds_left: 40, epoch_fraction: 0.5, ...changes.timing };
  return { state: "running", epochs_done: 2, epochs_planned: 10, progress: {}, ...changes, timing };
}

test("a running run's time goes on since the server's answer came", () => {
  clock = 1000;
  const present = run();
  assert.equal(timing.elapsed(present), 100);
  clock = 3500;
  assert.equal(timing.elapsed(present), 102.5);
});

test("a copy with other progress keeps when its answer came", () => {
  clock = 0;
  const present = run();
  timing.elapsed(present);
  clock = 4000;
  assert.equal(timing.elapsed({ ...present, progress: { batch: 3 } }), 104);
});

test("a run that is over took what it took", () => {
  clock = 0;
  const over = run({ state: "finished" });
  timing.elapsed(over);
  clock = 60_000;
  assert.equal(timing.elapsed(over), 100);
});

test("a run that has not begun took no time at all", () => {
  assert.equal(timing.elapsed(run({ timing: { elapsed_seconds: null } })), null);
});

test("half of the third of ten epochs is a quarter of the run", () => assert.equal(timing.fraction(run()), 0.25));

test("epochs that the page knows already count", () => assert.equal(timing.fraction(run(), 4), 0.45));

test("only a running epoch has a part that is over", () => {
  assert.equal(timing.inEpoch(run()), 0.5);
  assert.equal(timing.inEpoch(run({ progress: null })), 0);
  assert.equal(timing.inEpoch(run({ state: "stopped" })), 0);
});

test("a run is never more than all over", () => {
  assert.equal(timing.fraction(run({ epochs_done: 10 })), 1);
  assert.equal(timing.fraction(run({ epochs_done: 0, epochs_planned: 0, progress: null })), 0);
});

test("of a script that went on beyond its plan nobody says of how many", () => {
  assert.equal(timing.doneWords(run({ epochs_done: 4, epochs_planned: 4 })), "4 of 4 epochs");
  const beyond = run({ epochs_done: 5, epochs_planned: 4 });
  assert.equal(timing.doneWords(beyond), "5 epochs");
  assert.equal(timing.fraction(beyond), null);
  assert.equal(timing.planned(run(), 11), null, "epochs that the page knows already count");
});

// ------------------------------------------------------------ how neurons are distributed

/** Densities of a run of two layers, 3 and 5 neurons; `told` lists what changed. The server answers with `histograms`. */
function densities(what, histograms) {
  globalThis.fetch = async (address) => new Response(JSON.stringify(await histograms(address)));
  const changed = [];
  const feed = { id: "a", layers: [{ neurons: 3 }, { neurons: 5 }], scope: { ended: false, signal: new AbortController().signal } };
  return Object.assign(new Densities(feed, what, (epoch) => changed.push(epoch)), { told: changed });
}

test("a layer's neurons, or those of all layers, are counted", () => {
  assert.equal(densities({ layer: 1, field: "phi" }).neurons, 5);
  assert.equal(densities({ layer: null, field: "phi" }).neurons, 8);
});

test("the network's velocities are the sum of its layers', bin by bin", () => {
  const network = densities({ layer: null, field: "velocity" });
  network.take(4, {
    velocity_histogram: [
      [1, 2, 0],
      [0, 5, 3],
    ],
  });
  assert.deepEqual(network.counts[4], [1, 7, 3]);
  assert.deepEqual(network.told, [4]);
});

test("a layer without velocities adds nothing, and a network without any has none", () => {
  const network = densities({ layer: null, field: "velocity" });
  network.take(1, { velocity_histogram: [null, [0, 5, 3]] });
  network.take(2, { velocity_histogram: [null, null] });
  assert.deepEqual(network.counts[1], [0, 5, 3]);
  assert.equal(network.counts[2], null);
});

test("φ of a new epoch is asked for, that epoch alone", async () => {
  const asked = [];
  const layer = densities({ layer: 1, field: "phi" }, async (address) => {
    asked.push(address);
    return { epochs: [7], counts: [[2, 3]] };
  });
  await layer.take(7, {});
  assert.deepEqual(asked, ["/api/v1/runs/a/layers/1/histograms?field=phi&epochs=7:8"]);
  assert.deepEqual(layer.counts[7], [2, 3]);
  assert.deepEqual(layer.told, [7]);
});

test("what the server refuses is kept as the problem, and gone with the next answer", async () => {
  const layer = densities({ layer: 1, field: "phi" }, async () => ({ epochs: [], counts: [] }));
  const { fetch } = globalThis;
  globalThis.fetch = async () => new Response(JSON.stringify({ detail: "no such layer" }), { status: 404 });
  await layer.load();
  assert.equal(layer.problem, "no such layer");
  globalThis.fetch = fetch;
  await layer.load();
  assert.equal(layer.problem, null);
  assert.deepEqual(layer.told, [null, null]);
});
