/*
 * Where queued runs wait. A place changes without its run, so a table works it out from all the runs that it knows.
 */

import * as format from "../ui/format.js";

/**
 * The places of the queued ones among these runs, by id, as the API's `queue` has them: in the order in which workers
 * take them (`queue` in db/queue.py). One that is held has none.
 * @param {Iterable<{id: string, state: string, queue_rank: number, held: boolean}>} runs
 * @returns {Map<string, {position: number, length: number}>}
 */
export function queuePlaces(runs) {
  const waiting = [...runs].filter((run) => run.state === "queued" && !run.held);
  waiting.sort((a, b) => a.queue_rank - b.queue_rank || (a.id < b.id ? -1 : 1));
  return new Map(waiting.map((run, before) => [run.id, { position: before + 1, length: waiting.length }]));
}

/**
 * `Queued (3rd of 12)`; without a place `Queued`, and `Held` where workers pass it over.
 * @param {{position: number, length: number} | null | undefined} place @param {boolean} [held]
 */
export function queuedWords(place, held = false) {
  const { ordinal, count } = format;
  if (held) return "Held";
  return place ? `Queued (${ordinal(place.position)} of ${count(place.length)})` : "Queued";
}
