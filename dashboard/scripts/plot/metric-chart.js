/*
 * Lines over steps, or over epochs, on a canvas under Plotly axes: what a run logged by name.
 */

import * as format from "../ui/format.js";
import { Chart } from "./line-chart.js";

/** @import { Axis } from "../api/metrics.js" */
/** @import { AxesOptions } from "./axes.js" */
/** @import { Figure } from "./area.js" */
/** @import { Line } from "./line-pen.js" */

const FEW = 8;
const LONG = 10_000; // from here on ticks are written as 10k

/** The place in `x` that lies nearest; -1: there is none. @param {number[]} x in any order. @param {number} wanted */
export function nearest(x, wanted) {
  let best = -1;
  for (let place = 0; place < x.length; place += 1) {
    if (best === -1 || Math.abs(x[place] - wanted) <= Math.abs(x[best] - wanted)) best = place;
  }
  return best;
}

/**
 * The whole of an axis for values that go on coming: in steps of a few parts of it, so that it seldom moves.
 * @param {Line[]} lines @param {boolean} ended nothing follows. @returns {[number, number] | null} null: there is no value.
 */
export function wholeOf(lines, ended) {
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of lines) {
    for (const place of x) {
      low = Math.min(low, place);
      high = Math.max(high, place);
    }
  }
  if (low > high) return null;
  const span = Math.max(1, high - low);
  const step = Math.max(1, 10 ** Math.floor(Math.log10(span)) / 5);
  const end = ended ? high : low + Math.ceil(span / step) * step;
  const edge = Math.max(0.5, span * 0.01);
  return [low - edge, end + edge];
}

/**
 * A template for one metric.
 * @param {Figure} figure template `metric` of figures.py. @param {string} title
 */
export function titled(figure, title) {
  const own = structuredClone(figure);
  own.layout.title.text = title.replaceAll("<", "&lt;"); // Plotly takes a few tags for markup
  return own;
}

export class MetricChart extends Chart {
  /** @param {AxesOptions & {axis: Axis}} options */
  constructor({ axis, ...options }) {
    super(options);
    this.axis = axis;
    /** @type {number | null} the place that is pointed at, of whichever line. */
    this.at = null;
  }

  get across() {
    return this.axis;
  }

  /** Draws these lines over the whole of their axis. @param {Line[]} lines @param {boolean} ended */
  drawWhole(lines, ended) {
    const whole = wholeOf(lines, ended);
    if (whole) {
      this.#tick(whole);
      this.extend("x", whole);
    }
    this.draw(lines);
  }

  /**
   * Before the axis reaches further: few steps have a tick each, and a million of them would take Plotly minutes.
   * @param {[number, number]} whole
   */
  #tick([start, end]) {
    const { xaxis } = this.figure.layout;
    const tickformat = end < LONG ? "d" : "~s";
    const each = end - start > FEW && this.plot.layout?.xaxis.tickmode === "linear";
    if (each || tickformat !== xaxis.tickformat) {
      this.adjust({ "xaxis.tickmode": "auto", "xaxis.dtick": null, "xaxis.tickformat": tickformat });
    }
    xaxis.tickformat = tickformat;
  }

  /** Of each line the value that lies nearest. @param {number} wanted @returns {string[][]} */
  valuesAt(wanted) {
    this.at = null;
    return this.lines.flatMap(({ name, x, y, colour, words = (value) => format.number(value) }) => {
      const place = nearest(x, wanted);
      const value = place === -1 ? null : y[place];
      if (value === null) return [];
      this.at ??= x[place];
      return [[name, words(value, x[place]), colour]];
    });
  }

  /** @param {number} column */
  headAt(column) {
    return `${this.axis} ${format.count(this.at ?? column)}`;
  }
}
