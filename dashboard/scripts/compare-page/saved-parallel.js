/*
 * Parallel coordinates as a file has them: Plotly traces over upright axes of our own, and a table of their values.
 */

import * as palette from "../plot/palette.js";
import { escaped } from "../plot/saved-figure.js";
import * as format from "../ui/format.js";
import { reachOf, ticksOf } from "./parallel-plot.js";

/** @import { DataTable } from "../plot/figure-tables.js" */
/** @import { Savable } from "../plot/save-figure.js" */
/** @import { Sheet } from "../plot/paper.js" */
/** @import { Dimension } from "./dimensions.js" */
/** @import { Member } from "./members.js" */
/** @import { Ranges } from "./parallel-plot.js" */

/**
 * @typedef {object} Parallel
 * @property {Dimension[]} dimensions
 * @property {Member[]} members
 * @property {Ranges} ranges
 * @property {boolean[] | null} inside which runs are within the brushes; null: nothing is brushed.
 */

const MARGIN = { l: 14, r: 76, t: 66, b: 6 };
const RATIO = 0.45; // height to width of the drawing area
const NONE = -0.08; // where runs pass that have no value on an axis
const SIGNS = 24;
const SIGN_WIDTH = 0.5; // of the text's size
const LEFT_OUT = 0.12;
const ANGLE = -30; // of names, which have no room beside each other
const GROUND = { xref: "x", yref: "y" };

/** Where a place lies on its axis, 0–1. @param {Dimension} dimension @param {number | null} place */
function heightOf(dimension, place) {
  if (place === null) return NONE;
  const [low, high] = reachOf(dimension);
  return (place - low) / (high - low);
}

/** Runs outside of the brushes first, so that the others lie on top. @param {Parallel} parallel @returns {object[]} */
function tracesOf({ dimensions, members, inside }) {
  const traces = members.map(({ ink, name }, run) => ({
    type: "scatter",
    mode: "lines",
    name: escaped(name),
    x: dimensions.map((_, at) => at),
    y: dimensions.map((dimension) => heightOf(dimension, dimension.places[run] ?? null)),
    line: { color: ink.colour, dash: ink.dash, width: 1.5 },
    opacity: inside === null || inside[run] ? 0.9 : LEFT_OUT,
  }));
  return traces.sort((a, b) => a.opacity - b.opacity);
}

/** Axes, and what is brushed on them. @param {Parallel} parallel @returns {object[]} */
export function shapesOf({ dimensions, ranges }) {
  const line = { color: "var(--neq-border-strong)", width: 1.2 };
  const within = (/** @type {number} */ height) => Math.max(0, Math.min(1, height));
  return dimensions.flatMap((dimension, at) => [
    { type: "line", ...GROUND, x0: at, x1: at, y0: 0, y1: 1, layer: "below", line },
    ...(ranges[dimension.key] ?? []).map(([low, high]) => ({
      type: "rect",
      ...GROUND,
      x0: at - 0.03,
      x1: at + 0.03,
      y0: within(heightOf(dimension, low)),
      y1: within(heightOf(dimension, high)),
      fillcolor: "var(--neq-accent)",
      opacity: 0.35,
      line: { width: 0 },
    })),
  ]);
}

/** Numbers lose digits before they lose their beginning. @param {string} words @param {number} most signs. @param {boolean} isNumber */
function short(words, most, isNumber) {
  const fewer = isNumber && words.length > most ? String(Number(Number(words).toPrecision(2))) : words;
  return format.ending(fewer === "NaN" ? words : fewer, most);
}

/** Ticks and names, as short as the sheet asks for. @param {Parallel} parallel @param {Sheet} sheet @returns {object[]} */
export function wordsOf({ dimensions }, { width, font }) {
  const gap = (width - MARGIN.l - MARGIN.r) / Math.max(1, dimensions.length - 1);
  const signs = Math.max(3, Math.floor(gap / (font * SIGN_WIDTH)) - 1);
  const look = { ...GROUND, showarrow: false, xanchor: "left", borderpad: 0 };
  return dimensions.flatMap((dimension, at) => [
    ...[...ticksOf(dimension), ...(dimension.places.includes(null) ? [[null, "none"]] : [])].map(([place, words]) => ({
      ...look,
      x: at,
      xshift: 3,
      y: heightOf(dimension, /** @type {number | null} */ (place)),
      yanchor: "middle",
      text: escaped(short(String(words), signs, dimension.kinds === null)),
      font: { size: font, color: "var(--neq-axis)" },
    })),
    {
      ...look,
      x: at,
      xshift: -4,
      y: 1,
      yshift: 4,
      yanchor: "bottom",
      textangle: ANGLE,
      text: escaped(format.ending(dimension.name, SIGNS)),
      font: { size: font, color: "var(--neq-text)" },
    },
  ]);
}

/** A row for each run that is within the brushes: its values, as they were recorded. @param {Parallel} parallel @returns {DataTable} */
export function tableOf({ dimensions, members, inside }) {
  const recorded = (/** @type {Dimension} */ { places, kinds, log }, /** @type {number} */ run) => {
    const place = places[run] ?? null;
    if (place === null) return null;
    if (kinds) return kinds[place];
    return log ? Number((10 ** place).toPrecision(12)) : place;
  };
  const rows = members.flatMap(({ name }, run) =>
    inside && !inside[run] ? [] : [[name, ...dimensions.map((dimension) => recorded(dimension, run))]],
  );
  return { header: ["run", ...dimensions.map(({ name }) => name)], rows };
}

/**
 * What `save-figure.js` asks of a figure.
 * @param {Parallel} parallel @param {Pick<Savable, "scope" | "host" | "Plotly">} where @returns {Savable}
 */
export function savedParallel(parallel, where) {
  const { dimensions, members, inside } = parallel;
  const kept = members.filter((_, run) => inside === null || inside[run]);
  const axis = { visible: false, fixedrange: true };
  const some = dimensions.some(({ places }) => places.includes(null));
  const range = { x: [0, Math.max(1, dimensions.length - 1)], y: [some ? NONE - 0.03 : -0.02, 1.02] };
  const layout = { margin: MARGIN, showlegend: false, paper_bgcolor: "#0000", plot_bgcolor: "#0000", xaxis: axis, yaxis: axis };
  const counted = format.counted(members.length, "run");
  return {
    ...where,
    plot: { layout },
    figure: { layout },
    marks: { shapes: [], annotations: [] },
    across: "",
    area: { width: 1, height: RATIO },
    about: () => ({ what: "Parallel coordinates", more: [inside ? `${kept.length} of ${counted} brushed` : counted] }),
    legend: () => kept.map(({ name, ink }) => ({ name, colour: ink.colour, dash: ink.dash })),
    drawn: (sheet) =>
      palette.resolve({ traces: tracesOf(parallel), shapes: shapesOf(parallel), annotations: wordsOf(parallel, sheet), range }),
    dataTable: () => tableOf(parallel),
  };
}
