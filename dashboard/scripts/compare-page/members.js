/*
 * The runs that are compared: what each is called, how it is drawn, and what is known of it.
 */

import { element } from "../ui/dom.js";
import { distinctNames } from "./picker.js";

/** @import { Comparison } from "../../types/api" */
/** @import { Run, RunConfig } from "../../types/pages" */
/** @import { Dash } from "../plot/line-pen.js" */
/** @import { Ink } from "./curve-lines.js" */

const COLOURS = 10;
const FIRST_PICTURES = 4;
/** What the colour-blind and grey paper tell apart too. @type {Dash[]} */
const DASHES = ["solid", "dash", "dot", "longdash", "dashdot"];

/**
 * How the run or the group at a place among all is drawn: 10 colours × 5 dashes.
 *
 * The first five of ten have five dashes, and so have the others, which begin two further: so no kind of colour blindness
 * confuses the two colours that share a dash (tests/pictures/test_palette.py measures them).
 * @param {number} place @returns {Ink}
 */
export function inkOf(place) {
  const colour = place % COLOURS;
  const further = colour < DASHES.length ? 0 : 2;
  const dash = DASHES[(colour + further + Math.floor(place / COLOURS)) % DASHES.length];
  return { colour: `var(--neq-series-${colour + 1})`, dash };
}

/** A short line as a run or a group is drawn. @param {Ink} ink */
export function lineSwatch({ colour, dash }) {
  return element("span.line-swatch", { style: `--ink: ${colour}`, "data-dash": dash, "aria-hidden": "true" });
}

/** @typedef {{id: string, place: number, name: string, record: Run, ink: Ink}} Member */

/**
 * @param {Comparison} comparison @param {Record<string, string>} inks colours of the reader's own, by id.
 * @param {(id: string) => Ink | null} groupInk how a run is drawn as one of a group, so that a colour means one thing on the page.
 * @returns {Member[]}
 */
export function membersOf({ runs }, inks, groupInk) {
  const records = /** @type {Run[]} */ (/** @type {unknown} */ (runs));
  const names = distinctNames(records);
  return records.map((record, place) => {
    const usual = inkOf(place);
    const own = inks[record.id];
    return {
      id: record.id,
      place,
      name: names.get(record.id) ?? record.name,
      record,
      ink: groupInk(record.id) ?? (own ? { ...usual, colour: own } : usual),
    };
  });
}

/** Whose neurons are shown at first: the first runs that have an epoch, and after them the others. @param {Pick<Comparison, "runs">} comparison @returns {string[]} ids. */
export const firstPictured = ({ runs }) =>
  [...runs.filter((run) => run.epochs_done), ...runs.filter((run) => !run.epochs_done)].slice(0, FIRST_PICTURES).map(({ id }) => id);

/** Whether more will come of any of them. @param {Member[]} members */
export const isActive = (members) => members.some(({ record }) => record.state === "running" || record.state === "queued");

/** Configurations as pages/compare.py tells them: each part once, and of each run the places of its own. @typedef {{parts: Record<string, unknown[]>, runs: Record<string, number>[]}} ToldOnce */

/** The runs' configurations, run by run. @param {ToldOnce} told @returns {RunConfig[]} */
export const settingsOf = ({ parts, runs }) =>
  runs.map((places) => /** @type {RunConfig} */ (Object.fromEntries(Object.entries(places).map(([name, at]) => [name, parts[name][at]]))));
