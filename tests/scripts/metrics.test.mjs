import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { nearest, wholeOf } from "../../dashboard/scripts/plot/metric-chart.js";
import { MetricFeed } from "../../dashboard/scripts/run-data/metric-feed.js";
import { groupsOf, headlines } from "../../dashboard/scripts/run-data/metric-groups.js";
import { byEpoch, MetricSeries } from "../../dashboard/scripts/run-data/metric-series.js";
import { Scope } from "../../dashboard/scripts/ui/page-scope.js";

globalThis.document = { documentElement: { dataset: {} } };
afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

/** An answer of these values, from a place on. */
const answer = (after, values, more = {}) => ({
  name: "loss",
  after,
  points: after + values.length,
  thinned: false,
  steps: values.map((_, place) => after + place),
  epochs: values.map(() => null),
  times: values.map(() => 0),
  values,
  ...more,
});

/** Metrics of a run that a script records; `asked` are the addresses that were asked for, by what is behind the run's. */
function feedOf({ metrics = [], points = () => answer(0, [1]), external = true } = {}) {
  const asked = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0);
  mock.method(globalThis, "fetch", async (address) => {
    asked.push(address.replace("/api/v1/runs/a", ""));
    const body = address.includes("/points?") ? points(new URLSearchParams(address.split("?")[1])) : { metrics };
    return body instanceof Response ? body : new Response(JSON.stringify(body));
  });
  const told = [];
  const feed = { id: "a", external, done: 0, scope: new Scope(), tell: (kind, value) => told.push([kind, value]) };
  feed.metrics = new MetricFeed(feed);
  return { feed, metrics: feed.metrics, asked, told };
}

/** Lets what waits for answers, and for so much time, go on. */
async function pass(milliseconds = 0) {
  for (let round = 0; round < 20; round += 1) await setImmediate();
  mock.timers.tick(milliseconds);
  for (let round = 0; round < 20; round += 1) await setImmediate();
}

const named = (...names) => names.map((name) => ({ name, points: 1, last: 1, last_step: 0, last_epoch: null }));

test("further points are put behind those that are here, and an answer that is late changes nothing", () => {
  const series = new MetricSeries("step", 100);
  assert.ok(series.take(answer(0, [1, 2])));
  assert.equal(series.after, 2);
  assert.ok(series.take(answer(2, [3])));
  assert.ok(!series.take(answer(2, [3])));
  assert.deepEqual([series.steps, series.values, series.points], [[0, 1, 2], [1, 2, 3], 3]);
});

test("a series of more points than its chart can show is asked for anew, thinned", () => {
  const series = new MetricSeries("step", 10);
  series.take(answer(0, Array(40).fill(1), { thinned: true, points: 1000 }));
  series.take(answer(1000, Array(40).fill(1)));
  assert.equal(series.after, 1040); // 80 points are eight a column, which is still drawn
  series.take(answer(1040, [1]));
  assert.equal(series.after, 0);
  series.take(answer(0, [1, 2], { points: 1041 }));
  assert.deepEqual([series.values, series.thinned, series.after], [[1, 2], false, 1041]);
});

test("an epoch is its last value, and reaches from its least to its greatest", () => {
  const series = new MetricSeries("epoch", 100);
  series.take(answer(0, [4, 1, 2, null, 7, 5], { epochs: [0, 0, 0, 2, null, 3] }));
  assert.deepEqual(byEpoch(series), { x: [0, 2, 3], y: [2, null, 5], spread: [{ low: 1, high: 4 }, null, null] });
});

test("metrics stand by what is before the first slash: those without first, the machine's last", () => {
  const metrics = ["val/top/1", "system/gpu", "zero", "train/loss", "val/loss"].map((name) => ({ name }));
  const groups = groupsOf(metrics).map(({ prefix, metrics: own }) => [prefix, own.map(({ name }) => name)]);
  assert.deepEqual(groups, [
    ["", ["zero"]],
    ["train", ["train/loss"]],
    ["val", ["val/top/1", "val/loss"]],
    ["system", ["system/gpu"]],
  ]);
});

