/*
 * Lines over epochs, on a canvas under Plotly axes.
 *
 * Plotly draws a chart of lines whole for each new point (about 11 ms at 190 epochs); here a redraw is a stroke of the pen,
 * and Plotly is asked only when the upright axis has to reach further.
 */

import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Tooltip } from "../ui/tooltip.js";
import { Axes } from "./axes.js";
import { linesTable } from "./figure-tables.js";
import * as linePen from "./line-pen.js";
import * as palette from "./palette.js";
import { groundShapes, lineTraces } from "./saved-lines.js";
import { spanWords } from "./saved-text.js";

/** @import { Cell, Range } from "./area.js" */
/** @import { AxesOptions } from "./axes.js" */
/** @import { Ground, Line, Tools } from "./line-pen.js" */

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
    this.legend = () => [
      ...this.lines.map(({ name, colour, dash = "solid" }) => ({ name, colour, dash })),
      ...new Map(this.grounds.flatMap(({ name, colour }) => (name ? [[name, { name, colour }]] : []))).values(),
    ];
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

  /** Whether the upright axis is logarithmic from now on; the lines are to be drawn next. @param {boolean} log */
  scaleBy(log) {
    if (this.log === log) return;
    this.log = log;
    this.full.y = log ? [-3, 0] : [0, 1];
    this.adjust({
      "yaxis.type": log ? "log" : "linear",
      "yaxis.range": [...this.full.y],
      "yaxis.minallowed": null,
      "yaxis.maxallowed": null,
    });
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
    for (const ground of this.grounds) linePen.fill(ground, tools);
    for (const line of this.lines) if (line.below) linePen.band(line, line.below, tools);
    for (const line of this.lines) if (line.spread) linePen.spread(line, line.spread, tools);
    for (const line of this.lines) linePen.stroke(line, tools);
    for (const line of this.lines) if (line.marks) linePen.marks(line, tools);
  }

  // ------------------------------------------------------------ pointing

  /** The value of each line at an epoch: [name, words, colour]. @param {number} epoch @param {Cell | null} [_at] where exactly, for heirs. */
  valuesAt(epoch, _at) {
    return this.lines.flatMap(({ name, x, y, colour, words = (value) => format.number(value) }) => {
      const place = x.indexOf(epoch);
      const value = place === -1 ? null : y[place];
      return value === null ? [] : [[name, words(value, epoch), colour]];
    });
  }

  /** What the values of a column are the values of. @param {number} column */
  headAt(column) {
    return `epoch ${column}`;
  }

  /** @param {Cell | null} cell */
  #hover(cell) {
    const values = cell ? this.valuesAt(cell.column, cell) : [];
    if (!cell || !values.length) return this.tooltip.hide();
    const rows = values.flatMap(([name, words, colour]) => [
      element("dt", {}, element("span.swatch", { style: `background: ${colour}` }), ` ${name}`),
      element("dd", {}, words),
    ]);
    const head = element("div.tooltip-head", {}, this.headAt(cell.column));
    return this.tooltip.show([head, element("dl", {}, ...rows)], cell.clientX, cell.clientY);
  }

  recolour() {
    super.recolour();
    this.redraw();
  }

  /** The lines as traces, so that a file has them as vectors. */
  drawn() {
    const { lines, grounds, range } = this;
    const [left, right] = range.x;
    const places = lines.flatMap(({ x }) => x.filter((at) => at >= left && at <= right));
    const span = spanWords(this.across, ...ends(places));
    return {
      traces: [...this.plot.data, ...lineTraces(palette.resolve(lines))],
      shapes: groundShapes(palette.resolve(grounds)),
      range,
      span,
    };
  }

  dataTable() {
    return this.data
      ? super.dataTable()
      : linesTable(this.lines, { across: this.across, range: this.range.x, of: this.of, unit: this.unit });
  }

  /** What its lines are of. */
  get of() {
    return this.figure.layout.title?.text ?? "";
  }

  get unit() {
    return this.figure.layout.yaxis.tickformat?.endsWith("%") ? "fraction" : "";
  }
}

/** @param {number[]} places @returns {[number, number]} */
const ends = (places) => [places.reduce((a, b) => Math.min(a, b), Infinity), places.reduce((a, b) => Math.max(a, b), -Infinity)];

/** Plots that share their epochs: zooming, pointing and the cursor are of all. */
export class Together {
  #members = /** @type {Set<Axes>} */ (new Set());
  #owns = /** @type {WeakSet<Axes>} */ (new WeakSet()); // whose zoom is taken over
  /** @type {((epochs: number[]) => void) | null} called with the epochs that the reader zoomed to, in whichever plot. */
  onShow = null;
  /** @type {((epoch: number) => void) | null} called with an epoch that the reader clicked at, where a page asks for it. */
  onChoose = null;
  /** @type {number | null} the page's epoch cursor. */
  cursor = null;

  /** Adds a plot and takes over its `onRange`; its own is called as well. @template {Axes} P @param {P} plot */
  add(plot) {
    this.#members.add(plot);
    plot.setCursor(this.cursor);
    if (this.#owns.has(plot)) return plot; // taken back
    const own = plot.onRange;
    this.#owns.add(plot);
    plot.onRange = (/** @type {Range} */ range) => {
      if (this.#members.has(plot)) {
        this.show(range.x, plot);
        this.onShow?.(range.x);
      }
      own?.(range);
    };
    plot.scope.finally(() => this.#members.delete(plot));
    return plot;
  }

  /** Leaves a plot to itself, whose axis is another for now. @param {Axes} plot */
  release(plot) {
    if (!this.#members.delete(plot)) return;
    plot.setCursor(null);
    plot.point(null);
  }

  /** Shows these epochs in all, but for one that does already. @param {number[]} range @param {Axes | null} [except] */
  show(range, except = null) {
    for (const plot of this.#members) if (plot !== except) plot.show({ x: range });
  }

  /** None of those that have no axes will have any. @param {string} words why. */
  fail(words) {
    for (const plot of this.#members) plot.fail(words);
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
