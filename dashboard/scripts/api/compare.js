/*
 * Runs side by side: what the server answers of many at once.
 */

import { ask, askJson } from "./client.js";
import { parseBytes } from "./recorded.js";

/** @import { Agreement, Charts, Comparison, Curve, Curves, FirstFreezes } from "../../types/api" */

/** @typedef {Omit<Curve, "x"> & {x: number[]}} PlacedCurve with its places, which the answer tells once where curves share them. */
/** @typedef {Omit<Curves, "x" | "curves"> & {curves: PlacedCurve[]}} PlacedCurves */
/** @typedef {Omit<Charts, "charts"> & {charts: PlacedCurves[]}} PlacedCharts */

/** @typedef {{a: string, b: string, layer_a: number, layer_b: number}} Pair a layer of each of two runs. */

/** @param {Record<string, string | number>} query */
const asked = (query) => new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();

/** Many runs as they stand. @param {string[]} ids @param {AbortSignal} [signal] @returns {Promise<Comparison>} */
export const comparison = (ids, signal) => askJson(`/compare?${asked({ runs: ids.join(",") })}`, { signal });

/**
 * Metrics of many runs over one axis. @param {string[]} ids @param {string[]} metrics @param {string} axis
 * @param {Record<string, string>} [more] `by`, `spread`, `columns`. @returns {Promise<PlacedCharts>}
 */
export async function curves(ids, metrics, axis, more = {}) {
  const query = new URLSearchParams({ runs: ids.join(","), axis, ...more });
  for (const metric of metrics) query.append("metric", metric);
  /** @type {Charts} */
  const told = await askJson(`/compare/curves?${query.toString()}`);
  const charts = told.charts.map(({ x: shared, ...chart }) => ({
    ...chart,
    curves: chart.curves.map((curve) => ({ ...curve, x: curve.x ?? shared ?? [] })),
  }));
  return { ...told, charts };
}

/** How two runs' masks agree. @param {string} a @param {string} b @returns {Promise<Agreement>} */
export const agreement = (a, b) => askJson(`/compare/agreement?${asked({ a, b })}`);

/** Which of two runs froze each neuron, epochs × neurons. @param {Pair} pair */
export const masks = async (pair) => parseBytes((await ask(`/compare/masks?${asked(pair)}`)).bytes);

/** @param {Pair} pair @returns {Promise<FirstFreezes>} */
export const firstFreezes = (pair) => askJson(`/compare/first-freezes?${asked(pair)}`);