test("an accuracy and a loss are told first, and nothing of the machine", () => {
  const metrics = ["system/acc", "dead_fraction", "lr", "train/loss", "val/accuracy", "val/loss", "val/acc"].map((name) => ({ name }));
  const told = headlines(metrics, 5).map(({ name }) => name);
  assert.deepEqual(told, ["val/accuracy", "train/loss", "val/acc", "val/loss", "lr"]);
});

test("dead and churning neurons are metrics of a launched run, which an epoch brings and goes on with", async () => {
  const known = [];
  const { metrics, asked } = feedOf({ metrics: known, external: false });
  metrics.start();
  await pass();
  asked.length = 0;
  metrics.epochCame(0, {}, false);
  await pass(500);
  assert.deepEqual(asked, [], "an older recorder counts none");
  known.push(...named("dead_fraction", "frozen_fraction"));
  metrics.epochCame(0, {}, true);
  await pass(500);
  assert.deepEqual(
    metrics.own.map(({ name }) => name),
    ["dead_fraction"],
  );
  metrics.watch("dead_fraction", "epoch", 100);
  await pass(500);
  asked.length = 0;
  metrics.epochCame(0, {}, true);
  await pass(500);
  assert.deepEqual(
    asked.map((each) => each.replace(/&.*/, "")),
    ["/metrics/points?name=dead_fraction"],
    "the list has it already",
  );
});

test("how a score stands after an epoch follows from the epoch before, and is asked for where that is not known", async () => {
  const top5 = { name: "top5", points: 4, last: 0.5, last_step: 3, last_epoch: 3, min: 0.4, max: 0.6 };
  const { feed, metrics, asked, told } = feedOf({ metrics: [top5, ...named("dead_fraction")], external: false });
  metrics.start();
  await pass(500);
  const asks = async (...epoch) => {
    asked.length = told.length = 0;
    metrics.epochCame(...epoch, true);
    assert.ok(told.some(([kind]) => kind === "metrics"));
    await pass(500);
    await pass(500);
    return asked.length;
  };
  assert.equal(await asks(4, { top5: 0.7 }), 0);
  const stands = { name: "top5", points: 5, last: 0.7, last_step: 4, last_epoch: 4, min: 0.4, max: 0.7 };
  assert.deepEqual(metrics.known.get("top5"), stands);
  assert.equal(await asks(4, { top5: 0.7 }), 1, "trained again after the run was resumed");
  assert.deepEqual(metrics.known.get("top5"), top5, "as the server says");
  assert.equal(await asks(4, { top5: 0.3, miou: 0.1 }), 1, "a new one");
  assert.equal(metrics.known.get("top5").last_epoch, 3, "as the server says");
  feed.external = true;
  assert.equal(await asks(4, { top5: 0.7 }), 1, "a script may log it otherwise too");
});

test("what is drawn from the epochs of a run is not one of its own metrics", async () => {
  const metrics = named("frozen_fraction", "test_loss", "top5");
  const launched = feedOf({ metrics, external: false });
  launched.metrics.start();
  await pass();
  assert.deepEqual(
    launched.metrics.own.map(({ name }) => name),
    ["top5"],
  );
  launched.feed.external = true; // a script may log a test loss; without an epoch, a frozen fraction
  assert.equal(launched.metrics.own.length, 3);
  launched.feed.done = 1;
  assert.deepEqual(
    launched.metrics.own.map(({ name }) => name),
    ["test_loss", "top5"],
  );
});

