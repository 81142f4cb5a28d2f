/*
 * Where queued runs wait. A place changes without its run, so a table works it out from all the runs that it knows.
 */

import * as format from "../ui/format.js";

/** @type {(a: any, b: any) => number} */
const compare = (a, b) => (a < b ? -1 : Number(a > b));

/**
 * The places of the queued ones among these runs, by id, as the API's `queue` has them: in the order in which workers
 * take them (`queue` in db/lifetimes.py).
 * @param {Iterable<{id: string, state: string, created_at: string}>} runs
 * @returns {Map<string, {position: number, length: number}>}
 */
export function queuePlaces(runs) {
  const waiting = [...runs].filter((run) => run.state === "queued");
  const moment = new Map(waiting.map((run) => [run, Date.parse(run.created_at)])); // written with or without a fraction
  waiting.sort((a, b) => compare(moment.get(a), moment.get(b)) || compare(a.created_at, b.created_at) || compare(a.id, b.id));
  return new Map(waiting.map((run, before) => [run.id, { position: before + 1, length: waiting.length }]));
}

/** `Queued (3rd of 12)`; without a place `Queued`. @param {{position: number, length: number} | null | undefined} place */
export function queuedWords(place) {
  const { ordinal, count } = format;
  return place ? `Queued (${ordinal(place.position)} of ${count(place.length)})` : "Queued";
}
