/*
 * The axes of the parallel coordinates: settings in which the runs differ, and what they came to.
 */

/** @import { ComparedSetting } from "./run-columns.js" */
/** @import { RunFigure } from "./figures-of-runs.js" */

/**
 * @typedef {object} Dimension
 * @property {string} key
 * @property {string} name
 * @property {(number | null)[]} places of the runs on the axis.
 * @property {string[] | null} kinds what the places 0, 1, 2… stand for; null: places are numbers.
 * @property {boolean} log whether a place is the decimal logarithm of a number.
 * @property {(value: number) => string} [words] a number with its unit.
 */

const DECADES = 2; // that a logarithmic axis spans at least
const MOST_KINDS = 60;
const MOST_RESULTS = 5;
/** Results in the order of their axes; accuracy at the end, where lines are followed to. */
const RESULTS = [
  "epochs",
  "train_loss.last",
  "frozen_fraction.last",
  "seconds",
  "flops",
  "test_loss.best",
  "test_accuracy.best",
  "best_accuracy",
];
/** Of which only one is shown: what scripts log under names of their own has both. */
const SAME = ["best_accuracy", "test_accuracy.best"];

/** @param {ComparedSetting} setting @param {string} name @returns {Dimension | null} null: it has too many values to tell apart. */
export function ofSetting({ path, values, words }, name) {
  const known = values.map((value) => value ?? null); // a run that has it not passes below
  const numbers = known.every((value) => value === null || (typeof value === "number" && Number.isFinite(value)));
  if (numbers) return ofNumbers(path, name, /** @type {(number | null)[]} */ (known));
  const told = words.map((word, run) => (known[run] === null ? null : word || "(empty)"));
  const kinds = [...new Set(told)].filter((kind) => kind !== null).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const places = told.map((kind) => (kind === null ? null : kinds.indexOf(kind)));
  return kinds.length > MOST_KINDS ? null : { key: path, name, places, kinds, log: false };
}

/** @param {string} key @param {RunFigure} figure @returns {Dimension} */
export const ofFigure = (key, { name, values, words }) => ({ ...ofNumbers(key, name, values), words });

/**
 * What the runs came to, as axes: those that say most, without what all have alike.
 * @param {Map<string, RunFigure>} figures @returns {Dimension[]}
 */
export function resultsOf(figures) {
  const accuracy = SAME.find((key) => figures.has(key));
  const own = RESULTS.filter((key) => figures.has(key) && (key === accuracy || !SAME.includes(key)));
  const logged = [...figures.keys()].filter((key) => key.endsWith(".last") && !/^(test|train|applied|frozen|learning)_/.test(key));
  const differs = (/** @type {string} */ key) => new Set(figures.get(key)?.values.filter((value) => value !== null)).size > 1;
  const kept = new Set([...own.toReversed(), ...logged].filter(differs).slice(0, MOST_RESULTS));
  return [...logged, ...own].flatMap((key) => {
    const figure = kept.has(key) ? figures.get(key) : undefined;
    return figure ? [ofFigure(key, figure)] : [];
  });
}

/** @param {string} key @param {string} name @param {(number | null)[]} values @returns {Dimension} */
function ofNumbers(key, name, values) {
  const known = values.filter((value) => value !== null);
  const log = known.length > 1 && Math.min(...known) > 0 && Math.max(...known) / Math.min(...known) >= 10 ** DECADES;
  return { key, name, places: log ? values.map((value) => (value === null ? null : Math.log10(value))) : values, kinds: null, log };
}

/**
 * Which runs lie within all brushed ranges; null: nothing is brushed.
 * @param {Dimension[]} dimensions @param {Record<string, number[][]>} ranges [low, high] pairs by the dimension's key.
 * @returns {boolean[] | null} run by run.
 */
export function brushed(dimensions, ranges) {
  const limits = dimensions.filter(({ key }) => ranges[key]?.length);
  if (!limits.length) return null;
  const within = (/** @type {number | null} */ place, /** @type {number[][]} */ pairs) =>
    place !== null && pairs.some(([low, high]) => place >= low && place <= high);
  return limits[0].places.map((_, run) => limits.every(({ key, places }) => within(places[run], ranges[key])));
}
