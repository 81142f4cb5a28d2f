/*
 * The lines of a chart as Plotly traces, so that they are vectors in a saved file: as line-pen.js strokes them.
 */

/** @import { Ground, Line, Mark } from "./line-pen.js" */

const BAND_ALPHA = 0.45;
const SPREAD_ALPHA = 0.2;
const POINT = 5;

/** @typedef {{x: (number | null)[], y: (number | null)[]}} Path */

/** @param {Path} path @param {string} colour as Plotly has it. @param {number} opacity */
const area = (path, colour, opacity) => ({
  type: "scatter",
  mode: "lines",
  ...path,
  fill: "toself",
  fillcolor: colour,
  opacity,
  line: { width: 0 },
});

/** What lies between a line and the one below it. @param {Line} line @param {number[]} below @returns {Path} */
function bandPath({ x, y }, below) {
  const half = x.length === 1 ? 0.5 : 0; // a single epoch is as wide as its cell
  const across = half ? [x[0] - half, x[0] + half] : x;
  const upper = half ? [y[0], y[0]] : y;
  const lower = half ? [below[0], below[0]] : below;
  return { x: [...across, ...[...across].reverse()], y: [...upper, ...[...lower].reverse()] };
}

/** The range around a line, in unbroken stretches of epochs with gaps between them. @param {Line} line @returns {Path} */
function spreadPath({ x, spread = [], joined = false }) {
  /** @type {Path} */
  const path = { x: [], y: [] };
  for (let start = 0; start < x.length; start += 1) {
    if (!spread[start]) continue;
    let stop = start + 1;
    while (spread[stop] && (joined || x[stop] === x[stop - 1] + 1)) stop += 1;
    const half = stop === start + 1 && !joined ? 0.5 : 0;
    const places = half ? [x[start] - half, x[start] + half] : x.slice(start, stop);
    const reach = half ? [spread[start], spread[start]] : spread.slice(start, stop);
    path.x.push(...places, ...[...places].reverse(), null);
    path.y.push(...reach.map((each) => each?.high ?? null), ...[...reach].reverse().map((each) => each?.low ?? null), null);
    start = stop - 1;
  }
  return path;
}

/** A line that turns between two epochs, not at them. @param {Line} line @returns {Path} */
function stepPath({ x, y }) {
  return {
    x: x.flatMap((epoch, place) => (y[place] === null ? [null] : [epoch - 0.5, epoch + 0.5])),
    y: y.flatMap((value) => (value === null ? [null] : [value, value])),
  };
}

/** @param {Line} line */
function stroke(line) {
  const { x, y, name, colour, dash = "solid", width = 2, step = false, alpha = 1 } = line;
  const path = step ? stepPath(line) : { x, y };
  const there = (/** @type {number} */ place) => (y[place] ?? null) !== null;
  const alone = x.map((_, place) => there(place) && !there(place - 1) && !there(place + 1));
  const dots = !step && alone.some(Boolean);
  const marker = { size: alone.map((each) => (each ? POINT : 0)), color: colour, line: { width: 0 } };
  const look = { mode: dots ? "lines+markers" : "lines", line: { color: colour, dash, width }, ...(dots ? { marker } : {}) };
  return { type: "scatter", name: name.replaceAll("<", "&lt;"), ...path, ...look, opacity: alpha, connectgaps: false };
}

/** @param {Line[]} lines with colours that Plotly knows. @returns {object[]} */
export const lineTraces = (lines) => [
  ...lines.flatMap((line) => (line.below ? [area(bandPath(line, line.below), line.colour, BAND_ALPHA)] : [])),
  ...lines.flatMap((line) => (line.spread ? [area(spreadPath(line), line.colour, SPREAD_ALPHA)] : [])),
  ...lines.map(stroke),
  ...lines.flatMap((line) => (line.marks?.length ? [markTrace(line, line.marks)] : [])),
];

/** The best value as a ring, a fork as a square. @param {Line} line @param {Mark[]} marks */
const markTrace = ({ colour, alpha = 1 }, marks) => ({
  type: "scatter",
  mode: "markers",
  x: marks.map(({ x }) => x),
  y: marks.map(({ y }) => y),
  marker: {
    symbol: marks.map(({ kind }) => (kind === "best" ? "circle-open" : "square-open")),
    size: 7,
    color: colour,
    line: { width: 1.5 },
  },
  opacity: alpha,
});

/** Areas behind lines, from edge to edge where they name none. @param {Ground[]} grounds */
export const groundShapes = (grounds) =>
  grounds.map(({ x, y, colour }) => ({
    type: "rect",
    layer: "below",
    fillcolor: colour,
    line: { width: 0 },
    ...(x ? { xref: "x", x0: x[0], x1: x[1] } : { xref: "paper", x0: 0, x1: 1 }),
    ...(y ? { yref: "y", y0: y[0], y1: y[1] } : { yref: "paper", y0: 0, y1: 1 }),
  }));
