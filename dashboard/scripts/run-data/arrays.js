/*
 * Why epochs of a run may have no arrays of single neurons: it was asked to record those of every so many epochs.
 */

import { count } from "../ui/format.js";

/** @import { Run } from "../../types/pages" */

/** Every how many epochs arrays were recorded; 1: of all. @param {Run} run */
export const arraysEvery = (run) => (run.source === "launched" ? Number(run.config.recording?.arrays_every ?? 1) : 1);

/** In words; empty: of every epoch. @param {Run} run */
export function arraysWords(run) {
  const every = arraysEvery(run);
  return every > 1 ? `Arrays were recorded every ${count(every)} epochs, and in the last one.` : "";
}
