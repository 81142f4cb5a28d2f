/*
 * What epochs took by the clock on the wall, with how far that reaches: other programs lengthen it.
 */

import * as format from "../ui/format.js";

/** @import { Epoch } from "../../types/pages" */

/** Seconds of an epoch, its checkpoint included. @param {Record<string, number>} seconds by part. */
export const epochSeconds = (seconds) => Object.values(seconds).reduce((sum, each) => sum + each, 0);

/**
 * Of an epoch's values their median, smallest and largest.
 *
 * @typedef {{low: number, median: number, high: number, count: number}} Range
 * @param {Epoch[]} epochs as the feed has them.
 * @param {(epoch: Epoch) => number|null|undefined} value of one; none: it does not count.
 * @returns {Range|null} null: there is none.
 */
export function epochRange(epochs, value) {
  const given = epochs
    .filter(Boolean)
    .map(value)
    .filter((each) => typeof each === "number");
  const found = given.filter(Number.isFinite).sort((a, b) => a - b);
  if (!found.length) return null;
  const middle = (found[(found.length - 1) >> 1] + found[found.length >> 1]) / 2;
  return { low: found[0], median: middle, high: found[found.length - 1], count: found.length };
}

/** `4 s (3 s to 9 s)`; of a single epoch without a range. @param {Range | null} range @param {(value: number) => string} words */
export function rangeWords(range, words) {
  if (!range) return format.NOTHING;
  return range.count > 1 ? `${words(range.median)} (${words(range.low)} to ${words(range.high)})` : words(range.median);
}
