/* What was published of the study that compared runs belong to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, pointsOf, publishedWords, starsOf, studyOf } from "../../dashboard/scripts/compare-page/published.js";

const runs = (...tags) => tags.map((each) => ({ record: { tags: each } }));
const point = (label, metrics) => ({ label, values: {}, metrics });
const study = (points) => ({ name: "epsilon", title: "Threshold ε", published: { source: "The paper", words: "It falls.", points } });
const EPSILON = study([
  point("ε 0.001", { test_accuracy: 0.9297, frozen_fraction: 0.98 }),
  point("ε 0.5", { test_accuracy: 0.747, frozen_fraction: 0.9956 }),
]);
const MU = study([point("μ 0", { test_accuracy: 0.9242 })]);
const figure = (name) => ({ name, words: (value) => `${(value * 100).toFixed(1)} %` });
const FIGURES = new Map([
  ["frozen_fraction.last", figure("Frozen, last")],
  ["test_accuracy.last", figure("Accuracy, last")],
]);
const LAST = ["frozen_fraction.last", "test_accuracy.last"];

test("a study is found where all runs are of it and of no other", () => {
  assert.equal(studyOf(runs(["study:mu", "scaled"], ["mine", "study:mu"])), "mu");
  assert.equal(studyOf(runs(["study:mu"], ["scaled"])), null);
  assert.equal(studyOf(runs(["study:mu"], ["study:epsilon"])), null);
  assert.equal(studyOf(runs(["study:mu", "study:epsilon"])), null);
  assert.equal(studyOf(runs([], [])), null);
  assert.equal(studyOf([]), null);
});

test("points are drawn only in axes that show what was published, after the last epoch", () => {
  assert.deepEqual(pointsOf(EPSILON, LAST)[0], { x: 0.98, y: 0.9297, label: "ε 0.001" });
  assert.deepEqual(pointsOf(EPSILON, LAST.toReversed())[1], { x: 0.747, y: 0.9956, label: "ε 0.5" });
  for (const axes of [["flops", LAST[1]], [LAST[0], "test_accuracy.best"], ["frozen_fraction", LAST[1]], null])
    assert.deepEqual(pointsOf(EPSILON, axes), []);
  assert.deepEqual(pointsOf(MU, LAST), []);
  assert.deepEqual(pointsOf(null, LAST), []);
});

test("the axes begin with what was published, where the runs have it", () => {
  assert.deepEqual(axesOf(EPSILON, FIGURES), LAST);
  assert.equal(axesOf(EPSILON, new Map([...FIGURES].slice(1))), null);
  assert.equal(axesOf(MU, FIGURES), null);
  assert.equal(axesOf(null, FIGURES), null);
});

test("the words say whose the stars are, and that small runs are not comparable in level", () => {
  const drawn = publishedWords(EPSILON, pointsOf(EPSILON, LAST), FIGURES, runs(["study:epsilon", "scaled"]));
  assert.equal(
    drawn,
    "Open stars: 2 published points, The paper. These runs are smaller than the paper's: compare how the figures move, not how high they are.",
  );
  const elsewhere = publishedWords(EPSILON, [], FIGURES, runs(["study:epsilon"]));
  assert.equal(
    elsewhere,
    "Published of “Threshold ε”: It falls. The paper. Published points are shown for Frozen, last and Accuracy, last.",
  );
  assert.equal(publishedWords(MU, [], FIGURES, runs(["study:mu"])), "Published of “Threshold ε”: It falls. The paper.");
  assert.equal(publishedWords(null, [], FIGURES, []), "");
});

test("a star says what it is of", () => {
  const { x, y, hovertext, marker } = starsOf(pointsOf(EPSILON, LAST), ...LAST.map((key) => FIGURES.get(key)));
  assert.deepEqual([x[0], y[0]], [0.98, 0.9297]);
  assert.equal(hovertext[0], "<b>Published: ε 0.001</b><br>Frozen, last: 98.0 %<br>Accuracy, last: 93.0 %");
  assert.equal(marker.symbol, "star-open");
});
