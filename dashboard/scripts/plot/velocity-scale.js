/*
 * The axis of velocity bins: ±10⁻⁶ to ±1, three bins a decade, and one around zero.
 */

import * as format from "../ui/format.js";

const ZERO_BIN = 19;
const LOWEST_DECADE = -6;
const BINS_PER_DECADE = 3;

/** Where a velocity lies on the axis of its 39 bins; nearer to 0 than 10⁻⁶ it lies in the middle. @param {number} velocity */
export function velocityPlace(velocity) {
  const decades = Math.max(0, Math.min(-LOWEST_DECADE, Math.log10(Math.abs(velocity) || 1e-12) - LOWEST_DECADE));
  if (Math.abs(velocity) < 10 ** LOWEST_DECADE) return ZERO_BIN;
  return ZERO_BIN + Math.sign(velocity) * (0.5 + BINS_PER_DECADE * decades);
}

/** A velocity bin in words: `0.001 ≤ v < 0.00215`. @param {number} index @param {string} name */
export function velocityBin(index, name) {
  if (index === ZERO_BIN) return `|${name}| < 10⁻⁶`;
  const edge = (/** @type {number} */ place) => {
    const steps = place >= ZERO_BIN ? place - ZERO_BIN : ZERO_BIN - 1 - place;
    const size = 10 ** (LOWEST_DECADE + steps / BINS_PER_DECADE);
    return format.number(place >= ZERO_BIN ? size : -size, 2);
  };
  if (index === 0) return `${name} < ${edge(0)}`;
  if (index === 2 * ZERO_BIN) return `${name} ≥ ${edge(2 * ZERO_BIN - 1)}`;
  return `${edge(index - 1)} ≤ ${name} < ${edge(index)}`;
}
