/*
 * Where queued runs wait.
 */

import * as format from "../ui/format.js";

/** @import { Waiting } from "../../types/api" */

const NOW_SECONDS = 30;

/**
 * `Queued (3rd of 12)`; without a place `Queued`, and `Held` where workers pass it over.
 * @param {{position: number, length: number} | null | undefined} place @param {boolean} [held]
 */
export function queuedWords(place, held = false) {
  const { ordinal, count } = format;
  if (held) return "Held";
  return place ? `Queued (${ordinal(place.position)} of ${count(place.length)})` : "Queued";
}

/** When a queued run is expected to start: `now`, `about 14:20`, `unknown`. @param {Waiting} run @param {Date} [now] */
export function startWords({ held, starts_in_seconds: seconds }, now = new Date()) {
  if (held) return "held";
  if (seconds === null) return "unknown";
  if (seconds < NOW_SECONDS) return "now";
  return `about ${format.timeOfDay(new Date(now.getTime() + 1000 * seconds), now)}`;
}

/** The places of queued runs as workers count them; null: it is held. @param {Waiting[]} queue @returns {(number | null)[]} */
export function places(queue) {
  let place = 0;
  return queue.map(({ held }) => (held ? null : ++place));
}

/**
 * Before which run one is put that is to have a place in the order.
 * @param {string[]} order ids, of the first ones where the queue is longer. @param {string} id @param {number} place from 0 on.
 * @param {number} [length] of the whole queue.
 * @returns {string | null | undefined} null: the end; undefined: it is there already.
 */
export function movedBefore(order, id, place, length = order.length) {
  const [now, others, isCut] = [order.indexOf(id), order.filter((each) => each !== id), length > order.length];
  if (isCut && place >= length - 1) return null;
  const furthest = isCut ? Math.max(now, others.length - 1) : others.length; // nobody knows who follows the last one shown
  const at = Math.min(Math.max(place, 0), furthest);
  return now === at ? undefined : (others[at] ?? null);
}

/** The place that a step leads to. @type {Record<string, (place: number, length: number) => number>} */
export const STEPS = {
  first: () => 0,
  up: (place) => place - 1,
  down: (place) => place + 1,
  last: (_, length) => length - 1,
};
