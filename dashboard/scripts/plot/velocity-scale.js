/*
 * The axis of velocity bins: ±10⁻⁶ to ±1, three bins a decade, and one around zero.
 */

import { BINS_PER_DECADE, decadePlace, SMALLEST_DECADE, ZERO_BIN } from "../run-data/decades.js";
import * as format from "../ui/format.js";

/** Where a velocity lies on the axis of its 39 bins; nearer to 0 than 10⁻⁶ it lies in the middle. @param {number} velocity */
export function velocityPlace(velocity) {
  const size = Math.abs(velocity);
  if (size < 10 ** SMALLEST_DECADE) return ZERO_BIN;
  return ZERO_BIN + Math.sign(velocity) * (0.5 + (ZERO_BIN - 1) * decadePlace(Math.log10(size)));
}

/** A velocity bin in words: `0.001 ≤ v < 0.00215`. @param {number} index @param {string} name */
export function velocityBin(index, name) {
  if (index === ZERO_BIN) return `|${name}| < 10⁻⁶`;
  const edge = (/** @type {number} */ place) => {
    const steps = place >= ZERO_BIN ? place - ZERO_BIN : ZERO_BIN - 1 - place;
    const size = 10 ** (SMALLEST_DECADE + steps / BINS_PER_DECADE);
    return format.number(place >= ZERO_BIN ? size : -size, 2);
  };
  if (index === 0) return `${name} < ${edge(0)}`;
  if (index === 2 * ZERO_BIN) return `${name} ≥ ${edge(2 * ZERO_BIN - 1)}`;
  return `${edge(index - 1)} ≤ ${name} < ${edge(index)}`;
}
