import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../dashboard/scripts/ui/format.js";

/** Calls `words` on each input and compares all answers at once. */
function says(words, cases) {
  assert.deepEqual(
    cases.map(([input]) => [input, words(input)]),
    cases,
  );
}

test("what does not exist yet is an en dash, whatever it would be", () => {
  const { percent, count, number, exact, duration, estimate, ago } = format;
  for (const words of [percent, count, number, exact, duration, estimate, ago]) {
    assert.equal(words(null), "–", words.name);
    assert.equal(words(undefined), "–", words.name);
  }
  for (const words of [number, exact, duration, estimate]) assert.equal(words(Number.NaN), "–", words.name);
});

test("a long name is told by its end", () => {
  assert.equal(format.ending("stages.0.conv1", 14), "stages.0.conv1");
  assert.equal(format.ending("stages.0.conv1", 6), "…conv1");
});

test("a fraction has one decimal unless asked otherwise", () => {
  says(format.percent, [
    [0, "0.0 %"],
    [0.1234, "12.3 %"],
    [1, "100.0 %"],
  ]);
  assert.equal(format.percent(0.98765, 2), "98.77 %");
  assert.equal(format.percent(0.5, 0), "50 %");
});

test("thousands of a count are parted", () => {
  says(format.count, [
    [0, "0"],
    [999, "999"],
    [10600, "10,600"],
    [1234567, "1,234,567"],
  ]);
});

test("one has no plural", () => {
  assert.equal(format.counted(1, "epoch"), "1 epoch");
  assert.equal(format.counted(0, "epoch"), "0 epochs");
  assert.equal(format.counted(1200, "epoch"), "1,200 epochs");
  assert.equal(format.counted(2, "batch", "batches"), "2 batches");
});

test("ordinals know the teens", () => {
  says(format.ordinal, [
    [1, "1st"],
    [2, "2nd"],
    [3, "3rd"],
    [4, "4th"],
    [10, "10th"],
    [11, "11th"],
    [12, "12th"],
    [13, "13th"],
    [21, "21st"],
    [111, "111th"],
    [1002, "1,002nd"],
  ]);
});

test("a number keeps three digits", () => {
  says(format.number, [
    [0, "0.00"],
    [0.5, "0.500"],
    [0.001, "0.00100"],
    [12.345, "12.3"],
    [999, "999"],
    [-0.25, "−0.250"],
  ]);
});

test("a number has as many digits as its whole part needs", () => {
  says(format.number, [
    [1234.5, "1,235"],
    [-1234.4, "−1,234"],
    [999_999, "999,999"],
  ]);
});

test("a number that is rounded up to the next power of ten is written like it", () => {
  says(format.number, [
    [999.9, "1,000"],
    [-999.6, "−1,000"],
    [9.999e-4, "0.00100"],
    [9.999e-5, "10⁻⁴"],
    [9.997e6, "10⁷"],
  ]);
});

test("tiny and huge numbers are powers of ten", () => {
  says(format.number, [
    [1e-4, "10⁻⁴"],
    [1.2e-4, "1.20 · 10⁻⁴"],
    [-2.5e-7, "−2.50 · 10⁻⁷"],
    [1e6, "10⁶"],
    [2_340_000, "2.34 · 10⁶"],
    [5.6e12, "5.60 · 10¹²"],
  ]);
});

test("megabytes are millions of bytes", () => {
  says(format.megabytes, [
    [284_000, "0.284 MB"],
    [2_500_000, "2.50 MB"],
    [2_048_000_000, "2,048 MB"],
    [10_499_999, "10 MB"],
  ]);
});

test("a setting is shown as it was chosen", () => {
  says(format.setting, [
    [0, "0"],
    [0.1, "0.1"],
    [0.001, "0.001"],
    [5e-4, "5 · 10⁻⁴"],
    [1e-4, "10⁻⁴"],
    [2.5e-5, "2.5 · 10⁻⁵"],
    [200, "200"],
  ]);
});

test("an exact value is the shortest that reads back as the same float32", () => {
  says(format.exact, [
    [0.5, "0.5"],
    [Math.fround(0.1), "0.1"],
    [Math.fround(-0.25), "−0.25"],
  ]);
  // Neighbours of 1/3 lie 3e-8 apart: seven digits miss it by 4.3e-8, eight by 3e-9.
  assert.equal(format.exact(Math.fround(1 / 3)), "0.33333334");
  const value = Math.fround(0.987654321);
  assert.equal(Math.fround(Number(format.exact(value))), value);
});

test("a duration is told in the unit that fits", () => {
  says(format.duration, [
    [0, "0 ms"],
    [0.05, "50 ms"],
    [4.1, "4.1 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [125, "2 min 05 s"],
    [3720, "1 h 02 min"],
    [90_000, "25 h 00 min"],
  ]);
});

test("a negative duration, by clocks that disagree, is none", () => assert.equal(format.duration(-3), "0 ms"));

test("an estimate is no finer than it can be known", () => {
  says(format.estimate, [
    [45, "45 s"],
    [59.7, "1 min"],
    [127, "2 min 10 s"],
    [594, "9 min 50 s"],
    [596, "10 min"],
    [1000, "17 min"],
    [3720, "1 h 02 min"],
  ]);
});

test("what runs has at least a second left", () => assert.equal(format.estimate(0.1), "1 s"));

test("a moment is told by how long ago it was", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const ago = (moment) => format.ago(moment, now);
  says(ago, [
    ["2026-11-21T11:59:30Z", "just now"],
    ["2026-11-21T11:59:10Z", "1 min ago"],
    ["2026-11-21T11:57:00Z", "3 min ago"],
    ["2026-11-21T07:00:00Z", "5 h ago"],
    ["2026-11-19T10:48:00Z", "19 Nov 2026, 10:48"],
  ]);
});

test("a moment has its date in words", () => assert.equal(format.moment("2026-11-21T10:48:59Z"), "21 Nov 2026, 10:48"));
