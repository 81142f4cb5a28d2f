// @ts-nocheck (types to come)
/*
 * Chart: lines over epochs, on a canvas under Plotly axes.
 *
 * Plotly draws a chart of lines whole for each new point (about 11 ms at 190 epochs); here a redraw is a stroke of the pen,
 * and Plotly is asked only when the upright axis has to reach further.
 */

import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Tooltip } from "../ui/tooltip.js";
import { Axes } from "./frame.js";
import * as palette from "./palette.js";

const DASHES = { dot: [2, 3], dash: [6, 4], solid: [] };
const POINT = 2.5;
const BAND_ALPHA = 0.45;
const SPREAD_ALPHA = 0.2;

/** The next round number at or beyond `value`, downwards or upwards, in steps that suit the span. */
function round(value, span, up) {
  const step = 10 ** Math.floor(Math.log10(span || 1)) / 2;
  return (up ? Math.ceil(value / step + 1e-9) : Math.floor(value / step - 1e-9)) * step;
}

export class Chart extends Axes {
  constructor(options) {
    super(options);
    this.lines = [];
    this.legend = () => this.lines.map(({ name, colour, dash = "solid" }) => ({ name, colour, dash }));
    this.grounds = [];
    this.canvas = Object.assign(document.createElement("canvas"), { className: "chart-lines" });
    this.describe(this.name);
    this.host.prepend(this.canvas);
    this.tooltip = new Tooltip(this.scope);
    const { yaxis } = this.figure.layout;
    this.log = yaxis.type === "log";
    this.include = yaxis.autorangeoptions?.include || [];
    this.floor = yaxis.autorangeoptions?.clipmin ?? -Infinity;
    this.fixed = Boolean(yaxis.range);
    this.full.y = yaxis.range ??= this.log ? [-3, 0] : [0, 1];
    delete yaxis.autorange;
    delete yaxis.autorangeoptions;
    if (!this.fixed) yaxis.showticklabels = false; // until there are values: the range is made up before
    this.redraw = this.scope.once(() => this.paint());
    this.watchDensity(this.redraw);
    const tell = options.onHover;
    this.onHover = (cell) => {
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
   *
   * @param {{name: string, x: number[], y: (number|null)[], colour: string, dash?: "solid"|"dot"|"dash", width?: number,
   *   step?: boolean, below?: number[], spread?: ({low: number, high: number}|null|undefined)[], words?: (value: number, epoch: number) => string}[]} lines colour as `var(--…)`;
   *   x rises; `step`: a value holds for the whole of its epoch, so the line turns between two of them; `below`: where the
   *   band under the line ends; `spread`: how far its values reach, epoch by epoch.
   * @param {{x: [number, number]|null, y: [number, number]|null, colour: string}[]} [grounds] areas behind the lines, from
   *   edge to edge where null.
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
    const take = (value) => {
      const placed = this.log ? Math.log10(value) : value;
      if (!Number.isFinite(placed)) return;
      low = Math.min(low, placed);
      high = Math.max(high, placed);
    };
    for (const { y, spread = [] } of this.lines) {
      for (const value of y) if (value !== null) take(value);
      for (const each of spread) if (each) [each.low, each.high].forEach(take);
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

  /** Names the ticks of the upright axis, or none: those of a range that no value asked for say nothing. */
  #name(named) {
    if (this.named === named) return;
    this.named = named;
    this.adjust({ "yaxis.showticklabels": named });
  }

  // ------------------------------------------------------------ pen

  #pen() {
    const { width, height } = this.fit(this.canvas);
    if (!width || !height) return null;
    const { x, y } = this.range;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const across = (epoch) => ((epoch - x[0]) / (x[1] - x[0])) * width;
    const up = (value) => {
      const placed = this.log ? Math.log10(Math.max(value, 1e-12)) : value;
      return height - ((placed - y[0]) / (y[1] - y[0])) * height;
    };
    return { pen, across, up };
  }

  /** Draws all lines, now. */
  paint() {
    const tools = !this.scope.ended && this.#pen();
    if (!tools) return;
    for (const ground of this.grounds) this.#fill(ground, tools);
    for (const line of this.lines) if (line.below) this.#band(line, tools);
    for (const line of this.lines) if (line.spread) this.#spread(line, tools);
    for (const line of this.lines) this.#stroke(line, tools);
  }

  /** Fills what lies between a line and the one below it. */
  #band({ x, y, below, colour }, { pen, across, up }) {
    if (!x.length) return;
    const half = x.length === 1 ? 0.5 : 0; // a single epoch is as wide as its cell
    pen.fillStyle = palette.resolve(colour);
    pen.globalAlpha = BAND_ALPHA;
    pen.beginPath();
    for (const [place, epoch] of x.entries()) pen.lineTo(across(epoch - half), up(y[place]));
    if (half) pen.lineTo(across(x[0] + half), up(y[0]));
    if (half) pen.lineTo(across(x[0] + half), up(below[0]));
    for (const [place, epoch] of [...x.entries()].reverse()) pen.lineTo(across(epoch - half), up(below[place]));
    pen.closePath();
    pen.fill();
    pen.globalAlpha = 1;
  }

