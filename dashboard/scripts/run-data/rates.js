/*
 * Where the learning rate of a run changed at once.
 */

/** @import { Epoch } from "../../types/pages" */

/** A learning rate that falls below this fraction of the former one fell at a milestone, as `DROP` of the run's log says too. */
const RATE_DROP = 0.75;

/** @typedef {{epoch: number, factor: number, rate: number}} RateChange */

/**
 * Epochs at which the learning rate fell at once by a quarter or more, or rose by a third; a smooth schedule has none.
 * @param {Epoch[]} epochs holes where one is not known. @returns {RateChange[]}
 */
export function rateChanges(epochs) {
  return epochs.flatMap(({ epoch, learning_rate: rate }) => {
    const before = epochs[epoch - 1]?.learning_rate;
    if (rate === null || !before) return [];
    const factor = rate / before;
    return factor < RATE_DROP || factor > 1 / RATE_DROP ? [{ epoch, factor, rate }] : [];
  });
}