test("only what came since is asked for, however often it was told of meanwhile", async () => {
  const { metrics, asked, told } = feedOf({ points: (query) => answer(Number(query.get("after")), [1]) });
  metrics.watch("loss", "step", 300);
  await pass();
  assert.deepEqual(asked, ["/metrics/points?name=loss&after=0&columns=300&axis=step"]);
  for (let times = 0; times < 50; times += 1) metrics.heard([{ name: "loss", points: 1 }]);
  await pass();
  for (let waited = 0; waited < 4; waited += 1) await pass(500);
  const further = asked.slice(1).filter((address) => address.includes("points"));
  assert.equal(further[0], "/metrics/points?name=loss&after=1&columns=300&axis=step");
  assert.ok(further.length <= 2, String(further.length)); // one that was under way, and one for all the rest
  assert.deepEqual(metrics.series.get("loss").values.length, 1 + further.length);
  assert.ok(told.some(([kind, name]) => kind === "points" && name === "loss"));
});

test("a hundred metrics that grow are a few requests a second", async () => {
  const { metrics, asked } = feedOf({ points: (query) => answer(Number(query.get("after")), [1]) });
  const names = Array.from({ length: 100 }, (_, number) => `m${number}`);
  for (const name of names) metrics.watch(name, "step", 300);
  for (let round = 0; round < 20; round += 1) await pass();
  assert.equal(asked.length, 100);
  for (let second = 0; second < 5; second += 1) {
    metrics.heard(names.map((name) => ({ name, points: 1 })));
    await pass(500);
    await pass(500);
  }
  assert.ok(asked.length - 100 <= 5 * 4 + 2, String(asked.length - 100));
});

test("pages that hear of an epoch at once ask each at its own moment, and one that is left asks no more", async () => {
  const { feed, metrics, asked } = feedOf({ external: false });
  metrics.start();
  metrics.watch("loss", "epoch", 300);
  await pass();
  asked.length = 0;
  Math.random.mock.mockImplementation(() => 0.6);
  metrics.epochCame(4, { loss: 1 }, true);
  metrics.epochCame(4, { loss: 1 }, true);
  await pass(299);
  assert.deepEqual(asked, []);
  metrics.watch("top5", "epoch", 300);
  await pass();
  assert.equal(asked.length, 1, "what its reader asks for does not wait");
  await pass(1);
  await pass(500);
  assert.deepEqual(asked.map((each) => each.replace(/[?&]after.*|\?name=/g, "")).sort(), [
    "/metrics",
    "/metrics/pointsloss",
    "/metrics/pointstop5",
  ]);
  metrics.epochCame(4, { loss: 1 }, true);
  feed.scope.end();
  await pass(1000);
  assert.equal(asked.length, 3);
});

test("what nobody looks at is not asked for", async () => {
  const { metrics, asked } = feedOf();
  metrics.watch("loss", "step", 300);
  metrics.forget("loss");
  await pass();
  metrics.heard([{ name: "loss", points: 1 }]);
  await pass(500);
  assert.ok(asked.every((address) => address === "/metrics" || address.includes("after=0")));
  assert.equal(asked.filter((address) => address.includes("points")).length, 1); // was under way
  assert.equal(metrics.series.size, 0);
});

test("a server that does not answer is asked again", async () => {
  let broken = true;
  const points = () => (broken ? new Response("{}", { status: 503 }) : answer(0, [1]));
  const { metrics } = feedOf({ points });
  metrics.watch("loss", "step", 300);
  await pass();
  assert.equal(metrics.series.get("loss").points, 0);
  broken = false;
  await pass(1500);
  assert.equal(metrics.series.get("loss").points, 1);
});

test("the whole of an axis seldom moves while a run goes on, and ends with its last value", () => {
  const line = (last) => [{ x: [0, last] }];
  assert.equal(wholeOf([{ x: [] }], false), null);
  assert.deepEqual(wholeOf([{ x: [4] }], true), [3.5, 4.5]);
  const ends = [101, 110, 119].map((last) => Math.round(wholeOf(line(last), false)[1]));
  assert.ok(Math.max(...ends) - Math.min(...ends) <= 1, String(ends));
  assert.equal(wholeOf(line(119), true)[1], 120.19);
});

test("what is pointed at is the nearest value, of several the newest", () => {
  assert.equal(nearest([], 3), -1);
  assert.equal(nearest([0, 10, 20], 14), 1);
  assert.equal(nearest([0, 5, 5], 5), 2);
});
