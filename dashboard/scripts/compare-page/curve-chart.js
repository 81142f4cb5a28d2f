/*
 * One metric of many runs, on a canvas under Plotly axes: any axis across, one of the lines lit.
 */

import { Chart } from "../plot/line-chart.js";
import { nearest } from "../plot/metric-chart.js";
import { say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { placeWords } from "./axis-units.js";

/** @import { Cell } from "../plot/area.js" */
/** @import { AxesOptions } from "../plot/axes.js" */
/** @import { Line } from "../plot/line-pen.js" */
/** @import { Unit } from "./axis-units.js" */
/** @import { Axis } from "./look.js" */

const DIM = 0.22;
const MOST_TOLD = 8; // values of lines in the tooltip
const NEAR_PIXELS = 24;
const EDGE = 0.02;

/** A line's value where the reader points. @typedef {{line: Line, value: number, place: number, far: number}} Seen */

export class CurveChart extends Chart {
  /** @param {AxesOptions & {under: HTMLElement, onLight: (key: string | null) => void}} options `under`: where the axis is named. */
  constructor({ under, onLight, ...options }) {
    super({
      ...options,
      onHover: (cell) => this.#tell(cell, options.onHover),
      about: () => ({ what: this.of, more: [`over ${this.axisUnit.title}`] }),
    });
    const seen = (/** @type {Line} */ { silent }) => !silent;
    this.legend = () => this.lines.filter(seen).map(({ name, colour, dash = "solid" }) => ({ name, colour, dash }));
    this.under = under;
    this.onLight = onLight;
    /** @type {Axis} */
    this.axis = "epoch";
    /** @type {Unit} */
    this.axisUnit = { factor: 1, title: "Epoch" };
    /** @type {string | null} the key of the line that is lit. */
    this.lit = null;
    /** @type {Line[]} as they are without a light. */
    this.plain = [];
    /** @type {number | null} the place that is told of. */
    this.at = null;
  }

  /** Draws these lines over an axis. @param {Line[]} lines @param {Axis} axis @param {Unit} unit @param {[number, number]} whole */
  drawOver(lines, axis, unit, whole) {
    const turned = this.axisUnit.title !== unit.title;
    this.axis = axis;
    this.axisUnit = unit;
    if (turned) this.#turn(unit, whole);
    else this.extend("x", whole);
    this.plain = lines;
    this.#light();
  }

  /** To another axis; its name is not Plotly's, which would draw the whole chart for it. @param {Unit} unit @param {[number, number]} whole */
  #turn({ title }, whole) {
    say(this.under, title);
    this.full.x = [...whole];
    this.adjust({ "xaxis.range": [...whole], "xaxis.minallowed": whole[0], "xaxis.maxallowed": whole[1] });
  }

  /** @param {"x" | "y"} name */
  counts(name) {
    return name === "x" ? this.axis === "epoch" || this.axis === "step" : super.counts(name);
  }

  get across() {
    return this.axisUnit.title;
  }

  /** Lights the lines of this key, in whichever chart the reader points; null: all alike. @param {string | null} key */
  light(key) {
    if (this.lit === key) return;
    this.lit = key;
    this.#light();
  }

  #light() {
    const lit = this.plain.some(({ key }) => key === this.lit) ? this.lit : null;
    const lines = lit === null ? this.plain : this.plain.map((line) => lighted(line, lit));
    // What is lit lies on top.
    this.draw(lit === null ? lines : [...lines.filter(({ key }) => key !== lit), ...lines.filter(({ key }) => key === lit)]);
  }

  // ------------------------------------------------------------ pointing

  /** @param {Cell | null} cell @param {((cell: Cell | null) => void) | undefined} tell */
  #tell(cell, tell) {
    tell?.(cell);
    const near = cell ? this.#seen(cell.across, cell.clientY)[0] : undefined;
    this.onLight(near && near.far <= NEAR_PIXELS ? (near.line.key ?? null) : null);
  }

  /** The lines' values at a place, the nearest to the pointer first. @param {number} across @param {number} clientY @returns {Seen[]} */
  #seen(across, clientY) {
    const [left, right] = this.range.x;
    const reach = Math.abs(right - left) * EDGE;
    const found = this.plain.flatMap((line) => {
      if (line.silent) return [];
      const at = nearest(line.x, across);
      const value = at === -1 ? null : (line.y[at] ?? null);
      if (value === null || Math.abs(line.x[at] - across) > Math.max(reach, 0.5)) return [];
      return [{ line, value, place: line.x[at], far: Math.abs(this.#screen(value) - clientY) }];
    });
    return found.sort((a, b) => a.far - b.far);
  }

  /** @param {number} value */
  #screen(value) {
    return this.placeOf(0, this.log ? Math.log10(value) : value).clientY;
  }

  /** @param {number} column @param {Cell | null} [cell] @returns {string[][]} */
  valuesAt(column, cell) {
    const seen = this.#seen(cell?.across ?? column, cell?.clientY ?? 0);
    this.at = seen.length ? seen[0].place : null;
    const rows = seen
      .slice(0, MOST_TOLD)
      .map(({ line, value, place }) => [line.name, line.words?.(value, place) ?? format.number(value), line.colour]);
    const more = seen.length - rows.length;
    return more > 0 ? [...rows, [`and ${format.counted(more, "other")}`, "", "transparent"]] : rows;
  }

  /** @param {number} column */
  headAt(column) {
    return placeWords(this.axis, (this.at ?? column) * this.axisUnit.factor);
  }

  /** Words for those who do not see the lines. @param {string} title */
  tellOf(title) {
    const last = this.plain.flatMap(({ name, x, y, silent, words }) => {
      const at = silent ? -1 : y.findLastIndex((value) => value !== null);
      return at === -1 ? [] : [`${name} ${words?.(/** @type {number} */ (y[at]), x[at]) ?? format.number(y[at])}`];
    });
    const some = last.slice(0, MOST_TOLD).join("; ");
    const more = last.length > MOST_TOLD ? `; and ${format.counted(last.length - MOST_TOLD, "other")}` : "";
    this.describe(`${title} by ${this.axisUnit.title}. ${some ? `Last values: ${some}${more}.` : "No values yet."}`);
  }
}

/** @param {Line} line @param {string} lit @returns {Line} */
function lighted(line, lit) {
  const { key, alpha = 1, width = 2 } = line;
  return key === lit ? { ...line, width: line.silent ? width : width + 1 } : { ...line, alpha: alpha * DIM };
}

/**
 * The reach of an axis for these lines. @param {Line[]} lines @param {Axis} axis @returns {[number, number] | null} null: there is no place.
 */
export function wholeOf(lines, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of lines) {
    if (!x.length) continue;
    low = Math.min(low, x[0]); // places rise
    high = Math.max(high, x[x.length - 1]);
  }
  if (low > high) return null;
  if (axis === "epoch") return [-0.5, Math.max(high, 1) + 0.5];
  const start = axis === "step" ? low : Math.min(0, low);
  const edge = (high - start || 1) * EDGE;
  return [start - edge, high + edge];
}
