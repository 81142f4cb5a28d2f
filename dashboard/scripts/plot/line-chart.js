/*
 * Lines over epochs, on a canvas under Plotly axes.
 *
 * Plotly draws a chart of lines whole for each new point (about 11 ms at 190 epochs); here a redraw is a stroke of the pen,
 * and Plotly is asked only when the upright axis has to reach further.
 */

import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Tooltip } from "../ui/tooltip.js";
import { Axes } from "./frame.js";
import * as palette from "./palette.js";

/** @import { Cell, Range } from "./area.js" */
/** @import { AxesOptions } from "./frame.js" */

const DASHES = { dot: [2, 3], dash: [6, 4], solid: [] };
const POINT = 2.5;
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
 * @property {(value: number, epoch: number) => string} [words]
 */

/** @typedef {{x: number[] | null, y: number[] | null, colour: string}} Ground an area behind the lines, from edge to edge where null. */

/**
 * @typedef {object} Tools to draw with: a pen, and where an epoch and a value lie in pixels.
 * @property {CanvasRenderingContext2D} pen
 * @property {(epoch: number) => number} across
 * @property {(value: number) => number} up
 */

/**
 * The next round number at or beyond `value`, downwards or upwards, in steps that suit the span.
 * @param {number} value @param {number} span @param {boolean} up
 */
function round(value, span, up) {
  const step = 10 ** Math.floor(Math.log10(span || 1)) / 2;
  return (up ? Math.ceil(value / step + 1e-9) : Math.floor(value / step - 1e-9)) * step;
}

export class Chart extends Axes {
  /** @param {AxesOptions} options */
  constructor(options) {
    super(options);
    /** @type {Line[]} */
    this.lines = [];
    this.legend = () => this.lines.map(({ name, colour, dash = "solid" }) => ({ name, colour, dash }));
    /** @type {Ground[]} */
    this.grounds = [];
    this.canvas.className = "chart-lines";
    this.tooltip = new Tooltip(this.scope);
    const { yaxis } = this.figure.layout;
    this.log = yaxis.type === "log";
    /** @type {number[]} */
    this.include = yaxis.autorangeoptions?.include || [];
    /** @type {number} */
    this.floor = yaxis.autorangeoptions?.clipmin ?? -Infinity;
    this.fixed = Boolean(yaxis.range);
    this.full.y = yaxis.range ??= this.log ? [-3, 0] : [0, 1];
    /** @type {boolean | undefined} whether the ticks of the upright axis are named. */
    this.named = undefined;
    delete yaxis.autorange;
    delete yaxis.autorangeoptions;
    if (!this.fixed) yaxis.showticklabels = false; // until there are values: the range is made up before
    this.redraw = this.scope.once(() => this.paint());
    this.watchDensity(this.redraw);
    const tell = options.onHover;
    this.onHover = (/** @type {Cell | null} */ cell) => {
      this.#hover(cell);
      tell?.(cell);
    };
  }

  moved() {
    super.moved();
    this.redraw();
  }

  /**
   * Draws these lines in place of the former ones, in the next frame; zoom stays.
   * @param {Line[]} lines @param {Ground[]} [grounds]
   */
  draw(lines, grounds = []) {
    this.lines = lines;
    this.grounds = grounds;
    if (!this.fixed) this.#reach();
    this.redraw();
  }

