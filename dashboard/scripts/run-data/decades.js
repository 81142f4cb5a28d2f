/*
 * The decades that the API's display bytes and velocity histograms have, as contract/events.py says: a test compares them.
 */

/** Velocities below ten to this are in the middle bin; those of 1 and more in the outermost. */
export const SMALLEST_DECADE = -6;
export const BINS_PER_DECADE = 3;
/** Bins on each side of the middle one, which is therefore the bin of this number. */
export const ZERO_BIN = 1 - SMALLEST_DECADE * BINS_PER_DECADE;

/** Where a decade lies on a scale from the smallest to 1, 0–1. @param {number} decade */
export const decadePlace = (decade) => Math.max(0, Math.min(1, (decade - SMALLEST_DECADE) / -SMALLEST_DECADE));
