/*
 * A place with an epoch axis and an upright axis, before anybody drew the axes.
 *
 * It knows where values lie on the screen from the figure's template alone, so that cells can be painted before Plotly has
 * arrived; Axes takes over when it has. Over the plot lie the pointer's hairline, the page's epoch cursor and words.
 */

import { say } from "../ui/dom.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { DataTable } from "./figure-tables.js" */
/** @import { SavedScale } from "./saved-figure.js" */

/** @typedef {"x" | "y"} Axis */
/** @typedef {Record<Axis, number[]>} Range values at the edges: [left, right] and [bottom, top], as Plotly orders them. */
/** @typedef {{data: any[], layout: any}} Figure a Plotly figure; templates are in figures.py. */
/** @typedef {{clientX: number, clientY: number}} Place on the screen. */
/** @typedef {{column: number, row: number, across: number} & Place} Cell and where it was pointed at; `across`: exactly where on the axis. */
/** @typedef {{name: string, colour: string, dash?: string}} Key of a legend; with `dash` a line. */
/** @typedef {{what: string, run?: string, layer?: string, more?: string[]}} About what a saved file is of: its title is `what`, and all else stands below. */
/** @typedef {{shapes: object[], annotations: object[]}} Marks lines and labels, as Plotly has them. */
/** @typedef {Record<string, unknown>} Update of a layout: values by Plotly's paths. */

/**
 * @typedef {object} AreaOptions
 * @property {Scope} scope the plot ends with it.
 * @property {HTMLElement} host an element whose size is the plot's; what is in it goes.
 * @property {Figure} figure a template; a copy is kept.
 * @property {string} name which no other plot of the page has.
 * @property {() => About} [about] default: its name.
 * @property {() => Key[]} [legend] of a saved file.
 * @property {() => SavedScale | null} [scale] of its colours.
 * @property {(range: Range) => DataTable | Promise<DataTable>} [data] of what is seen.
 * @property {(range: Range) => void} [onRange] after the reader zoomed or panned.
 */

/** @param {string} className */
function element(className) {
  return Object.assign(document.createElement("div"), { className, hidden: true });
}

/** Sets `a.b.c` in an object of objects. @param {any} target @param {string} path @param {unknown} value */
function assignPath(target, path, value) {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let place = target;
  for (const key of keys) place = place[key] ??= {};
  place[last] = value;
}

export class Area {
  /** @param {AreaOptions} options */
  constructor(options) {
    this.scope = options.scope.child();
    this.host = options.host;
    this.name = options.name;
    /** @type {() => About} */
    this.about = options.about ?? (() => ({ what: this.name }));
    this.legend = options.legend;
    this.scale = options.scale;
    this.data = options.data;
    this.onRange = options.onRange;
    this.figure = structuredClone(options.figure);
    const { xaxis, yaxis } = this.figure.layout;
    /** @type {Range} */
    this.full = { x: [...xaxis.range], y: yaxis.range && [...yaxis.range] };
    this.line = element("plot-pointer");
    this.here = element("plot-cursor");
    this.words = Object.assign(document.createElement("p"), { className: "plot-words", hidden: true });
    /** @type {any} where Plotly draws, and leaves what it knows. */
    this.plot = element("plot-axes");
    this.plot.hidden = false;
    /** What heirs draw on. */
    this.canvas = document.createElement("canvas");
    this.host.classList.add("plot");
    this.host.replaceChildren(this.canvas, this.line, this.here, this.plot, this.words);
    /** @type {Marks} */
    this.marks = { shapes: [], annotations: [] };
    /** @type {number | null} the page's epoch cursor. */
    this.cursor = null;
    /** @type {number | null} the epoch that the reader points at. */
    this.pointed = null;
    /** @type {string | undefined} words of the picture. */
    this.described = undefined;
    this.describe(this.name);
  }

  /** What is seen. @returns {Range} */
  get range() {
    const { xaxis, yaxis } = this.figure.layout;
    return { x: [...xaxis.range], y: [...yaxis.range] };
  }

  /** The drawing area in CSS pixels, within the host. */
  get area() {
    const { l, t, r, b } = this.figure.layout.margin;
    const { clientWidth, clientHeight } = this.host;
    return { left: l, top: t, width: Math.max(0, clientWidth - l - r), height: Math.max(0, clientHeight - t - b) };
  }

  /** Whether the reader looks at a part of that axis only. @param {Axis} axis */
  zoomed(axis) {
    const [from, to] = this.range[axis];
    return Math.abs(from - this.full[axis][0]) + Math.abs(to - this.full[axis][1]) > 1e-6;
  }

  /** Changes the layout. @param {Update} update */
  adjust(update) {
    for (const [path, value] of Object.entries(update)) assignPath(this.figure.layout, path, value);
    this.moved();
  }

  /** For heirs: what is seen has changed, by whomever. */
  moved() {
    this.#place();
  }

  /** Sets what is seen, without telling `onRange`. Axes that are left out stay. @param {Partial<Range>} range */
  show(range) {
    const now = this.range;
    /** @type {Update} */
    const update = {};
    for (const axis of /** @type {const} */ (["x", "y"])) {
      const wanted = range[axis];
      if (wanted && (wanted[0] !== now[axis][0] || wanted[1] !== now[axis][1])) update[`${axis}axis.range`] = [...wanted];
    }
    if (Object.keys(update).length) this.adjust(update);
  }

