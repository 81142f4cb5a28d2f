import assert from "node:assert/strict";
import { test } from "node:test";
import { orders } from "../../dashboard/scripts/plot/orders.js";

/**
 * A layer's history from rows that read like a picture: `.` updating, `#` frozen, by epoch; a digit is a level.
 *
 * @param {string[]} rows a row a neuron, a sign an epoch; " " in every row: that epoch did not come.
 */
function history(rows) {
  const [neurons, epochs] = [rows.length, rows[0].length];
  const known = Array.from({ length: epochs }, (_, epoch) => rows.some((row) => row[epoch] !== " "));
  const frozen = (epoch, neuron) => rows[neuron][epoch] === "#";
  const bytes = new Uint8Array(neurons * epochs);
  for (const [neuron, row] of rows.entries()) {
    for (let epoch = 0; epoch < epochs; epoch += 1) bytes[epoch * neurons + neuron] = Number(row[epoch]) || 0;
  }
  return {
    neurons,
    epochs,
    bytes,
    has: (epoch) => known[epoch],
    level: (epoch, neuron) => bytes[epoch * neurons + neuron],
    /** Bit 0 frozen; bit 1 another state than the epoch before. */
    fillStates(epoch, states) {
      if (!known[epoch]) return false;
      for (let neuron = 0; neuron < neurons; neuron += 1) {
        const turned = epoch > 0 && frozen(epoch, neuron) !== frozen(epoch - 1, neuron);
        states[neuron] = Number(frozen(epoch, neuron)) | (Number(turned) << 1);
      }
      return true;
    },
  };
}

const made = (order, rows, epoch) => [...orders[order].make(history(rows), epoch)];

test("the own order is none at all", () => assert.equal(orders.index.make(history(["."])), null));

test("those that froze first come first, those that never did last", () => {
  assert.deepEqual(made("first", ["...#", "....", "#...", ".##."]), [2, 3, 0, 1]);
});

test("neurons that froze in the same epoch stay in their own order", () => {
  assert.deepEqual(made("first", [".#", "#.", ".#", "#."]), [1, 3, 0, 2]);
});

test("those that flip most come first", () => assert.deepEqual(made("flips", ["....", ".#.#", "..##", ".##."]), [1, 3, 2, 0]));

test("an epoch that did not come turns nobody", () => assert.deepEqual(made("flips", [".. .#", ".# .."]), [0, 1]));

test("by |v| the calmest at the cursor comes first", () => {
  assert.deepEqual(made("v", ["91", "55", "19"], 0), [2, 1, 0]);
  assert.deepEqual(made("v", ["91", "55", "19"], 1), [0, 1, 2]);
});

test("neurons that behave alike become neighbours", () => {
  const rising = "012345678";
  const falling = "876543210";
  const order = made("similarity", [rising, falling, rising, falling, rising, falling]);
  const kinds = order.map((neuron) => neuron % 2);
  const changes = kinds.filter((kind, place) => place > 0 && kind !== kinds[place - 1]);
  assert.equal(changes.length, 1, `of two kinds, each in one piece: ${order}`);
});

test("similarity is an order of all neurons", () => {
  const rows = Array.from({ length: 20 }, (_, neuron) =>
    Array.from({ length: 50 }, (_, epoch) => ((neuron * 7 + epoch * 3 + neuron * epoch) % 9) + 1).join(""),
  );
  const order = made("similarity", rows);
  assert.deepEqual(
    order.toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, neuron) => neuron),
  );
});

test("of fewer than three neurons, or of one epoch, similarity tells nothing", () => {
  assert.deepEqual(made("similarity", ["123", "321"]), [0, 1]);
  assert.deepEqual(made("similarity", ["3", "1", "2"]), [0, 1, 2]);
});
