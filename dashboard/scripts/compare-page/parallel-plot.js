/*
 * Parallel coordinates as a drawing: upright axes, a line for each run, a brush on each axis.
 *
 * Plotly's own need WebGL by a library that makes code from text, which our content policy forbids.
 */

import * as format from "../ui/format.js";
import { onPrint } from "../ui/print.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Dimension } from "./dimensions.js" */
/** @import { Member } from "./members.js" */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 360;
const EDGE = { left: 70, right: 70, top: 56, bottom: 34 };
const NONE = HEIGHT - 12; // where runs pass that have no value there
const GRIP = 14; // pixels to each side of an axis where a brush can begin
const LEAST = 4; // pixels of a brush; less is a click, which clears
const TICKS = 5;
const NEAR = 0.055; // of an axis: the height of a line of words
const SIGNS = 22;
const NAME_SIGN = 8; // pixels of a sign of a name
/** @type {Record<string, string>} */
const DASHES = { solid: "", dash: "8 5", dot: "2 4", longdash: "14 5", dashdot: "8 4 2 4" };

/** @typedef {Record<string, number[][]>} Ranges [low, high] pairs by the dimension's key. */

/** @param {string} name @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function draw(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** What an axis reaches. @param {Dimension} dimension @returns {[number, number]} */
export function reachOf({ places, kinds }) {
  if (kinds) return [-0.5, kinds.length - 0.5];
  const known = places.filter((place) => place !== null);
  if (!known.length) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const edge = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  return [low - edge, high + edge];
}

/** Where an axis is marked, so far apart that no words lie on others. @param {Dimension} dimension @returns {[place: number, words: string][]} */
export function ticksOf(dimension) {
  const [low, high] = reachOf(dimension);
  const ticks = everyTick(dimension);
  if (dimension.kinds) return ticks;
  /** @type {[place: number, words: string][]} */
  const kept = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (!last || (tick[0] - last[0] >= NEAR * (high - low) && tick[1] !== last[1])) kept.push(tick);
  }
  return kept;
}

/** @param {Dimension} dimension @returns {[place: number, words: string][]} rising. */
function everyTick(dimension) {
  const { kinds, log, words = format.setting } = dimension;
  if (kinds) return kinds.map((kind, at) => [at, kind]);
  const [low, high] = reachOf(dimension);
  if (log) {
    const decades = Array.from({ length: Math.max(0, Math.floor(high) - Math.ceil(low) + 1) }, (_, at) => Math.ceil(low) + at);
    return decades.map((decade) => [decade, dimension.words ? words(10 ** decade) : format.number(10 ** decade, 1)]);
  }
  const own = [...new Set(dimension.places.filter((place) => place !== null))].sort((a, b) => a - b);
  if (own.length <= TICKS) return own.map((place) => [place, words(Number(place.toPrecision(6)))]);
  const rough = (high - low) / TICKS;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * size).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => {
    const place = (first + at) * step;
    const value = Number(place.toPrecision(6));
    return [place, dimension.words ? words(value) : format.number(value)];
  });
}

export class ParallelPlot {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {HTMLElement} options.host
   * @param {(ranges: Ranges) => void} options.onBrush
   * @param {(id: string | null) => void} options.onLight
   */
  constructor({ scope, host, onBrush, onLight }) {
    this.scope = scope;
    this.host = host;
    this.onBrush = onBrush;
    this.onLight = onLight;
    /** @type {Dimension[]} */
    this.dimensions = [];
    /** @type {Member[]} */
    this.members = [];
    /** @type {Ranges} */
    this.ranges = {};
    /** @type {boolean[] | null} */
    this.inside = null;
    this.width = 0;
    this.redraw = scope.once(() => this.#draw());
    scope.finally(onPrint(() => this.redraw()));
    scope.watchSize(host, () => host.clientWidth !== this.width && this.redraw());
  }

  /** @param {Dimension[]} dimensions @param {Member[]} members @param {Ranges} ranges @param {boolean[] | null} inside which runs are within the brushes. */
  show(dimensions, members, ranges, inside) {
    Object.assign(this, { dimensions, members, ranges, inside });
    this.redraw();
  }

  /** @param {number} at which of the axes. */
  #across(at) {
    const gaps = Math.max(1, this.dimensions.length - 1);
    return EDGE.left + ((this.width - EDGE.left - EDGE.right) * at) / gaps;
  }