  /** Fills what lies between the low and the high values around a line, and nothing where there are none. */
  #spread({ x, spread, colour }, { pen, across, up }) {
    pen.fillStyle = palette.resolve(colour);
    pen.globalAlpha = SPREAD_ALPHA;
    for (let start = 0; start < x.length; start += 1) {
      let end = start;
      while (spread[end] && x[end] === x[start] + end - start) end += 1;
      if (end === start) continue;
      const half = end === start + 1 ? 0.5 : 0; // a single epoch is as wide as its cell
      const places = Array.from({ length: end - start }, (_, place) => start + place);
      pen.beginPath();
      for (const place of places) pen.lineTo(across(x[place] - half), up(spread[place].high));
      if (half) for (const key of ["high", "low"]) pen.lineTo(across(x[start] + half), up(spread[start][key]));
      for (const place of places.reverse()) pen.lineTo(across(x[place] - half), up(spread[place].low));
      pen.closePath();
      pen.fill();
      start = end - 1;
    }
    pen.globalAlpha = 1;
  }

  #fill({ x, y, colour }, { pen, across, up }) {
    const { width, height } = this.canvas;
    const [left, right] = x ? x.map(across) : [0, width];
    const [bottom, top] = y ? y.map(up) : [height, 0];
    pen.fillStyle = palette.resolve(colour);
    pen.fillRect(left, top, right - left, Math.max(1, bottom - top));
  }

  #stroke({ x, y, colour, dash = "solid", width = 2, step = false }, { pen, across, up }) {
    const thick = width * devicePixelRatio;
    pen.strokeStyle = pen.fillStyle = palette.resolve(colour);
    pen.lineWidth = thick;
    pen.lineJoin = "round";
    pen.setLineDash(DASHES[dash].map((length) => length * thick * 0.7));
    pen.beginPath();
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

  #dot(pen, x, y) {
    pen.beginPath();
    pen.arc(x, y, POINT * devicePixelRatio, 0, 7);
    pen.fill();
  }

  // ------------------------------------------------------------ pointing

  /** The value of each line at an epoch: [name, words, colour]. */
  valuesAt(epoch) {
    return this.lines.flatMap(({ name, x, y, colour, words = format.number }) => {
      const place = x.indexOf(epoch);
      return place === -1 || y[place] === null ? [] : [[name, words(y[place], epoch), colour]];
    });
  }

  #hover(cell) {
    const values = cell ? this.valuesAt(cell.column) : [];
    if (!values.length) return this.tooltip.hide();
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
  #members = new Set();
  /** Called with the epochs that the reader zoomed to, in whichever plot. */
  onShow = null;

  /** Adds a plot and takes over its `onRange`; its own is called as well. */
  add(plot) {
    this.#members.add(plot);
    const own = plot.onRange;
    plot.onRange = (range) => {
      this.show(range.x, plot);
      this.onShow?.(range.x);
      own?.(range);
    };
    plot.scope.finally(() => this.#members.delete(plot));
    plot.setCursor(this.cursor ?? null);
    return plot;
  }

  /** Shows these epochs in all, but for one that does already. */
  show(range, except = null) {
    for (const plot of this.#members) if (plot !== except) plot.show({ x: range });
  }

  /** The whole of the epoch axis has grown. */
  extend(whole) {
    for (const plot of this.#members) plot.extend("x", whole);
  }

  /** A hairline at this epoch in all of them; null takes it away. */
  point(epoch) {
    for (const plot of this.#members) plot.point(epoch);
  }

  /** The page's epoch cursor. */
  setCursor(epoch) {
    this.cursor = epoch;
    for (const plot of this.#members) plot.setCursor(epoch);
  }
}

/**
 * The epochs an axis shows: the planned ones, halved while not even that half is filled, so that the first epochs of
 * a long run are not a thin strip.
 *
 * @returns {[number, number]} edges of the first and the last cell.
 */
export function wholeOf(done, planned) {
  let epochs = Math.max(planned, done, 1);
  while (epochs / 2 >= Math.max(done + 1, 12)) epochs = Math.ceil(epochs / 2);
  return [-0.5, epochs - 0.5];
}
