/*
 * A figure as a file has it: the plot under its title and what it is of, above its legend or its scale of colours.
 *
 * All of it is laid out here in pixels of the file, for Plotly puts legends where they hide what they explain. Texts and
 * scales are Plotly annotations and shapes, and so vectors of an SVG.
 */

import { cut, flow, LINE, textRows } from "./saved-text.js";

/** @import { Figure, Key } from "./area.js" */
/** @import { Sheet } from "./paper.js" */
/** @import { Measure } from "./saved-text.js" */

/**
 * @typedef {object} SavedScale colours with their places, 0–1.
 * @property {string} name
 * @property {string[]} colours evenly from the first place to the last.
 * @property {Key | null} none the colour beside the scale.
 * @property {[number, string][]} ticks
 * @property {[number, string][]} marks such as ±ε.
 */

/**
 * @typedef {object} Drawn what is put together; its colours are plain.
 * @property {any} layout Plotly's, of the plot alone.
 * @property {any[]} traces
 * @property {number} ratio height to width of the drawing area on the screen.
 * @property {number} [rows] labels that need a line each.
 * @property {string} title
 * @property {string[]} details what the figure is of, in parts.
 * @property {Key[]} keys
 * @property {SavedScale | null} scale
 * @property {{text: string, muted: string, ground: string}} inks
 */

const PAD = 8;
const SWATCH = 9;
const GAP = 5;
const BAR = 9;
const WIDEST_BAR = 260;
const LEAST = 110; // pixels of the drawing area's height
const TALLEST = 1.2;
const FLATTEST = 0.34;

/** Where the drawing area lies, and turns pixels of the file into Plotly's places. */
class Frame {
  /** @param {{l: number, t: number, w: number, h: number}} box */
  constructor({ l, t, w, h }) {
    this.across = (/** @type {number} */ x) => (x - l) / w;
    this.up = (/** @type {number} */ y) => 1 - (y - t) / h;
    /** @type {object[]} */
    this.shapes = [];
    /** @type {object[]} */
    this.annotations = [];
  }

  /** @param {string} text @param {{x: number, y: number, size: number, colour: string, anchor?: string, weight?: number}} how y: its middle. */
  text(text, { x, y, size, colour, anchor = "left", weight = 400 }) {
    const place = { xref: "paper", yref: "paper", x: this.across(x), y: this.up(y), xanchor: anchor, yanchor: "middle" };
    this.annotations.push({ ...place, text: escaped(text), showarrow: false, borderpad: 0, font: { size, color: colour, weight } });
  }

  /** @param {{x: number, y: number, w: number, h: number}} box @param {object} look */
  box({ x, y, w, h }, look) {
    const place = { x0: this.across(x), x1: this.across(x + w), y0: this.up(y), y1: this.up(y + h) };
    this.shapes.push({ type: "rect", xref: "paper", yref: "paper", ...place, line: { width: 0 }, ...look });
  }

  /** @param {{x0: number, x1: number, y0: number, y1: number}} ends @param {object} line */
  line({ x0, x1, y0, y1 }, line) {
    const place = { x0: this.across(x0), x1: this.across(x1), y0: this.up(y0), y1: this.up(y1) };
    this.shapes.push({ type: "line", xref: "paper", yref: "paper", ...place, line });
  }
}

/** Text that Plotly takes for text. @param {string} text */
export const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** How high the drawing area is. @param {Drawn} drawn @param {Sheet} sheet @param {number} width */
function heightOf({ ratio, rows = 0 }, { font, paper }, width) {
  if (!paper) return Math.max(LEAST, width * ratio);
  const wanted = Math.min(TALLEST, Math.max(FLATTEST, ratio)) * width;
  return Math.max(LEAST, wanted, rows * font * 1.15);
}

/**
 * The whole figure.
 * @param {Drawn} drawn @param {Sheet} sheet @param {Measure} measure @returns {Figure} with `layout.width` and `layout.height`.
 */
export function savedFigure(drawn, sheet, measure) {
  const { layout, keys, scale } = drawn;
  const { width, font } = sheet;
  const inner = width - 2 * PAD;
  const head = headOf(drawn, font, inner, measure);
  const margin = { ...layout.margin, t: PAD + head.height + (layout.margin.t ?? 0), b: layout.margin.b + 2, autoexpand: false };
  const w = width - margin.l - margin.r;
  const h = heightOf(drawn, sheet, w);
  const frame = new Frame({ l: margin.l, t: margin.t, w, h });
  drawHead(frame, head, drawn.inks);
  let below = margin.t + h + margin.b;
  if (scale) below = drawScale(frame, scale, { top: below, font, inner, measure, inks: drawn.inks });
  if (keys.length) below = drawKeys(frame, keys, { top: below, font, inner, measure, inks: drawn.inks });
  const height = Math.ceil(below + PAD / 2);
  const whole = { width, height, margin: { ...margin, b: height - margin.t - h }, showlegend: false, title: { text: "" } };
  return {
    data: drawn.traces,
    layout: {
      ...layout,
      ...whole,
      paper_bgcolor: drawn.inks.ground,
      shapes: [...(layout.shapes ?? []), ...frame.shapes],
      annotations: [...(layout.annotations ?? []), ...frame.annotations],
    },
  };
}