  /** @param {Dimension} dimension @param {number} place */
  #up(dimension, place) {
    const [low, high] = reachOf(dimension);
    return HEIGHT - EDGE.bottom - ((place - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  #draw() {
    const { host, dimensions, members, inside } = this;
    this.width = host.clientWidth;
    if (!this.width || dimensions.length < 2) return host.replaceChildren();
    const lines = members.map((member, run) => this.#line(member, run, inside === null || inside[run]));
    const axes = dimensions.map((dimension, at) => this.#axis(dimension, at));
    const words = `Parallel coordinates of ${format.counted(members.length, "run")}: ${dimensions.map(({ name }) => name).join(", ")}`;
    const picture = draw(
      "svg",
      { width: this.width, height: HEIGHT, role: "img", "aria-label": words, class: "parallel-plot" },
      ...lines,
      ...axes,
    );
    return host.replaceChildren(picture);
  }

  /** @param {Member} member @param {number} run @param {boolean} kept */
  #line({ id, ink, name }, run, kept) {
    const points = this.dimensions.map((dimension, at) => {
      const place = dimension.places[run] ?? null;
      return `${this.#across(at).toFixed(1)},${(place === null ? NONE : this.#up(dimension, place)).toFixed(1)}`;
    });
    const look = {
      fill: "none",
      stroke: ink.colour,
      "stroke-dasharray": DASHES[ink.dash],
      class: kept ? "parallel-line" : "parallel-line parallel-left-out",
    };
    const line = draw("polyline", { points: points.join(" "), ...look, "data-run": id }, draw("title", {}, name));
    line.addEventListener("pointerenter", () => this.onLight(id));
    line.addEventListener("pointerleave", () => this.onLight(null));
    return line;
  }

  /** @param {Dimension} dimension @param {number} at */
  #axis(dimension, at) {
    const x = this.#across(at);
    const ticks = ticksOf(dimension).map(([place, words]) =>
      draw("text", { x: x + 7, y: this.#up(dimension, place) + 4 }, format.ending(words, SIGNS)),
    );
    // Names stand in two rows, so that they have room.
    const name = draw(
      "text",
      { ...this.#nameAt(at, x), y: at % 2 ? 18 : 38, class: "parallel-name" },
      format.ending(dimension.name, Math.min(SIGNS + 6, Math.floor((2 * (this.#across(1) - EDGE.left)) / NAME_SIGN))),
      draw("title", {}, dimension.name),
    );
    const rule = draw("line", { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "parallel-axis" });
    const none = dimension.places.includes(null) ? [draw("text", { x: x + 7, y: NONE + 4 }, "none")] : [];
    const brush = (this.ranges[dimension.key] ?? []).map(([low, high]) => {
      const [top, bottom] = [high, low].map((place) => Math.min(HEIGHT - EDGE.bottom, Math.max(EDGE.top, this.#up(dimension, place))));
      return draw("rect", { x: x - 6, width: 12, y: top, height: Math.max(2, bottom - top), class: "parallel-brush" });
    });
    const grip = draw("rect", {
      x: x - GRIP,
      width: 2 * GRIP,
      y: EDGE.top,
      height: HEIGHT - EDGE.top - EDGE.bottom,
      class: "parallel-grip",
    });
    grip.addEventListener("pointerdown", (event) => this.#begin(/** @type {PointerEvent} */ (event), dimension));
    return draw("g", {}, rule, ...brush, ...ticks, ...none, name, grip);
  }

  /** Above its axis; the last ends with the drawing. @param {number} at @param {number} x */
  #nameAt(at, x) {
    const isLast = at === this.dimensions.length - 1;
    return isLast ? { x: this.width - 2, "text-anchor": "end" } : { x, "text-anchor": "middle" };
  }

  /** A brush begins where the pointer is pressed. @param {PointerEvent} event @param {Dimension} dimension */
  #begin(event, dimension) {
    event.preventDefault();
    const top = this.host.getBoundingClientRect().top;
    const start = event.clientY - top;
    const drag = this.scope.child();
    const ranges = (/** @type {PointerEvent} */ { clientY }) => {
      const { [dimension.key]: _, ...others } = this.ranges;
      const end = clientY - top;
      if (Math.abs(end - start) < LEAST) return others;
      const places = [start, end].map((y) => this.#placeAt(dimension, y)).sort((a, b) => a - b);
      return { ...others, [dimension.key]: [places] };
    };
    drag.on(window, "pointermove", (move) => this.onBrush(ranges(/** @type {PointerEvent} */ (move))));
    drag.on(window, "pointerup", (up) => {
      drag.end();
      this.onBrush(ranges(/** @type {PointerEvent} */ (up)));
    });
  }

  /** @param {Dimension} dimension @param {number} y */
  #placeAt(dimension, y) {
    const [low, high] = reachOf(dimension);
    const fraction = (HEIGHT - EDGE.bottom - y) / (HEIGHT - EDGE.top - EDGE.bottom);
    return low + Math.max(0, Math.min(1, fraction)) * (high - low);
  }

  /** @param {string | null} id */
  light(id) {
    for (const line of this.host.querySelectorAll(".parallel-line"))
      line.classList.toggle("parallel-lit", /** @type {SVGElement} */ (line).dataset.run === id);
  }
}