  /** Widens or narrows the upright axis when the values ask for it, in round steps so that it is seldom. */
  #reach() {
    let [low, high] = [Infinity, -Infinity];
    const take = (/** @type {number} */ value) => {
      const placed = this.log ? Math.log10(value) : value;
      if (!Number.isFinite(placed)) return;
      low = Math.min(low, placed);
      high = Math.max(high, placed);
    };
    for (const { y, spread = [] } of this.lines) {
      for (const value of y) if (value !== null) take(value);
      for (const each of spread) if (each) for (const value of [each.low, each.high]) take(value);
    }
    this.#name(low <= high);
    if (low > high) return;
    for (const value of this.include) take(value);
    const span = Math.max(high - low, this.log ? 0.5 : Math.abs(high) * 0.02, 1e-9);
    const whole = [Math.max(this.floor, round(low - span * 0.03, span, false)), round(high + span * 0.03, span, true)];
    const kept = this.zoomed("y");
    if (whole[0] === this.full.y[0] && whole[1] === this.full.y[1]) return;
    this.full.y = whole;
    if (!kept) this.show({ y: whole });
  }

  /** Names the ticks of the upright axis, or none: those of a range that no value asked for say nothing. @param {boolean} named */
  #name(named) {
    if (this.named === named) return;
    this.named = named;
    this.adjust({ "yaxis.showticklabels": named });
  }

  // ------------------------------------------------------------ pen

  /** @returns {Tools | null} null: there is no room. */
  #pen() {
    const { width, height } = this.fit(this.canvas);
    if (!width || !height) return null;
    const { x, y } = this.range;
    const pen = this.canvas.getContext("2d");
    if (!pen) return null;
    pen.clearRect(0, 0, width, height);
    const across = (/** @type {number} */ epoch) => ((epoch - x[0]) / (x[1] - x[0])) * width;
    const up = (/** @type {number} */ value) => {
      const placed = this.log ? Math.log10(Math.max(value, 1e-12)) : value;
      return height - ((placed - y[0]) / (y[1] - y[0])) * height;
    };
    return { pen, across, up };
  }

  /** Draws all lines, now. */
  paint() {
    const tools = this.scope.ended ? null : this.#pen();
    if (!tools) return;
    for (const ground of this.grounds) this.#fill(ground, tools);
    for (const line of this.lines) if (line.below) this.#band(line, line.below, tools);
    for (const line of this.lines) if (line.spread) this.#spread(line, line.spread, tools);
    for (const line of this.lines) this.#stroke(line, tools);
  }

  /** Fills what lies between a line and the one below it. @param {Line} line @param {number[]} below @param {Tools} tools */
  #band({ x, y, colour }, below, { pen, across, up }) {
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
   * @param {Line} line @param {NonNullable<Line["spread"]>} spread @param {Tools} tools
   */
  #spread({ x, colour }, spread, tools) {
    tools.pen.fillStyle = palette.resolve(colour);
    tools.pen.globalAlpha = SPREAD_ALPHA;
    for (let start = 0; start < x.length; start += 1) {
      /** @type {[epoch: number, Spread][]} an unbroken stretch of epochs. */
      const stretch = [];
      for (let end = start; x[end] === x[start] + end - start; end += 1) {
        const each = spread[end];
        if (!each) break;
        stretch.push([x[end], each]);
      }
      if (!stretch.length) continue;
      this.#fillSpread(stretch, tools);
      start += stretch.length - 1;
    }
    tools.pen.globalAlpha = 1;
  }

  /** @param {[epoch: number, Spread][]} stretch @param {Tools} tools */
  #fillSpread(stretch, { pen, across, up }) {
    const half = stretch.length === 1 ? 0.5 : 0; // a single epoch is as wide as its cell
    const [[first, only]] = stretch;
    pen.beginPath();
    for (const [epoch, { high }] of stretch) pen.lineTo(across(epoch - half), up(high));
    if (half) for (const value of [only.high, only.low]) pen.lineTo(across(first + half), up(value));
    for (const [epoch, { low }] of stretch.reverse()) pen.lineTo(across(epoch - half), up(low));
    pen.closePath();
    pen.fill();
  }

  /** @param {Ground} ground @param {Tools} tools */
  #fill({ x, y, colour }, { pen, across, up }) {
    const { width, height } = this.canvas;
    const [left, right] = x ? x.map(across) : [0, width];
    const [bottom, top] = y ? y.map(up) : [height, 0];
    pen.fillStyle = palette.resolve(colour);
    pen.fillRect(left, top, right - left, Math.max(1, bottom - top));
  }

  /** @param {Line} line @param {Tools} tools */
  #stroke({ x, y, colour, dash = "solid", width = 2, step = false }, { pen, across, up }) {
    const thick = width * devicePixelRatio;
    pen.strokeStyle = pen.fillStyle = palette.resolve(colour);
    pen.lineWidth = thick;
    pen.lineJoin = "round";
    pen.setLineDash(DASHES[dash].map((length) => length * thick * 0.7));
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
    if (x.length === 1 && y[0] !== null && !step) this.#dot(pen, across(x[0]), up(y[0]));
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y */
  #dot(pen, x, y) {
    pen.beginPath();
    pen.arc(x, y, POINT * devicePixelRatio, 0, 7);
    pen.fill();
  }

  // ------------------------------------------------------------ pointing

  /** The value of each line at an epoch: [name, words, colour]. @param {number} epoch */
  valuesAt(epoch) {
    return this.lines.flatMap(({ name, x, y, colour, words = (value) => format.number(value) }) => {
      const place = x.indexOf(epoch);
      const value = place === -1 ? null : y[place];
      return value === null ? [] : [[name, words(value, epoch), colour]];
    });
  }

  /** @param {Cell | null} cell */
  #hover(cell) {
    const values = cell ? this.valuesAt(cell.column) : [];
    if (!cell || !values.length) return this.tooltip.hide();
    const rows = values.flatMap(([name, words, colour]) => [
      element("dt", {}, element("span.swatch", { style: `background: ${colour}` }), ` ${name}`),
      element("dd", {}, words),
    ]);
    const head = element("div.tooltip-head", {}, `epoch ${cell.column}`);
    return this.tooltip.show([head, element("dl", {}, ...rows)], cell.clientX, cell.clientY);
  }

  recolour() {
    super.recolour();
    this.redraw();
  }

  underlay() {
    const place = { xref: "paper", yref: "paper", x: 0, y: 1, sizex: 1, sizey: 1, sizing: "stretch", layer: "below" };
    return [{ ...place, source: this.canvas.toDataURL() }];
  }
}