  /**
   * Gives an axis a new whole: who saw all of it still does; who is zoomed in stays there.
   * @param {Axis} axis @param {number[]} whole
   */
  extend(axis, whole) {
    if (this.full[axis][0] === whole[0] && this.full[axis][1] === whole[1]) return;
    /** @type {Update} */
    const update = this.zoomed(axis) ? {} : { [`${axis}axis.range`]: [...whole] };
    this.full[axis] = [...whole];
    update[`${axis}axis.minallowed`] = Math.min(...whole);
    update[`${axis}axis.maxallowed`] = Math.max(...whole);
    this.adjust(update);
  }

  /** Back to the whole of both axes, and tells. */
  showAll() {
    this.show(this.full);
    this.onRange?.(this.range);
  }

  /**
   * Looks at a part, `by` times as wide (below 1: nearer), around the middle or a value; tells.
   * @param {Axis} axis @param {number} by @param {number | null} [around]
   */
  zoom(axis, by, around = null) {
    const [from, to] = this.range[axis];
    const centre = around ?? (from + to) / 2;
    const [low, high] = [...this.full[axis]].sort((a, b) => a - b);
    const inside = (/** @type {number} */ value) => Math.max(low, Math.min(high, value));
    const ends = [centre + (from - centre) * by, centre + (to - centre) * by].map(inside);
    if (Math.abs(ends[1] - ends[0]) < 1) return;
    this.show({ [axis]: ends });
    this.onRange?.(this.range);
  }

  // ------------------------------------------------------------ over the plot

  /** @param {HTMLElement} line @param {number | null} column */
  #stroke(line, column) {
    const [from, to] = this.range.x;
    const { left, top, width, height } = this.area;
    const fraction = column === null ? -1 : (column - from) / (to - from);
    line.hidden = !(fraction >= 0 && fraction <= 1) || !width;
    if (line.hidden) return;
    Object.assign(line.style, { top: `${top}px`, height: `${height}px` });
    line.style.transform = `translateX(${Math.round(left + fraction * width)}px)`;
  }

  /** A hairline over one epoch, where the reader points; null takes it away. @param {number | null} column */
  point(column) {
    this.pointed = column;
    this.#stroke(this.line, column);
  }

  /** The page's epoch cursor; null: none. @param {number | null} column */
  setCursor(column) {
    this.cursor = column;
    this.#stroke(this.here, column);
  }

  #place() {
    this.#stroke(this.here, this.cursor);
    this.#stroke(this.line, this.pointed);
    this.#placeWords();
  }

  #placeWords() {
    if (this.words.hidden) return;
    const { left, top, width, height } = this.area;
    Object.assign(this.words.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  }

  /** Words in the middle of the plot, for when there is nothing to draw; empty: none. @param {string} words */
  say(words) {
    say(this.words, words);
    this.words.hidden = !words;
    this.#placeWords();
  }

  // ------------------------------------------------------------ screen and cells

  /**
   * The cell under a point of the screen, or null: outside of the axes.
   * @param {number} clientX @param {number} clientY @returns {Cell | null}
   */
  cellAt(clientX, clientY) {
    const box = this.host.getBoundingClientRect();
    const { left, top, width, height } = this.area;
    const across = (clientX - box.left - left) / width;
    const down = (clientY - box.top - top) / height;
    if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
    const { x, y } = this.range;
    const exact = x[0] + across * (x[1] - x[0]);
    const column = Math.floor(exact + 0.5);
    const row = Math.floor(y[1] + down * (y[0] - y[1]) + 0.5);
    return { column, row, across: exact, clientX, clientY };
  }

  /** Where a cell's centre lies on the screen. @param {number} column @param {number} row */
  placeOf(column, row) {
    const box = this.host.getBoundingClientRect();
    const { left, top, width, height } = this.area;
    const { x, y } = this.range;
    return {
      clientX: box.left + left + ((column - x[0]) / (x[1] - x[0])) * width,
      clientY: box.top + top + ((row - y[1]) / (y[0] - y[1])) * height,
    };
  }

  /**
   * Words for those who do not see the picture; the canvas speaks them, the buttons beside it stay within reach.
   * @param {string} words
   */
  describe(words) {
    if (words === this.described) return;
    if (!this.described) {
      this.canvas.removeAttribute("aria-hidden");
      this.canvas.setAttribute("role", "img");
    }
    this.canvas.setAttribute("aria-label", words);
    this.described = words;
  }

  /** A canvas over exactly the drawing area, at the screen's density. @param {HTMLCanvasElement} canvas */
  fit(canvas) {
    const { left, top, width, height } = this.area;
    const size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    if (canvas.width !== size.width) canvas.width = size.width;
    if (canvas.height !== size.height) canvas.height = size.height;
    return size;
  }

  /** Calls `redraw` when the window moves to a screen of another pixel density. @param {() => void} redraw */
  watchDensity(redraw) {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      redraw();
      this.watchDensity(redraw);
    };
    this.scope.on(query, "change", changed, { once: true });
  }
}
