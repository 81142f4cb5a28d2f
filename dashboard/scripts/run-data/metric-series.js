/*
 * The points of one metric as far as a chart needs them: all of them, or thinned to its pixels by the server.
 */

/** @import { MetricSeries as Answer } from "../../types/pages" */
/** @import { Axis } from "../api/metrics.js" */

/** @typedef {Pick<Answer, "steps" | "epochs" | "values" | "thinned">} Points in the order in which they were logged. */

/** The server thins to at most four points a column; a chart may have twice as many before it asks anew. */
const MOST_A_COLUMN = 8;

export class MetricSeries {
  /** @param {Axis} axis @param {number} columns of pixels that it is drawn in. */
  constructor(axis, columns) {
    this.axis = axis;
    this.columns = columns;
    /** Points that the server had: the place to go on from. */
    this.points = 0;
    /** Whether points were left out. */
    this.thinned = false;
    /** @type {number[]} */
    this.steps = [];
    /** @type {(number | null)[]} */
    this.epochs = [];
    /** @type {(number | null)[]} */
    this.values = [];
    /** A stretch of the axis that the reader zoomed to, and its points, of which more are left than of the whole. */
    this.close = /** @type {{range: [number, number], points: Points} | null} */ (null);
  }

  /** What is to be drawn: of the stretch that was zoomed to its own points, around it those of the whole. @returns {Points} */
  get drawn() {
    if (!this.close) return this;
    const { range, points } = this.close;
    const places = this.axis === "epoch" ? this.epochs : this.steps;
    const before = places.findIndex((place) => place !== null && place >= range[0]);
    const behind = places.findIndex((place) => place !== null && place > range[1]);
    const [head, tail] = [before === -1 ? places.length : before, behind === -1 ? places.length : behind];
    /** @template T @param {T[]} all @param {T[]} inside */
    const joined = (all, inside) => [...all.slice(0, head), ...inside, ...all.slice(tail)];
    return {
      steps: joined(this.steps, points.steps),
      epochs: joined(this.epochs, points.epochs),
      values: joined(this.values, points.values),
      thinned: points.thinned,
    };
  }

  /** The place to ask from: behind what is here, or anew where more would be too many to draw. */
  get after() {
    return this.values.length > MOST_A_COLUMN * this.columns ? 0 : this.points;
  }

  /** Takes an answer up; whether anything is new. @param {Answer} answer */
  take(answer) {
    const more = answer.after > 0;
    if (more && answer.after !== this.points) return false; // asked for before another answer came
    if (!more) [this.steps, this.epochs, this.values, this.thinned] = [[], [], [], false];
    for (const key of /** @type {const} */ (["steps", "epochs", "values"])) append(this[key], answer[key]);
    const changed = !more || answer.points !== this.points;
    this.points = answer.points;
    this.thinned ||= answer.thinned;
    return changed;
  }
}

/** A spread of a hundred thousand arguments would be too much for a call. @param {unknown[]} to @param {unknown[]} from */
function append(to, from) {
  for (const each of from) to.push(each);
}

/** @typedef {{x: number[], y: (number | null)[]}} Line */
/** @typedef {Line & {spread: ({low: number, high: number} | null)[]}} Spread */

/** Every point at its step. @param {Points} series @returns {Line} */
export const byStep = ({ steps, values }) => ({ x: steps, y: values });

/**
 * Of each epoch its last value, and how far its values reach. Points that were logged without an epoch are left out.
 * @param {Points} series @returns {Spread}
 */
export function byEpoch({ epochs, values }) {
  /** @type {Map<number, {last: number | null, low: number, high: number, count: number}>} */
  const found = new Map();
  for (const [place, epoch] of epochs.entries()) {
    if (epoch === null) continue;
    const value = values[place];
    const before = found.get(epoch) ?? { last: null, low: Infinity, high: -Infinity, count: 0 };
    const low = Math.min(before.low, value ?? Infinity);
    const high = Math.max(before.high, value ?? -Infinity);
    found.set(epoch, { last: value, low, high, count: before.count + 1 });
  }
  const x = [...found.keys()].sort((a, b) => a - b);
  const each = x.map((epoch) => /** @type {NonNullable<ReturnType<typeof found.get>>} */ (found.get(epoch)));
  return {
    x,
    y: each.map(({ last }) => last),
    spread: each.map(({ low, high, count }) => (count > 1 && low <= high ? { low, high } : null)),
  };
}
