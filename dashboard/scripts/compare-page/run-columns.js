/*
 * The columns of the table of compared runs: the settings in which they differ first, then what they came to.
 */

import { accuracyOf, bestAccuracyOf, canBeFraction, fractionWords } from "../run-data/accuracy.js";
import { rangeWords } from "../run-data/epoch-times.js";
import * as metricNames from "../run-data/metric-names.js";
import { distinctTitles, settingName, settings, settingWords, withGroup } from "../run-data/settings.js";
import * as timing from "../run-data/timing.js";
import * as format from "../ui/format.js";
import { flops } from "./axis-units.js";
import { usualMetrics } from "./metric-choice.js";

/** @import { Comparison } from "../../types/api" */
/** @import { RunConfig } from "../../types/pages" */
/** @import { Titles } from "../run-data/settings.js" */
/** @import { Member } from "./members.js" */

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} name
 * @property {boolean} setting whether it is a setting, and not a result.
 * @property {string[]} words in the order of the runs.
 * @property {unknown[]} values to sort by; numbers where they are.
 * @property {string} [unit] of the values, where words round them.
 * @property {"difference" | "points" | "factor" | null} against how a run is held against the baseline.
 */

const MOST_SETTINGS = 8;
/** What values are in where their words are rounded. @type {Record<string, string>} */
const UNITS = {
  Accuracy: "fraction",
  Best: "fraction",
  Elapsed: "s",
  "Training time": "s",
  "Training time per epoch": "s, median",
  "Time left": "s",
  FLOPs: "FLOPs",
};
const NOT_SETTINGS = /^(name|tags|notes)$/;
/** What is only another number for the same training; shown last. */
const LAST = /^(training\.seed|group)$/;

/** @typedef {{path: string, values: unknown[], words: string[], differs: boolean}} ComparedSetting */

/** Every setting of any run. @param {RunConfig[]} configs made comparable. @returns {ComparedSetting[]} */
export function comparedSettings(configs) {
  const each = configs.map((config) => new Map(settings(config)));
  const paths = [...new Set(each.flatMap((known) => [...known.keys()]))].filter((path) => !NOT_SETTINGS.test(path));
  return paths.map((path) => {
    const values = each.map((known) => known.get(path));
    return { path, values, words: values.map(settingWords), differs: new Set(values.map((value) => JSON.stringify(value))).size > 1 };
  });
}

/**
 * Settings that tell the runs apart: of several that part them alike the kind (an optimizer's, not what it brings along),
 * or else the first; those of few values come first, and the seed last.
 * @param {ComparedSetting[]} all
 */
export function telling(all) {
  const texts = (/** @type {ComparedSetting} */ { values }) => values.map((value) => JSON.stringify(value) ?? "");
  const parting = (/** @type {ComparedSetting} */ each) =>
    texts(each)
      .map((text, _, every) => every.indexOf(text))
      .join();
  const isKind = (/** @type {ComparedSetting} */ { path }) => Number(path.endsWith(".kind"));
  const found = all.filter(({ differs }) => differs).sort((a, b) => isKind(b) - isKind(a));
  const partings = found.map(parting);
  const rank = (/** @type {ComparedSetting} */ each) => (LAST.test(each.path) ? 1e6 : 0) + new Set(texts(each)).size;
  return found.filter((_, at) => partings.indexOf(partings[at]) === at).sort((a, b) => rank(a) - rank(b));
}

/** What settings are called in columns, axes, lists and legends, by their paths. @param {ComparedSetting[]} all @param {Titles} titles */
export const namesOf = (all, titles) =>
  distinctTitles(
    all.map(({ path }) => path),
    titles,
  );

/**
 * @param {Member[]} members @param {Comparison} comparison @param {ComparedSetting[]} compared @param {Titles} titles
 * @returns {Column[]} without those in which no run has anything.
 */
