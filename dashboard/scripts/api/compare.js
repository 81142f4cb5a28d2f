/*
 * Runs side by side: what the server answers of many at once.
 */

import { askJson } from "./client.js";

/** @import { Charts } from "../../types/api" */

/**
 * Metrics of many runs over one axis. @param {string[]} ids @param {string[]} metrics @param {string} axis
 * @param {Record<string, string>} [more] `by`, `spread`, `columns`. @returns {Promise<Charts>}
 */
export function curves(ids, metrics, axis, more = {}) {
  const query = new URLSearchParams({ runs: ids.join(","), axis, ...more });
  for (const metric of metrics) query.append("metric", metric);
  return askJson(`/compare/curves?${query.toString()}`);
}
