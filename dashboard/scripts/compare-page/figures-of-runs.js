/*
 * The figures that a run came to, any two of which can be held against each other.
 */

import { accuracyOf, bestAccuracyOf, fractionWords } from "../run-data/accuracy.js";
import * as metricNames from "../run-data/metric-names.js";
import * as format from "../ui/format.js";
import { flops } from "./axis-units.js";

/** @import { Comparison } from "../../types/api" */

/**
 * @typedef {object} RunFigure
 * @property {string} name
 * @property {string} group it is listed under.
 * @property {boolean} less whether less of it is better.
 * @property {(number | null)[]} values in the order of the runs.
 * @property {(value: number | null) => string} words
 */

const duration = (/** @type {number | null} */ seconds) => format.duration(seconds);
const count = (/** @type {number | null} */ number) => format.count(number === null ? null : Math.round(number));
const work = (/** @type {number | null} */ number) => (number === null ? format.NOTHING : flops(number));

/** @type {[key: string, name: string, words: (value: number | null) => string][]} what epochs take. */
const TOTALS = [
  ["flops", "FLOPs (forward, dX, dW)", work],
  ["seconds", "Training time", duration],
  ["cpu_seconds", "CPU time", duration],
  ["device_seconds", "Device time", duration],
  ["samples", "Training samples", count],
];

/** Where scripts log it under names of their own: no metric has it of all runs. @type {[key: string, name: string, value: typeof accuracyOf][]} */
const ACCURACIES = [
  ["accuracy", "Accuracy, last", accuracyOf],
  ["best_accuracy", "Accuracy, greatest", bestAccuracyOf],
];

/**
 * By keys that an address can hold, in the order in which they are listed.
 * @param {Comparison} comparison @returns {Map<string, RunFigure>}
 */
export function figuresOf({ runs, metrics, totals }) {
  const found = /** @type {Map<string, RunFigure>} */ (new Map());
  const some = (/** @type {(number | null)[]} */ values) => values.some((value) => value !== null);
  for (const [key, name, words] of TOTALS) {
    const values = totals[key] ?? [];
    if (some(values)) found.set(key, { name, group: "What it took", less: true, values, words });
  }
  found.set("epochs", { name: "Epochs", group: "What it took", less: true, values: runs.map((run) => run.epochs_done), words: count });
  for (const [key, name, value] of runs.some((run) => run.logged_accuracy) ? ACCURACIES : []) {
    const values = runs.map(value);
    if (some(values)) found.set(key, { name, group: "Metrics", less: false, values, words: fractionWords });
  }
  for (const { name, smaller_is_better: less, last, least, greatest } of metrics) {
    if (!some(last) && !some(least)) continue;
    const words = (/** @type {number | null} */ value) => metricNames.words(name, value);
    const told = metricNames.title(name);
    found.set(`${name}.last`, { name: `${told}, last`, group: "Metrics", less, values: last, words });
    const best = less ? least : greatest;
    found.set(`${name}.best`, { name: `${told}, ${less ? "least" : "greatest"}`, group: "Metrics", less, values: best, words });
  }
  return found;
}

/** Two figures to begin with: what freezing saves, and what is kept. @param {Map<string, RunFigure>} figures @returns {[string, string]} */
export function firstTwo(figures) {
  const metric = [...figures].find(([key, { group, less }]) => group === "Metrics" && !less && key.endsWith(".best"));
  const upright = ["best_accuracy", "test_accuracy.best"].find((key) => figures.has(key)) ?? metric?.[0] ?? "epochs";
  const across = ["flops", "seconds", "frozen_fraction.last", "epochs"].find((key) => figures.has(key)) ?? "epochs";
  return [across, upright];
}