/** @typedef {{lines: {text: string, size: number, weight: number, y: number}[], height: number}} Head */

/** @param {Drawn} drawn @param {number} font @param {number} inner @param {Measure} measure @returns {Head} */
function headOf({ title, details }, font, inner, measure) {
  const size = font * 1.15;
  const titles = textRows(title.split(" "), " ", inner, (text) => measure(text, size, 600));
  const rest = textRows(details, " · ", inner, (text) => measure(text, font, 400));
  const lines = [
    ...titles.map((text, row) => ({ text, size, weight: 600, y: PAD + (row + 0.5) * size * LINE })),
    ...rest.map((text, row) => ({ text, size: font, weight: 400, y: PAD + titles.length * size * LINE + (row + 0.5) * font * LINE })),
  ];
  return { lines, height: titles.length * size * LINE + rest.length * font * LINE + 2 };
}

/** @param {Frame} frame @param {Head} head @param {Drawn["inks"]} inks */
function drawHead(frame, { lines }, { text, muted }) {
  for (const { text: words, size, weight, y } of lines) frame.text(words, { x: PAD, y, size, weight, colour: weight > 400 ? text : muted });
}

/** @typedef {{top: number, font: number, inner: number, measure: Measure, inks: Drawn["inks"]}} Below what is drawn below the plot, from `top`. */

/** Names with their swatches or lines, row by row; answers where it ends. @param {Frame} frame @param {Key[]} keys @param {Below} below */
function drawKeys(frame, keys, { top, font, inner, measure, inks }) {
  const mark = (/** @type {Key} */ { dash }) => (dash ? 2.4 * SWATCH : SWATCH);
  const measured = (/** @type {string} */ text) => measure(text, font, 400);
  const widthOf = (/** @type {Key} */ key) => mark(key) + GAP + measured(key.name);
  const fitting = keys.map((key) => ({ ...key, name: cut(key.name, inner - mark(key) - GAP, measured) }));
  const rows = flow(fitting, inner, widthOf, 2 * GAP + 2);
  for (const [row, members] of rows.entries()) {
    const y = top + (row + 0.5) * font * LINE;
    let x = PAD;
    for (const key of members) {
      drawMark(frame, key, x, y);
      frame.text(key.name, { x: x + mark(key) + GAP, y, size: font, colour: inks.text });
      x += widthOf(key) + 2 * GAP + 2;
    }
  }
  return top + rows.length * font * LINE;
}

/** @param {Frame} frame @param {Key} key @param {number} x @param {number} y */
function drawMark(frame, { colour, dash }, x, y) {
  if (dash) return frame.line({ x0: x, x1: x + 2.4 * SWATCH, y0: y, y1: y }, { color: colour, width: 2, dash });
  return frame.box({ x, y: y - SWATCH / 2, w: SWATCH, h: SWATCH }, { fillcolor: colour, line: { width: 0.5, color: "#8888" } });
}

/** A scale of colours, its ticks below and its marks above; answers where it ends. @param {Frame} frame @param {SavedScale} scale @param {Below} below */
function drawScale(frame, scale, { top, font, inner, measure, inks }) {
  const named = measure(scale.name, font, 400) + 2 * GAP;
  const beside = scale.none ? measure(scale.none.name, font, 400) + SWATCH + 5 * GAP : 2 * GAP;
  const [x, w] = [PAD + named, Math.min(WIDEST_BAR, inner - named - beside)];
  const y = top + (scale.marks.length ? font * LINE + 3 : 0);
  frame.text(scale.name, { x: PAD, y: y + BAR / 2, size: font, colour: inks.text });
  // Each colour reaches to the end, and the next lies over it: side by side, hairlines would be seen between them.
  for (const [place, colour] of scale.colours.entries()) {
    const from = (place / scale.colours.length) * w;
    frame.box({ x: x + from, y, w: w - from, h: BAR }, { fillcolor: colour });
  }
  for (const [place, words] of scale.ticks) {
    frame.line({ x0: x + place * w, x1: x + place * w, y0: y + BAR, y1: y + BAR + 3 }, { color: inks.muted, width: 0.8 });
    frame.text(words, { x: x + place * w, y: y + BAR + 3 + (font * LINE) / 2, size: font, colour: inks.muted, anchor: "center" });
  }
  for (const [place, words] of scale.marks) {
    frame.line({ x0: x + place * w, x1: x + place * w, y0: y - 3, y1: y + BAR }, { color: inks.text, width: 1 });
    frame.text(words, { x: x + place * w, y: y - 3 - (font * LINE) / 2, size: font, colour: inks.text, anchor: "center" });
  }
  if (scale.none) {
    drawMark(frame, scale.none, x + w + 3 * GAP, y + BAR / 2);
    frame.text(scale.none.name, { x: x + w + 3 * GAP + SWATCH + GAP, y: y + BAR / 2, size: font, colour: inks.text });
  }
  return y + BAR + 3 + font * LINE + 2;
}
