/*
 * Strokes of the pen that charts are drawn with: a line, the band under it, the range around it, a ground.
 */

import * as palette from "./palette.js";

const DASHES = { dot: [2, 3], dash: [6, 4], dashdot: [6, 3, 2, 3], longdash: [11, 4], solid: [] };
const USUAL = 2; // pixels of a line's width
const POINT = 2.5;
const MARK = 3.5;
const BAND_ALPHA = 0.45;
const SPREAD_ALPHA = 0.2;

/** @typedef {keyof typeof DASHES} Dash */
/** @typedef {{low: number, high: number}} Spread */

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {number[]} x epochs, rising.
 * @property {(number | null)[]} y
 * @property {string} colour as `var(--…)`.
 * @property {Dash} [dash]
 * @property {number} [width]
 * @property {boolean} [step] a value holds for the whole of its epoch, so the line turns between two of them.
 * @property {number[]} [below] where the band under the line ends; such a line has a value in every epoch.
 * @property {(Spread | null | undefined)[]} [spread] how far its values reach, epoch by epoch.
 * @property {(number | null)[]} [raw] the values themselves, where y is but their places.
 * @property {(value: number, epoch: number) => string} [words]
 * @property {string} [key] by which it is highlighted.
 * @property {number} [alpha]
 * @property {boolean} [silent] its values are not told where the reader points.
 * @property {boolean} [joined] nothing is missing between two places, however far apart they are.
 * @property {Mark[]} [marks]
 */

/** @typedef {{kind: "best" | "fork", x: number, y: number}} Mark a place on a line. */

/** @typedef {{x: number[] | null, y: number[] | null, colour: string, name?: string}} Ground an area behind the lines, from edge to edge where null; a saved legend names it. */

/**
 * @typedef {object} Tools to draw with: a pen, and where an epoch and a value lie in pixels.
 * @property {CanvasRenderingContext2D} pen
 * @property {(epoch: number) => number} across
 * @property {(value: number) => number} up
 */

/** Fills what lies between a line and the one below it. @param {Line} line @param {number[]} below @param {Tools} tools */
export function band({ x, y, colour }, below, { pen, across, up }) {
  if (!x.length) return;
  const above = /** @type {number[]} */ (y);
  const half = x.length === 1 ? 0.5 : 0; // a single epoch is as wide as its cell
  pen.fillStyle = palette.resolve(colour);
  pen.globalAlpha = BAND_ALPHA;
  pen.beginPath();
  for (const [place, epoch] of x.entries()) pen.lineTo(across(epoch - half), up(above[place]));
  if (half) pen.lineTo(across(x[0] + half), up(above[0]));
  if (half) pen.lineTo(across(x[0] + half), up(below[0]));
  for (const [place, epoch] of [...x.entries()].reverse()) pen.lineTo(across(epoch - half), up(below[place]));
  pen.closePath();
  pen.fill();
  pen.globalAlpha = 1;
}

/**
 * Fills what lies between the low and the high values around a line, and nothing where there are none.
 * @param {Line} line @param {NonNullable<Line["spread"]>} reach @param {Tools} tools
 */
export function spread({ x, colour, joined = false, alpha = 1 }, reach, tools) {
  tools.pen.fillStyle = palette.resolve(colour);
  tools.pen.globalAlpha = SPREAD_ALPHA * alpha;
  for (let start = 0; start < x.length; start += 1) {
    /** @type {[epoch: number, Spread][]} an unbroken stretch of epochs. */
    const stretch = [];
    for (let end = start; end < x.length && (joined || x[end] === x[start] + end - start); end += 1) {
      const each = reach[end];
      if (!each) break;
      stretch.push([x[end], each]);
    }
    if (!stretch.length) continue;
    fillSpread(stretch, tools);
    start += stretch.length - 1;
  }
  tools.pen.globalAlpha = 1;
}

