/* What Compare says of two runs' masks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBytes } from "../../dashboard/scripts/api/recorded.js";
import {
  agreementSource,
  agreementWords,
  cellSource,
  freezeWords,
  MEASURES,
  meansOf,
  pairName,
  pairOf,
} from "../../dashboard/scripts/compare-page/mask-data.js";

const pair = (name_a, name_b, neurons_a = 4, neurons_b = 4) => ({ a: 0, b: 0, name_a, name_b, neurons_a, neurons_b });

test("an epoch that one run did not record has no cells", () => {
  const source = cellSource({ shape: [2, 3], values: Uint8Array.from([0, 1, 3, 4, 4, 4]) });
  const into = new Uint8Array(3);
  assert.deepEqual([source.rows, source.columns], [3, 2]);
  assert.equal(source.fill(0, into), true);
  assert.deepEqual([...into], [0, 1, 3]);
  assert.equal(source.fill(1, into), false);
});

test("agreement and difference have their colours, and what is not known has another", () => {
  assert.deepEqual([null, 0, 1].map(MEASURES.jaccard.index), [0, 1, 255]);
  assert.deepEqual([null, -1, 0, 1].map(MEASURES.difference.index), [0, 1, 64, 127]);
  const source = agreementSource({ epochs: 2, jaccard: [[1, null]], difference: [[0, 0]], pairs: [pair("a", "a")] }, "jaccard");
  const into = new Uint8Array(1);
  source.fill(1, into);
  assert.deepEqual([source.rows, source.columns, into[0]], [1, 2, 0]);
});

test("a layer is found by its name in either run, else one that can be compared", () => {
  const pairs = [pair("a", "x", 4, 8), pair("b", "y")];
  assert.equal(pairOf(pairs, "a"), pairs[0]);
  assert.equal(pairOf(pairs, "y"), pairs[1]);
  assert.equal(pairOf(pairs, "other"), pairs[1]);
  assert.equal(pairOf([], "a"), null);
  assert.deepEqual([pairName(pairs[0]), pairName(pair("a", "a"))], ["a · x", "a"]);
});

test("it is said how layers were matched, and whether single neurons are the same", () => {
  const words = (by, differing, pairs = [pair("a", "a")]) => agreementWords({ by, differing, pairs });
  assert.match(words("name", []), /by name.*single neurons can be compared/);
  assert.match(words("place", ["seed", "network"]), /by their place.*another seed, another network.*neuron 5 of one is not/);
  assert.match(words("name", ["unknown weights"]), /not known: a script does not tell its seed/);
  assert.match(words("name", [], []), /no layer/);
});

test("first freezes are counted by hand", () => {
  assert.equal(
    freezeWords({ a: [1, 2, 3, null, 5, null], b: [1, 3, 2, 4, null, null] }, true),
    "3 of 6 neurons froze in both runs, 1 of them earlier in A and 1 in B; 1 only in A, 1 only in B.",
  );
  assert.equal(
    freezeWords({ a: [1, null, 3, null], b: [1, null, null, null] }, false),
    "Single neurons are not comparable. Of 4 neurons A froze 2 at some time, and B 1.",
  );
});

test("the mean over layers is that of those that are known", () => {
  assert.equal(
    meansOf(
      {
        epochs: 2,
        jaccard: [
          [0, 1],
          [0, 0.5],
          [0, null],
        ],
      },
      "jaccard",
    ),
    "After epoch 1 the mean over layers is 0.75.",
  );
  assert.equal(meansOf(null, "jaccard"), "Nothing is known yet.");
});

test("bytes of a .npy file are read, and what is none is refused", () => {
  const fields = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }";
  const header = `${fields.padEnd(117)}\n`;
  const bytes = Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    118,
    0,
    ...new TextEncoder().encode(header),
    0,
    1,
    2,
    3,
  ]);
  assert.deepEqual(parseBytes(bytes.buffer).shape, [2, 2]);
  assert.deepEqual([...parseBytes(bytes.buffer).values], [0, 1, 2, 3]);
  assert.throws(() => parseBytes(bytes.slice(0, -1).buffer));
});
