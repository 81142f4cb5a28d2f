/*
 * The histogram at the epoch cursor as a file has it: upright bars over the values, and a table of the bins.
 */

import * as palette from "../plot/palette.js";
import { velocityPlace } from "../plot/velocity-scale.js";

/** @import { DataTable } from "../plot/figure-tables.js" */
/** @import { Savable } from "../plot/save-figure.js" */

/**
 * @typedef {object} Histogram
 * @property {number[]} counts neurons by bin.
 * @property {string} name of what is counted, such as `v`.
 * @property {(bin: number) => string} bin in words.
 * @property {any} ticks of the distribution's upright axis.
 * @property {number} epsilon marked on both sides of 0; 0: it has no place.
 * @property {number} epoch
 * @property {{run?: string, layer?: string, more?: string[]}} of what it is of.
 */

const MARGIN = { l: 56, r: 12, t: 8, b: 34 };
const RATIO = 0.5; // height to width of the drawing area

/** Where ±ε lie. @param {Histogram} histogram @returns {object[]} */
export function thresholdsOf({ epsilon }) {
  const line = { color: "var(--neq-just-thawed)", width: 1.5 };
  const places = epsilon > 0 ? [velocityPlace(epsilon), velocityPlace(-epsilon)] : [];
  return places.map((place) => ({ type: "line", xref: "x", yref: "paper", x0: place, x1: place, y0: 0, y1: 1, line }));
}

/** A row for each bin. @param {Histogram} histogram @returns {DataTable} */
export const binsOf = ({ counts, name, bin }) => ({ header: [name, "neurons"], rows: counts.map((count, place) => [bin(place), count]) });

/**
 * What `save-figure.js` asks of a figure.
 * @param {Histogram} histogram @param {Pick<Savable, "scope" | "host" | "Plotly">} where @param {any} axis what both axes look like.
 * @returns {Savable}
 */
export function savedHistogram(histogram, where, axis) {
  const { counts, name, ticks, epoch, of } = histogram;
  const range = { x: [-0.5, counts.length - 0.5], y: [0, Math.max(1, ...counts) * 1.05] };
  const named = { tickmode: "array", tickvals: ticks.tickvals, ticktext: ticks.ticktext, showticklabels: true };
  const layout = {
    margin: MARGIN,
    showlegend: false,
    bargap: 0,
    paper_bgcolor: "#0000",
    plot_bgcolor: "#0000",
    xaxis: { ...axis, ...named, range: range.x },
    yaxis: { ...axis, range: range.y, title: { text: "neurons", standoff: 6 }, nticks: 5, showticklabels: true, tickformat: ",d" },
  };
  const bars = { type: "bar", x: counts.map((_, place) => place), y: counts, marker: { color: "var(--neq-density)", line: { width: 0 } } };
  return {
    ...where,
    plot: { layout },
    figure: { layout },
    marks: { shapes: thresholdsOf(histogram), annotations: [] },
    across: name,
    area: { width: 1, height: RATIO },
    about: () => ({ what: `Histogram of ${name} at epoch ${epoch}`, ...of }),
    drawn: () => palette.resolve({ traces: [bars], range }),
    dataTable: () => binsOf(histogram),
  };
}
