/*
 * Where queued runs wait.
 */

import * as format from "../ui/format.js";

/**
 * `Queued (3rd of 12)`; without a place `Queued`, and `Held` where workers pass it over.
 * @param {{position: number, length: number} | null | undefined} place @param {boolean} [held]
 */
export function queuedWords(place, held = false) {
  const { ordinal, count } = format;
  if (held) return "Held";
  return place ? `Queued (${ordinal(place.position)} of ${count(place.length)})` : "Queued";
}