export function columnsOf(members, comparison, compared, titles) {
  const { totals, epoch_seconds: perEpoch } = comparison;
  const runs = members.map(({ record }) => record);
  const of = (
    /** @type {string} */ name,
    /** @type {(run: any, place: number) => unknown} */ value,
    /** @type {(value: any) => string} */ words,
    /** @type {Column["against"]} */ against = null,
  ) => {
    const values = runs.map(value);
    return {
      key: name,
      name,
      setting: false,
      unit: UNITS[name],
      values,
      words: values.map((each) => (each === null ? format.NOTHING : words(each))),
      against,
    };
  };
  const results = [
    of("State", (run) => run.state + (run.stop_requested && run.state === "running" ? ", stopping" : ""), String),
    { ...of("Epochs", (run) => run.epochs_done, String), words: runs.map((run) => epochWords(run)) },
    ...metricColumns(comparison),
    ...(runs.some((run) => run.logged_accuracy) ? [of("Accuracy", accuracyOf, fractionWords, "points")] : []),
    of("Best", bestAccuracyOf, fractionWords, "points"),
    of("Elapsed", (run) => timing.elapsed(run), format.duration, "factor"),
    {
      ...of("Training time per epoch", (_, place) => perEpoch[place]?.median ?? null, format.duration, "factor"),
      words: perEpoch.map((range) => rangeWords(range, format.duration)),
    },
    of("Training time", (_, place) => totals.seconds?.[place] ?? null, format.duration, "factor"),
    of("FLOPs", (_, place) => totals.flops?.[place] ?? null, flops, "factor"),
    of("Time left", (run) => timing.left(run) ?? null, format.estimate),
    of("Neurons", (run) => run.neurons, format.count),
    of("Group", (run) => run.group, String),
    of("Notes", (run) => run.notes || null, String),
  ];
  const names = namesOf(compared, titles);
  const own = telling(compared)
    .slice(0, MOST_SETTINGS)
    .map(({ path, values, words }) => {
      const name = names.get(path) ?? path;
      const taken = results.some((result) => result.name === name);
      return { key: path, name: taken ? withGroup(settingName(path, titles)) : name, setting: true, values, words, against: null };
    });
  return [...own, ...withoutRepeated(results)].filter(({ words }) => words.some((word) => word && word !== format.NOTHING));
}

/** Where runs log their accuracy by another name, *Accuracy* says of each what *Test accuracy* says of some. @param {Column[]} results */
function withoutRepeated(results) {
  const all = results.find(({ key }) => key === "Accuracy");
  const isRepeated = (/** @type {Column} */ { key, words }) =>
    key === "test_accuracy.last" && all && words.every((word, at) => word === format.NOTHING || word === all.words[at]);
  return results.filter((column) => !isRepeated(column));
}

/** @param {any} run */
function epochWords(run) {
  const planned = timing.planned(run, run.epochs_done);
  return [run.epochs_done, planned].flatMap((number) => (number === null ? [] : [format.count(number)])).join(" of ");
}

/** @param {Comparison} comparison @returns {Column[]} */
function metricColumns({ metrics }) {
  const names = [...new Set([...usualMetrics(metrics), "applied_fraction"])];
  return names.flatMap((name) => {
    const metric = metrics.find((each) => each.name === name);
    if (!metric) return [];
    const words = metric.last.map((value) => metricNames.words(name, value));
    /** @type {Column["against"]} */
    const against = metricNames.isFraction(name) ? "points" : "difference";
    return [
      {
        key: `${name}.last`,
        name: metricNames.title(name),
        setting: false,
        unit: metricNames.isFraction(name) ? "fraction" : "",
        values: metric.last,
        words,
        against,
      },
    ];
  });
}

/**
 * A run against the baseline: `+1.2 pp`, `−0.031`, `×0.63`; empty: it cannot be said.
 * @param {Column} column @param {number} place @param {number} base
 */
export function againstWords({ against, values }, place, base) {
  const [own, other] = [values[place], values[base]];
  if (!against || typeof own !== "number" || typeof other !== "number") return "";
  if (against === "factor") return other > 0 ? `×${(own / other).toFixed(2)}` : "";
  if (against === "points" && !(canBeFraction(own) && canBeFraction(other))) return "";
  const more = own - other;
  const sign = more < 0 ? "−" : "+";
  return against === "points" ? `${sign}${Math.abs(more * 100).toFixed(1)} pp` : `${sign}${format.number(Math.abs(more))}`;
}
