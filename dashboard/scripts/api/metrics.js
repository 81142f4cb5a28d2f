/*
 * What a run logged by name: which metrics there are, and their points.
 */

import { askJson } from "./client.js";

/** @import { Metric, MetricSeries } from "../../types/pages" */

/** @typedef {"step" | "epoch"} Axis what a chart goes by. */
/** @typedef {{after?: number, columns: number, axis: Axis, start?: number, end?: number}} What `start` and `end`: of a stretch. */

/** @param {string} id */
const run = (id) => `/runs/${encodeURIComponent(id)}`;

/** The metrics of a run, by name. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Metric[]>} */
export const metrics = async (id, signal) => (await askJson(`${run(id)}/metrics`, { signal })).metrics;

/**
 * The points of a metric from the place `after` on, thinned to so many columns of pixels: the least and the greatest value
 * of each stay.
 * @param {string} id @param {string} name @param {What} what
 * @param {AbortSignal} [signal] @returns {Promise<MetricSeries>}
 */
export function points(id, name, { after = 0, columns, axis, start, end }, signal) {
  const query = new URLSearchParams({ name, after: String(after), columns: String(columns), axis });
  if (start !== undefined) query.set("start", String(start));
  if (end !== undefined) query.set("end", String(end));
  return askJson(`${run(id)}/metrics/points?${query}`, { signal });
}
