import assert from "node:assert/strict";
import { test } from "node:test";
import { movedBefore, places, STEPS, startWords } from "../../dashboard/scripts/run-data/queue.js";
import { headWords } from "../../dashboard/scripts/runs-page/queue-dialog.js";
import { placeAt } from "../../dashboard/scripts/runs-page/queue-drag.js";
import { priorityOf } from "../../dashboard/scripts/runs-page/queue-row.js";

const ORDER = ["a", "b", "c", "d"];
/** The order after a move, as the server makes it. */
const after = (id, before) => {
  const others = ORDER.filter((each) => each !== id);
  if (before !== undefined) others.splice(before === null ? others.length : others.indexOf(before), 0, id);
  return before === undefined ? "as it was" : others.join("");
};
const step = (id, name) => after(id, movedBefore(ORDER, id, STEPS[name](ORDER.indexOf(id), ORDER.length)));

test("a step moves a run by one place, or to an end, and nowhere where it is there already", () => {
  assert.deepEqual(
    ["first", "up", "down", "last"].map((name) => step("b", name)),
    ["bacd", "bacd", "acbd", "acdb"],
  );
  assert.deepEqual(
    ["first", "up"].map((name) => step("a", name)),
    ["as it was", "as it was"],
  );
  assert.deepEqual(
    ["down", "last"].map((name) => step("d", name)),
    ["as it was", "as it was"],
  );
  assert.equal(step("c", "down"), "abdc");
});

test("of a queue that is longer than what is shown only the very end is known behind the last one", () => {
  const move = (id, place) => movedBefore(ORDER, id, place, 9);
  assert.equal(move("a", 8), null, "to the very end");
  assert.equal(move("a", 3), "d", "and not behind the last one shown");
  assert.equal(move("d", 4), undefined);
});

test("what is dropped stands behind the lines whose middles are above it", () => {
  const lines = [0, 40, 80].map((top) => ({ top, height: 40 }));
  assert.deepEqual(
    [-5, 19, 21, 61, 99, 101, 500].map((y) => placeAt(lines, y)),
    [0, 0, 1, 2, 2, 3, 3],
  );
});

test("an expected start is a time of day, now, or unknown", () => {
  const now = new Date(2026, 10, 30, 14, 5);
  const words = (seconds, held = false) => startWords({ held, starts_in_seconds: seconds }, now);
  assert.deepEqual([words(0), words(900), words(null), words(0, true)], ["now", "about 14:20", "unknown", "held"]);
  assert.match(words(86_400), /^about 1 Dec 2026, 14:05$/);
});

test("held runs have no place, and those behind them count on", () => {
  assert.deepEqual(places([{ held: false }, { held: true }, { held: false }]), [1, null, 2]);
});

test("a priority is a whole number from −10 to 10", () => {
  assert.deepEqual(["3", "-10", "−4", " 0 ", "11", "1.5", "", "e"].map(priorityOf), [3, -10, -4, 0, null, null, null, null]);
});

test("it says who is missing: a worker, and runs beyond the first", () => {
  const run = {};
  assert.equal(headWords({ queue: [], length: 0, slots: 0 }), "");
  assert.match(headWords({ queue: [run, run], length: 1_007, slots: 1 }), /The first 2 runs of 1,007 are shown\.$/);
  assert.match(headWords({ queue: [run], length: 1, slots: 0 }), /No worker is online: start one with “neq worker”\.$/);
});
