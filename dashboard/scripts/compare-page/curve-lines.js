/*
 * The lines of one metric of many runs, from what the server answered, without a page.
 */

import * as format from "../ui/format.js";
import { smoothed } from "./smoothing.js";

/** @import { CurveBand } from "../../types/api" */
/** @import { PlacedCurve as Curve, PlacedCurves as Curves } from "../api/compare.js" */
/** @import { Dash, Line, Mark } from "../plot/line-pen.js" */
/** @import { Unit } from "./axis-units.js" */
/** @import { Look } from "./look.js" */

/** @typedef {{colour: string, dash: Dash}} Ink how a run or a group is drawn. */

/**
 * @typedef {object} Drawing
 * @property {Look} look
 * @property {Unit} unit
 * @property {boolean | null} less whether less is better; null: neither is.
 * @property {(id: string) => {name: string, ink: Ink, forked: number | null, dim: boolean}} member `forked`: the epoch after which.
 * @property {(place: number) => Ink} inkOf a group, by its place among those of all charts.
 * @property {(value: string | null) => number} placeOf a group.
 * @property {(value: string | null) => string} groupName
 * @property {(value: number | null) => string} words
 */

const MANY = 10; // runs: beyond, thick lines are a clot, and take a browser without a GPU three times as long
const WIDTHS = { few: 2, many: 1, base: 3.2 };
const RAW_ALPHA = 0.28;
const HUGE = 1e150;
const DIM = 0.12; // of a run that the reader's brush left out

/** @param {Curves} chart @param {Drawing} drawing @returns {{lines: Line[], note: string}} */
export function linesOf(chart, drawing) {
  const grouped = Boolean(drawing.look.group);
  const drawn = grouped
    ? chart.bands.map((band) => bandLines(band, drawing.placeOf(band.value), drawing))
    : chart.curves.map((curve) => runLines(curve, drawing, chart.curves.length > MANY ? WIDTHS.many : WIDTHS.few));
  return { lines: drawn.flat(), note: noteOf(chart, drawing, grouped) };
}

/** @param {Curve} curve @param {Drawing} drawing @param {number} usual width. @returns {Line[]} */
function runLines({ run, x, y }, drawing, usual) {
  const { look, unit, less } = drawing;
  const { name, ink, forked, dim } = drawing.member(run);
  const alpha = dim ? DIM : 1;
  const places = x.map((place) => place / unit.factor);
  const raw = drawable(y, look);
  const line = { name, key: run, x: places, ...ink, joined: true, alpha };
  const width = look.base === run ? WIDTHS.base : usual;
  const marks = [best(places, raw, less), look.axis === "epoch" ? fork(places, raw, forked) : null].filter((mark) => mark !== null);
  if (!look.smooth) return [{ ...line, y: raw, marks, width, words: (value) => drawing.words(value) }];
  const calm = drawable(smoothed(y, look.smooth), look);
  /** @param {number} value @param {number} place */
  const both = (value, place) => `${drawing.words(value)} (raw ${drawing.words(raw[places.indexOf(place)] ?? null)})`;
  return [
    { ...line, name: `${name}, raw`, y: raw, marks, width: 1, alpha: RAW_ALPHA * alpha, silent: true },
    { ...line, y: calm, width, words: both },
  ];
}

/** @param {CurveBand} band @param {number} place among all. @param {Drawing} drawing @returns {Line[]} */
function bandLines({ value, x, mean, low, high, count, runs }, place, drawing) {
  const { look, unit, less } = drawing;
  const places = x.map((each) => each / unit.factor);
  const y = drawable(look.smooth ? smoothed(mean, look.smooth) : mean, look);
  const [bottom, top] = look.smooth ? [low, high].map((edge) => smoothed(edge, look.smooth)) : [low, high];
  const spread = bottom.map((least, at) =>
    least === null || isHuge(least) || isHuge(top[at]) || (look.log && least <= 0) ? null : { low: least, high: Number(top[at]) },
  );
  /** @param {number} middle @param {number} at */
  const words = (middle, at) => {
    const where = places.indexOf(at);
    const of = `${count[where]} of ${runs.length}`;
    if (count[where] === 1) return `${drawing.words(middle)} (n = ${of})`; // one value has no spread
    if (look.spread === "minmax")
      return `${drawing.words(middle)} (${drawing.words(low[where])} to ${drawing.words(high[where])}, n = ${of})`;
    return `${drawing.words(middle)} ± ${drawing.words(mean[where] - low[where])} (n = ${of})`;
  };
  const mark = best(places, y, less);
  const name = `${drawing.groupName(value)} (n = ${runs.length})`;
  return [{ name, key: `group ${place}`, x: places, y, ...drawing.inkOf(place), spread, marks: mark ? [mark] : [], joined: true, words }];
}

/** A logarithmic axis has no place for what is not above zero, and none for numbers whose distances overflow. @param {(number | null)[]} values @param {Look} look */
const drawable = (values, { log }) => values.map((value) => (value === null || isHuge(value) || (log && value <= 0) ? null : value));

/** @param {number | null} value */
const isHuge = (value) => value !== null && Math.abs(value) > HUGE;

/** The first of its best values. @param {number[]} x @param {(number | null)[]} y @param {boolean | null} less @returns {Mark | null} */
function best(x, y, less) {
  if (less === null) return null;
  let at = -1;
  for (const [place, value] of y.entries()) {
    if (value === null) continue;
    const now = at === -1 ? null : /** @type {number} */ (y[at]);
    if (now === null || (less ? value < now : value > now)) at = place;
  }
  return at === -1 ? null : { kind: "best", x: x[at], y: /** @type {number} */ (y[at]) };
}

/** Where a fork left its parent. @param {number[]} x @param {(number | null)[]} y @param {number | null} forked @returns {Mark | null} */
function fork(x, y, forked) {
  const at = forked === null ? -1 : x.indexOf(forked);
  const value = at === -1 ? null : y[at];
  return value === null ? null : { kind: "fork", x: x[at], y: value };
}

/** What the lines leave out, in words; empty: nothing. @param {Curves} chart @param {Drawing} drawing @param {boolean} grouped */
function noteOf({ curves, bands }, { look }, grouped) {
  const every = curves.flatMap(({ y }) => y);
  const odd = every.filter((value) => value === null).length;
  const low = look.log ? every.filter((value) => value !== null && value <= 0).length : 0;
  const huge = every.filter(isHuge).length;
  const unplaced = curves.reduce((sum, curve) => sum + curve.unplaced, 0);
  const parts = [
    odd && `${odd} not finite${grouped ? ", left out of means" : ""}`,
    huge && `${huge} too large to draw`,
    low && `${low} not above zero, which a log scale cannot show`,
    unplaced && `${unplaced} without a place on this axis`,
    curves.some(({ thinned }) => thinned) && "thinned to the screen's pixels, extremes kept",
  ].filter((part) => typeof part === "string");
  const continued = new Set(bands.flatMap(({ left_out: left }) => left)).size;
  return [
    parts.length && `Points: ${parts.join("; ")}.`,
    continued && `${format.counted(continued, "continued run")} ${continued === 1 ? "is" : "are"} left out of means.`,
  ]
    .filter(Boolean)
    .join(" ");
}
