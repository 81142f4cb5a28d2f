/*
 * What an address asks for that Compare cannot follow.
 */

import { isMode } from "../plot/colour-modes.js";
import { quoted, together, unknownKeys } from "../ui/left-out.js";
import { figuresOf } from "./figures-of-runs.js";
import { asField, RUN_FIELDS } from "./groups.js";
import { AXES, INK, KEYS, readList } from "./look.js";
import { comparedSettings } from "./run-columns.js";

/** @import { Comparison } from "../../types/api" */
/** @import { RunConfig } from "../../types/pages" */
/** @import { LeftOut } from "../ui/left-out.js" */

/**
 * @typedef {object} Known what the compared runs have.
 * @property {string[]} ids
 * @property {string[]} missing ids of runs that there are not, which the page says by itself.
 * @property {string[]} metrics
 * @property {string[]} figures that can be held against each other.
 * @property {string[]} fields that runs can be grouped by.
 * @property {number} newest epoch of any of them.
 * @property {boolean} live whether more metrics and epochs may come.
 */

/** @param {Comparison} comparison @param {RunConfig[]} configs of its runs. @returns {Known} */
export const knownOf = (comparison, configs) => ({
  ids: comparison.runs.map(({ id }) => id),
  missing: comparison.missing,
  metrics: comparison.metrics.map(({ name }) => name),
  figures: [...figuresOf(comparison).keys()],
  fields: [...comparedSettings(configs).map(({ path }) => asField(path)), ...RUN_FIELDS],
  newest: Math.max(0, ...comparison.runs.map((run) => run.epochs_done)) - 1,
  live: comparison.runs.some(({ state }) => state === "running" || state === "queued"),
});

/** A part of the address as a whole: what it may be, and what is said where it is not. @type {Record<string, [(text: string, known: Known) => boolean, (text: string) => string]>} */
const SINGLE = {
  x: [(text) => Object.hasOwn(AXES, text), (text) => `the axis ${quoted(text)}`],
  log: [(text) => text === "1", (text) => `the logarithmic axis ${quoted(text)}`],
  smooth: [(text) => Number(text) > 0 && Number(text) < 1, (text) => `the smoothing ${quoted(text)}`],
  spread: [(text) => text === "std" || text === "minmax", (text) => `the bands ${quoted(text)}`],
  parallel: [(text) => text === "1", (text) => `the parallel coordinates ${quoted(text)}`],
  colour: [isMode, (text) => `the colours ${quoted(text)}`],
  group: [(text, { fields }) => fields.includes(text), (text) => `the grouping by ${quoted(text)}, which none of these runs has`],
  epoch: [
    (text, { newest, live }) => /^\d{1,7}$/.test(text) && (live || Number(text) <= newest),
    (text) => `the epoch ${quoted(text)}, which none of these runs has`,
  ],
  scatter: [
    (text, { figures, live }) =>
      live ||
      readList(text)
        .slice(0, 2)
        .every((key) => !key || figures.includes(key)),
    (text) => `the figures ${quoted(readList(text).slice(0, 2).join(", "))}`,
  ],
};

/** Of what may name several: the names in it, which of them are known, and what the others are called. @type {Record<string, {names: (text: string) => string[], isKnown: (name: string, known: Known) => boolean, words: (name: string) => string}>} */
const SEVERAL = {
  metrics: {
    names: readList,
    isKnown: (name, { metrics, live }) => live || metrics.includes(name),
    words: (name) => `the metric ${quoted(name)}, which none of these runs has`,
  },
  base: { names: (text) => [text], isKnown: (id, { ids }) => ids.includes(id), words: (id) => `the baseline ${quoted(id)}` },
  pictures: { names: readList, isKnown: (id, { ids }) => ids.includes(id), words: (id) => `the neurons of ${quoted(id)}` },
  inks: {
    names: readList,
    isKnown: (ink, { ids }) => INK.test(ink) && ids.includes(idOf(ink)),
    words: (ink) => `the colour ${quoted(ink)}`,
  },
};

const idOf = (/** @type {string} */ name) => name.split(":")[0];

/** @param {string} key @param {string} text @param {Known} known @returns {LeftOut} */
function ofSingle(key, text, known) {
  const [isKnown, words] = SINGLE[key];
  return isKnown(text, known) ? together([]) : { words: [words(text)], changes: { [key]: null } };
}

/** @param {string} key @param {string} text @param {Known} known @returns {LeftOut} */
function ofSeveral(key, text, known) {
  const { names, isKnown, words } = SEVERAL[key];
  const all = names(text);
  const kept = all.filter((name) => isKnown(name, known));
  if (kept.length === all.length && (all.length || !text)) return together([]);
  const lost = all.filter((name) => !kept.includes(name) && !known.missing.includes(idOf(name)));
  const changed = kept.length ? kept.map(encodeURIComponent).join(",").replaceAll("%3A", ":") : null;
  return { words: all.length ? lost.map(words) : [words(text)], changes: { [key]: changed } };
}

/** @param {Record<string, string>} query the address's. @param {Known} known @returns {LeftOut} */
export function leftOut(query, known) {
  const there = (/** @type {object} */ table) => Object.keys(table).filter((key) => query[key] !== undefined);
  return together([
    unknownKeys(query, ["runs", ...KEYS]),
    ...there(SINGLE).map((key) => ofSingle(key, query[key], known)),
    ...there(SEVERAL).map((key) => ofSeveral(key, query[key], known)),
  ]);
}
