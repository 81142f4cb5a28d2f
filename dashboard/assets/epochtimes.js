"use strict";
/*
 * neq.epochTimes: what epochs took by the clock on the wall, with how far that reaches: other programs lengthen it.
 */
(() => {
  const { neq } = window;

  /** Seconds of an epoch, its checkpoint included. */
  neq.epochSeconds = (seconds) => Object.values(seconds).reduce((sum, each) => sum + each, 0);

  /**
   * Of an epoch's values their median, smallest and largest.
   *
   * @param {object[]} epochs as the feed has them.
   * @param {(epoch: object) => number|null|undefined} value of one; none: it does not count.
   * @returns {{low: number, median: number, high: number, count: number}|null} null: there is none.
   */
  neq.epochRange = (epochs, value) => {
    const found = epochs
      .filter(Boolean)
      .map(value)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    if (!found.length) return null;
    const middle = (found[(found.length - 1) >> 1] + found[found.length >> 1]) / 2;
    return { low: found[0], median: middle, high: found.at(-1), count: found.length };
  };

  /** `4 s (3 s to 9 s)`; of a single epoch without a range. */
  neq.rangeWords = (range, words) => {
    if (!range) return neq.format.NOTHING;
    return range.count > 1 ? `${words(range.median)} (${words(range.low)} to ${words(range.high)})` : words(range.median);
  };
})();
