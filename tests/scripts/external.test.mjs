import assert from "node:assert/strict";
import { test } from "node:test";
import { Feed } from "../../dashboard/scripts/run-data/feed.js";
import { rateChanges } from "../../dashboard/scripts/run-data/rates.js";
import { settingWords } from "../../dashboard/scripts/run-data/settings.js";
import * as timing from "../../dashboard/scripts/run-data/timing.js";
import { commonEpsilon, epsilonOf, withStarted, withWatch } from "../../dashboard/scripts/run-data/watches.js";
import { FUNCTIONS } from "../../dashboard/scripts/runs-page/cells.js";
import { Scope } from "../../dashboard/scripts/ui/page-scope.js";

globalThis.document = { documentElement: { dataset: {} } };

const RUN = { id: "a", source: "external", state: "running", config: {}, last_seq: 0, epochs_planned: null, epochs_done: 7 };
const layer = (index) => ({ index, name: `fc${index}`, type: "Linear", neurons: 3, parameters: 3 });
const watch = (first, epsilon, count = 2) => ({
  name: null,
  first,
  layers: Array.from({ length: count }, (_, place) => layer(first + place)),
  epsilon,
  mu: 0.5,
  freeze: true,
});

test("nobody knows how much of a run is over that plans no number of epochs", () => {
  assert.equal(timing.fraction(RUN), null);
  assert.equal(timing.doneWords(RUN), "7 epochs");
  assert.equal(timing.doneWords(RUN, 1), "1 epoch");
  assert.equal(timing.doneWords({ ...RUN, epochs_planned: 30 }), "7 of 30 epochs");
});

test("an axis without a plan has room to grow, until the run has ended", () => {
  const feed = new Feed(new Scope(), RUN);
  const planned = (done) => Object.assign(feed, { epochs: Array(done).fill({}) }).planned;
  assert.deepEqual([0, 11, 12, 23, 24].map(planned), [12, 12, 24, 24, 48]);
  feed.record = { ...RUN, state: "finished" };
  assert.equal(planned(13), 13);
});

test("a learning rate that is not told changes nowhere", () => {
  const epochs = [null, null, 1, 0.1, null, 0.01].map((learning_rate, epoch) => ({ epoch, learning_rate }));
  assert.deepEqual(rateChanges(epochs), [{ epoch: 3, factor: 0.1, rate: 0.1 }]);
});

test("a layer's threshold is that of the watch that it belongs to", () => {
  const watches = [watch(2, 0.5), watch(0, 0.1)].reduce(withStarted, []);
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => epsilonOf(RUN, watches, index)),
    [0.1, 0.1, 0.5, 0.5],
  );
  assert.equal(commonEpsilon(RUN, watches), 0);
  assert.equal(commonEpsilon(RUN, watches.slice(0, 1)), 0.1);
  assert.equal(epsilonOf(RUN, [], 0), 0);
  assert.equal(epsilonOf({ source: "launched", config: { neq: { epsilon: 0.3 } } }, [], 1), 0.3);
});

test("a script that is resumed tells its watch again, which is no further watch", () => {
  const once = withWatch([], watch(0, 0.1));
  assert.equal(withWatch(once, watch(0, 0.1)).length, 2);
  assert.equal(withWatch(once, watch(2, 0.1)).length, 4);
  const again = [watch(0, 0.1), watch(0, 0.2)].reduce(withStarted, []);
  assert.deepEqual(
    again.map(({ epsilon, layers }) => [epsilon, layers]),
    [[0.2, 2]],
  );
});

test("any JSON is said in words", () => {
  assert.equal(settingWords([1, { deep: [null] }]), '1, {"deep":[null]}');
});

test("a table tells external runs apart by their first settings", () => {
  const run = { ...RUN, name: "mine", notes: "", tags: [], config: { lr: 0.5, none: null, net: { depth: 3, sizes: [1] } } };
  assert.equal(FUNCTIONS.neqRunValue("setup", run), "lr 0.5 depth 3");
  assert.equal(FUNCTIONS.neqRunValue("progress", run), null);
});
