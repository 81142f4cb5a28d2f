import assert from "node:assert/strict";
import { test } from "node:test";
import { arraysEvery, arraysWords } from "../../dashboard/scripts/run-data/arrays.js";
import { NeuronHistory } from "../../dashboard/scripts/run-data/neuron-history.js";

const run = (recording, source = "launched") => ({ source, config: { recording } });

test("a run that records arrays every so many epochs says so", () => {
  assert.equal(arraysEvery(run({ arrays_every: 10 })), 10);
  assert.equal(arraysWords(run({ arrays_every: 10 })), "Arrays were recorded every 10 epochs, and in the last one.");
});

test("one that records all, an older one and an external one say nothing", () => {
  for (const other of [run({ arrays_every: 1 }), run(undefined), run({ arrays_every: 10 }, "external")]) {
    assert.equal(arraysWords(other), "");
  }
});

test("what is always frozen did not just freeze in epoch 0", () => {
  const [frozen, states] = [new Uint8Array([128, 128]), new Uint8Array(2)];
  const [always, other] = [new NeuronHistory(2, { always_frozen: true }), new NeuronHistory(2, { always_frozen: false })];
  for (const history of [always, other]) history.put(0, frozen);
  assert.deepEqual(always.count(0), [0, 2, 0, 0]);
  assert.deepEqual(other.count(0), [0, 0, 0, 2]);
  assert.ok(always.fillStates(0, states));
  assert.deepEqual([...states], [1, 1]);
  assert.ok(other.fillStates(0, states));
  assert.deepEqual([...states], [3, 3]);
});

test("the newest recorded epoch is not one without arrays", () => {
  const history = new NeuronHistory(2);
  assert.equal(history.lastRecorded(), -1);
  history.put(0, new Uint8Array(2 * 5), [
    [1, 3],
    [4, 5],
  ]);
  assert.equal(history.lastRecorded(), 3);
  assert.equal(history.firstGap(5), -1); // nothing is asked for again
});
