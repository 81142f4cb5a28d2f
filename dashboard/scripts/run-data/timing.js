/*
 * How long a run has been trained and how long it will be. The server counts (server/timing.py), by its own
 * clock and without the time in which nobody trained the run; the seconds since its answer came are added here.
 */

import * as format from "../ui/format.js";

/** @import { Run } from "../../types/pages" */

/** @typedef {Run & {heard?: number}} Heard a run as the API gives it, and when that came. */

/** Seconds trained; null: not begun. @param {Heard} run */
export function elapsed(run) {
  run.heard ??= performance.now(); // a copy with other progress keeps it
  const seconds = run.timing.elapsed_seconds;
  if (seconds === null || run.state !== "running") return seconds;
  return seconds + (performance.now() - run.heard) / 1000;
}

/** Seconds until all epochs are done; null: not known, or none. @param {Run} run */
export const left = (run) => run.timing.seconds_left;

/** How much of the running epoch is over, 0–1. @param {Run} run */
export const inEpoch = (run) => (run.state === "running" && run.progress ? run.timing.epoch_fraction : 0);

/** Epochs planned; null where nobody knows, or where more are done than were. @param {Run} run @param {number} [done] */
export const planned = ({ epochs_planned, epochs_done }, done = epochs_done) =>
  epochs_planned !== null && done > epochs_planned ? null : epochs_planned;

/**
 * How much of the run is over, 0–1; null: nobody knows how many epochs it will be.
 * @param {Run} run @param {number} [done] epochs that are known to be finished, if more than its own.
 */
export function fraction(run, done = run.epochs_done) {
  const most = Math.max(done, run.epochs_done);
  const of = planned(run, most);
  return of === null ? null : Math.min(1, (most + inEpoch(run)) / Math.max(1, of));
}

/** Epochs done, of those planned where that is known: `7 of 30 epochs`, `7 epochs`. @param {Run} run @param {number} [done] */
export function doneWords(run, done = run.epochs_done) {
  const of = planned(run, done);
  return of === null ? format.counted(done, "epoch") : `${format.count(done)} of ${format.counted(of, "epoch")}`;
}
