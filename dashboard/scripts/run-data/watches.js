/*
 * The networks that a run watches, and by which threshold the neurons of each are decided. A launched run watches one, as
 * its configuration says; an external one tells of each of its own, which may come long after the run has started.
 */

/** @import { Layer, Run, Watch } from "../../types/pages" */
/** @import { WatchStarted } from "../../types/live" */

/** @typedef {{first: number, epsilon: number}} Threshold ε of the layers from this index on. */

/**
 * The layers with those of a watch among them. A script that is resumed tells of its watches again.
 * @param {Layer[]} known @param {WatchStarted} told
 */
export function withWatch(known, { first, layers }) {
  const all = [...known];
  for (const [place, layer] of layers.entries()) all[first + place] ??= layer;
  return all;
}

/** The watches with another one, or with one that is told again. @param {Watch[]} known @param {WatchStarted} told @returns {Watch[]} */
export function withStarted(known, { name, first, layers, epsilon, mu, freeze }) {
  const others = known.filter((watch) => watch.first !== first);
  return [...others, { name, first, layers: layers.length, epsilon, mu, freeze }].sort((a, b) => a.first - b.first);
}

/** @param {Run} run @param {Watch[]} watches @returns {Threshold[]} */
const thresholds = (run, watches) => (run.source === "launched" ? [{ first: 0, epsilon: run.config.neq.epsilon }] : watches);

/** ε of a layer; 0: it is not known. @param {Run} run @param {Watch[]} watches @param {number} layer */
export const epsilonOf = (run, watches, layer) => thresholds(run, watches).findLast(({ first }) => first <= layer)?.epsilon ?? 0;

/** ε of all layers; 0: they have not one in common. @param {Run} run @param {Watch[]} watches */
export function commonEpsilon(run, watches) {
  const different = new Set(thresholds(run, watches).map(({ epsilon }) => epsilon));
  return different.size === 1 ? [...different][0] : 0;
}

/** ε and μ of each watch in words; empty: there is none. @param {Watch[]} watches */
export const watchWords = (watches) =>
  watches.map(
    ({ name, epsilon, mu, freeze }) => `${name ? `${name}: ` : ""}ε ${epsilon}, μ ${mu}${freeze ? "" : ", measured without freezing"}`,
  );