/** @param {[epoch: number, Spread][]} stretch @param {Tools} tools */
function fillSpread(stretch, { pen, across, up }) {
  const half = stretch.length === 1 ? 0.5 : 0; // a single epoch is as wide as its cell
  const [[first, only]] = stretch;
  pen.beginPath();
  for (const [epoch, { high }] of stretch) pen.lineTo(across(epoch - half), up(high));
  if (half) for (const value of [only.high, only.low]) pen.lineTo(across(first + half), up(value));
  for (const [epoch, { low }] of stretch.reverse()) pen.lineTo(across(epoch - half), up(low));
  pen.closePath();
  pen.fill();
}

/** Fills an area behind the lines. @param {Ground} ground @param {Tools} tools */
export function fill({ x, y, colour }, { pen, across, up }) {
  const { width, height } = pen.canvas;
  const [left, right] = x ? x.map(across) : [0, width];
  const [bottom, top] = y ? y.map(up) : [height, 0];
  pen.fillStyle = palette.resolve(colour);
  pen.fillRect(left, top, right - left, Math.max(1, bottom - top));
}

/** Draws a line itself. @param {Line} line @param {Tools} tools */
export function stroke({ x, y, colour, dash = "solid", width = 2, step = false, alpha = 1 }, { pen, across, up }) {
  const thick = width * devicePixelRatio;
  pen.globalAlpha = alpha;
  pen.strokeStyle = pen.fillStyle = palette.resolve(colour);
  pen.lineWidth = thick;
  pen.lineJoin = "round";
  // Thin lines have the dashes of usual ones, or nobody could tell them apart.
  pen.setLineDash(DASHES[dash].map((length) => length * Math.max(thick, USUAL * devicePixelRatio) * 0.7));
  pen.beginPath();
  /** @type {number | null} */
  let before = null;
  // An epoch that is missing from x is passed over and the line drawn across it, as forEach does with holes.
  x.forEach((epoch, place) => {
    const value = y[place] ?? null;
    const drawn = before !== null;
    before = value;
    if (value === null) return;
    const at = up(value);
    if (step) {
      if (drawn) pen.lineTo(across(epoch - 0.5), at);
      else pen.moveTo(across(epoch - 0.5), at);
      pen.lineTo(across(epoch + 0.5), at);
    } else if (drawn) pen.lineTo(across(epoch), at);
    else pen.moveTo(across(epoch), at);
  });
  pen.stroke();
  if (!step) dotsAlone({ x, y }, { pen, across, up });
  pen.globalAlpha = 1;
}

/** A value without neighbours is a dot. @param {Pick<Line, "x" | "y">} line @param {Tools} tools */
function dotsAlone({ x, y }, { pen, across, up }) {
  const alone = (/** @type {number} */ place) => (y[place - 1] ?? null) === null && (y[place + 1] ?? null) === null;
  x.forEach((epoch, place) => {
    const value = y[place] ?? null;
    if (value !== null && alone(place)) dot(pen, across(epoch), up(value));
  });
}

/** The best value as a ring, a fork as a square. @param {Line} line @param {Tools} tools */
export function marks({ marks: all = [], colour, alpha = 1 }, { pen, across, up }) {
  const size = MARK * devicePixelRatio;
  pen.globalAlpha = alpha;
  pen.setLineDash([]);
  pen.lineWidth = 2 * devicePixelRatio;
  pen.strokeStyle = palette.resolve(colour);
  pen.fillStyle = palette.token("--neq-surface");
  for (const { kind, x, y } of all) {
    pen.beginPath();
    if (kind === "best") pen.arc(across(x), up(y), size, 0, 7);
    else pen.rect(across(x) - size, up(y) - size, 2 * size, 2 * size);
    pen.fill();
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y */
function dot(pen, x, y) {
  pen.beginPath();
  pen.arc(x, y, POINT * devicePixelRatio, 0, 7);
  pen.fill();
}
