import assert from "node:assert/strict";
import { test } from "node:test";
import { groups, partnerOf } from "../../dashboard/scripts/run-data/groups.js";
import { queuedWords } from "../../dashboard/scripts/run-data/queue.js";

const named = (...names) => names.map((name, index) => ({ index, name }));

test("layers are grouped by the block that their names begin with", () => {
  const layers = named("conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer2.0.conv1", "fc");
  assert.deepEqual(groups(layers), [
    { label: "conv1", first: 0, last: 0 },
    { label: "layer1.0", first: 1, last: 2 },
    { label: "layer1.1", first: 3, last: 3 },
    { label: "layer2.0", first: 4, last: 4 },
    { label: "fc", first: 5, last: 5 },
  ]);
});

test("where that is too many, their blocks are grouped", () => {
  const layers = named("conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer2.0.conv1", "fc");
  assert.deepEqual(
    groups(layers, 4).map(({ label }) => label),
    ["conv1", "layer1", "layer2", "fc"],
  );
});

test("a norm's partner is the layer before it, and that layer's the norm", () => {
  const layers = [
    { index: 0, name: "block.conv", type: "Conv2d", neurons: 8 },
    { index: 1, name: "block.bn", type: "BatchNorm2d", neurons: 8 },
    { index: 2, name: "other.bn", type: "BatchNorm2d", neurons: 8 },
  ];
  assert.equal(partnerOf(layers, 0), layers[1]);
  assert.equal(partnerOf(layers, 1), layers[0]);
  assert.equal(partnerOf(layers, 2), null);
  assert.equal(partnerOf(layers, 9), null);
  layers[0].neurons = 4; // a norm of another size belongs to another
  assert.equal(partnerOf(layers, 1), null);
});

test("a place in the queue is told as an ordinal", () => {
  assert.equal(queuedWords({ position: 3, length: 12 }), "Queued (3rd of 12)");
  assert.equal(queuedWords(null), "Queued");
  assert.equal(queuedWords(null, true), "Held");
});