/** Plots that share their epochs: zooming, pointing and the cursor are of all. */
export class Together {
  #members = /** @type {Set<Axes>} */ (new Set());
  /** @type {((epochs: number[]) => void) | null} called with the epochs that the reader zoomed to, in whichever plot. */
  onShow = null;
  /** @type {number | null} the page's epoch cursor. */
  cursor = null;

  /** Adds a plot and takes over its `onRange`; its own is called as well. @template {Axes} P @param {P} plot */
  add(plot) {
    this.#members.add(plot);
    const own = plot.onRange;
    plot.onRange = (/** @type {Range} */ range) => {
      this.show(range.x, plot);
      this.onShow?.(range.x);
      own?.(range);
    };
    plot.scope.finally(() => this.#members.delete(plot));
    plot.setCursor(this.cursor);
    return plot;
  }

  /** Shows these epochs in all, but for one that does already. @param {number[]} range @param {Axes | null} [except] */
  show(range, except = null) {
    for (const plot of this.#members) if (plot !== except) plot.show({ x: range });
  }

  /** The whole of the epoch axis has grown. @param {number[]} whole */
  extend(whole) {
    for (const plot of this.#members) plot.extend("x", whole);
  }

  /** A hairline at this epoch in all of them; null takes it away. @param {number | null} epoch */
  point(epoch) {
    for (const plot of this.#members) plot.point(epoch);
  }

  /** The page's epoch cursor. @param {number | null} epoch */
  setCursor(epoch) {
    this.cursor = epoch;
    for (const plot of this.#members) plot.setCursor(epoch);
  }
}

/**
 * The epochs an axis shows: the planned ones, halved while not even that half is filled, so that the first epochs of
 * a long run are not a thin strip.
 * @param {number} done @param {number} planned @returns {[number, number]} edges of the first and the last cell.
 */
export function wholeOf(done, planned) {
  let epochs = Math.max(planned, done, 1);
  while (epochs / 2 >= Math.max(done + 1, 12)) epochs = Math.ceil(epochs / 2);
  return [-0.5, epochs - 0.5];
}
