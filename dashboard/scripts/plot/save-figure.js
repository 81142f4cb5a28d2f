/*
 * Saving a plot: as a picture in the size of a paper's column, or its data. Nothing of the page changes by it.
 */

import { ApiError } from "../api/client.js";
import { csvPieces } from "../ui/csv.js";
import { fileName, saveFile } from "../ui/files.js";
import { notice } from "../ui/shell.js";
import { pngOf, svgOf } from "./figure-files.js";
import * as palette from "./palette.js";
import { sheetOf } from "./paper.js";
import { askChoice } from "./save-dialog.js";
import { savedFigure } from "./saved-figure.js";
import { canvasMeasure, FONT } from "./saved-text.js";

/** @import { About, Figure, Key, Marks } from "./area.js" */
/** @import { Drawn } from "./axes.js" */
/** @import { Sheet } from "./paper.js" */
/** @import { Choice } from "./save-dialog.js" */
/** @import { SavedScale } from "./saved-figure.js" */
/** @import { DataTable } from "./figure-tables.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/**
 * @typedef {object} Savable a figure that can be saved: Axes is one.
 * @property {Scope} scope
 * @property {HTMLElement} host
 * @property {any} Plotly
 * @property {{layout: any}} plot as it is drawn.
 * @property {Pick<Figure, "layout">} figure its template.
 * @property {Marks} marks
 * @property {string} across what its horizontal axis is of.
 * @property {{width: number, height: number}} area the drawing area's.
 * @property {() => About} about
 * @property {() => Key[]} [legend]
 * @property {() => SavedScale | null} [scale]
 * @property {(sheet: Sheet) => Drawn} drawn
 * @property {() => DataTable | Promise<DataTable>} dataTable
 */

const AXIS_PIXELS = 34; // below the drawing area: ticks, and what the axis is of
const INKS = ["tickcolor", "linecolor", "gridcolor"];

/** An axis as it is seen, in the colours that are asked for now. @param {Savable} axes @param {"xaxis" | "yaxis"} name @param {Sheet} sheet */
function axisOf(axes, name, { font }) {
  const own = axes.plot.layout[name];
  const inks = palette.resolve(axes.figure.layout[name]);
  const colours = Object.fromEntries(INKS.filter((ink) => inks[ink]).map((ink) => [ink, inks[ink]]));
  const size = Math.min(own.tickfont?.size ?? font, font);
  return { ...own, ...colours, tickfont: { ...own.tickfont, size }, title: { ...own.title, font: { size: font } } };
}

/** The plot's own layout for a file. @param {Savable} axes @param {Sheet} sheet */
function layoutOf(axes, sheet) {
  const { layout } = axes.plot;
  const marks = palette.resolve(axes.marks);
  const xaxis = { ...axisOf(axes, "xaxis", sheet), title: { text: axes.across, standoff: 4, font: { size: sheet.font } } };
  const margin = { ...layout.margin, b: AXIS_PIXELS, ...(layout.title?.text ? { t: 6 } : {}) };
  const font = { family: FONT, size: sheet.font, color: palette.token("--neq-axis") };
  return { ...layout, ...marks, font, margin, xaxis, yaxis: axisOf(axes, "yaxis", sheet) };
}

/** @param {Savable} axes @param {Sheet} sheet @returns {Figure} */
function compose(axes, sheet) {
  const { traces, images = [], shapes = [], annotations = [], range, span } = axes.drawn(sheet);
  const layout = layoutOf(axes, sheet);
  for (const axis of /** @type {const} */ (["x", "y"])) layout[`${axis}axis`].range = range[axis];
  const { what, run, layer, more = [] } = axes.about();
  const { width, height } = axes.area;
  const labels = layout.yaxis.tickmode === "array" && layout.yaxis.range[0] > layout.yaxis.range[1] ? layout.yaxis.tickvals.length : 0;
  const inks = { text: "--neq-text", muted: "--neq-muted", ground: "--neq-surface" };
  return savedFigure(
    {
      layout: { ...layout, images, shapes: [...shapes, ...layout.shapes], annotations: [...annotations, ...layout.annotations] },
      traces,
      ratio: height / width,
      rows: labels,
      title: what,
      details: [run, layer, span, ...more].filter((each) => typeof each === "string"),
      keys: palette.resolve(axes.legend?.() ?? []),
      scale: palette.resolve(axes.scale?.() ?? null),
      inks: { text: palette.token(inks.text), muted: palette.token(inks.muted), ground: palette.token(inks.ground) },
    },
    sheet,
    canvasMeasure(),
  );
}

/** The plot as a file shows it, in this size; papers are white. @param {Savable} axes @param {Sheet} sheet */
export const figureOf = (axes, sheet) => (sheet.paper ? palette.onPaper(() => compose(axes, sheet)) : compose(axes, sheet));

/** Saves it as the reader chose. @param {Savable} axes @param {Choice} choice */
export async function saveAs(axes, { kind, size }) {
  const { run, layer, what } = axes.about();
  const name = fileName([run, layer, what], kind);
  if (kind === "csv") {
    const { header, rows } = await axes.dataTable();
    return saveFile(await csvPieces(header, rows), "text/csv", name);
  }
  const sheet = sheetOf(size, axes.host.clientWidth);
  const figure = figureOf(axes, sheet);
  const svg = await svgOf(axes.Plotly, figure);
  if (kind === "svg") return saveFile([svg], "image/svg+xml", name);
  return saveFile([await pngOf(svg, figure.layout, sheet)], "image/png", name);
}

/** Asks what to save, and saves it; says so where it cannot. @param {Savable} axes */
export async function askAndSave(axes) {
  const { what, run, layer } = axes.about();
  const choice = await askChoice(axes.scope, [run, layer, what].filter(Boolean).join(" · "));
  if (!choice) return;
  try {
    await saveAs(axes, choice);
  } catch (problem) {
    if (axes.scope.ended) return;
    const told = problem instanceof ApiError;
    if (!told) reportError(problem);
    notice(told ? problem.message : "Reload the page and try again.", "bad", "The figure could not be saved");
  }
}
