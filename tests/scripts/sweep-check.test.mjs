/* What is said of many runs before they are launched. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { planned, withTried, words } from "../../dashboard/scripts/form-page/sweep-check.js";

const estimate = { seconds: null, bytes: null, runs_known: 0, runs_unknown: 6, read_from: 0, devices: [], slots: 1 };
const seen = { runs: 6, estimate, kinds: 2, state: "sweep", errors: [], warnings: [] };
const told = (name, runs, state, errors = []) => ({ example: { name, runs, config: {} }, check: { id: "a", state, errors } });

test("what runs take is said with their start, or that it is without", () => {
  const known = { ...estimate, seconds: 116, bytes: 4e6, runs_known: 6, runs_unknown: 0, read_from: 2, devices: ["CPU"] };
  assert.match(planned({ runs: 6, estimate: { ...known, with_starting: true } }), /^6 runs: about [^,]* min and /);
  assert.match(planned({ runs: 6, estimate: { ...known, with_starting: false } }), /^6 runs: about [^,]* min without starting and /);
});

test("dry passes that are awaited are said to be made, and nothing is wrong yet", () => {
  const answer = withTried(seen, [told("sgd", 3, "ok"), told("adam", 3, "pending")]);
  assert.equal(answer.state, "sweep_pending");
  assert.match(words(answer), /training one small batch of each kind of run …$/);
  assert.match(words({ ...answer, kinds: 1 }), /training one small batch of one of them …$/);
});

test("what was tried is said, with how many runs it tells of", () => {
  const answer = withTried(seen, [told("sgd", 3, "ok"), told("adam", 3, "ok")]);
  assert.equal(answer.state, "sweep");
  assert.match(words(answer), /Check passed for 6 runs: one small batch of 2 of 2 kinds of run\.$/);
  const one = withTried({ ...seen, kinds: 1 }, [told("sgd", 6, "ok")]);
  assert.match(words(one), /Check passed for 6 runs: one small batch of one run, and all cost alike\.$/);
});

test("a dry pass that failed is an error of the runs that cost alike", () => {
  const answer = withTried(seen, [told("sgd", 3, "ok"), told("adam", 3, "failed", [{ field: "model", message: "Too large" }])]);
  assert.equal(answer.state, "failed");
  assert.deepEqual(answer.errors, [{ field: "model", message: "Too large (adam; 3 runs cost alike)" }]);
});

test("without a worker it is said that nothing was tried", () => {
  const answer = withTried(seen, [told("sgd", 3, "no_worker"), told("adam", 3, "unknown")]);
  assert.match(words(answer), /Not fully checked: no dry pass was made\.$/);
  assert.doesNotMatch(words(seen), /checked/i);
});
