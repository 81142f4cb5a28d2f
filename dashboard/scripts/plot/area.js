// @ts-nocheck (types to come)
/*
 * Area: a place with an epoch axis and an upright axis, before anybody drew the axes.
 *
 * It knows where values lie on the screen from the figure's template alone, so that cells can be painted before Plotly has
 * arrived; Axes takes over when it has. Over the plot lie the pointer's hairline, the page's epoch cursor and words.
 * (Scripts load in the order of their names: this one before its heirs.)
 */

import { say } from "../ui/dom.js";

/** @import { Scope } from "../ui/page-scope.js" */

function element(className) {
  return Object.assign(document.createElement("div"), { className, hidden: true });
}

/** Sets `a.b.c` in an object of objects. */
function assignPath(target, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  let place = target;
  for (const key of keys) place = place[key] ??= {};
  place[last] = value;
}

export class Area {
  /**
   * @param {object} options
   * @param {Scope} options.scope the plot ends with it.
   * @param {HTMLElement} options.host an element whose size is the plot's; what is in it goes.
   * @param {object} options.figure template from figures.py; a copy is kept.
   * @param {string} options.name of the file when saved, and its title.
   * @param {() => {name: string, colour: string, dash?: string}[]} [options.legend] of a saved file; with `dash` a line.
   */
  constructor(options) {
    Object.assign(this, options);
    this.scope = options.scope.child();
    this.figure = structuredClone(options.figure);
    const { xaxis, yaxis } = this.figure.layout;
    this.full = { x: [...xaxis.range], y: yaxis.range && [...yaxis.range] };
    this.line = element("plot-pointer");
    this.here = element("plot-cursor");
    this.words = Object.assign(document.createElement("p"), { className: "plot-words", hidden: true });
    this.plot = element("plot-axes");
    this.plot.hidden = false;
    this.host.classList.add("plot");
    this.host.replaceChildren(this.line, this.here, this.plot, this.words);
    this.marks = { shapes: [], annotations: [] };
    this.cursor = null;
  }

  /** Values at the edges: {x: [left, right], y: [bottom, top]}, as Plotly orders them. */
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

  /** Whether the reader looks at a part of that axis only. */
  zoomed(axis) {
    const [from, to] = this.range[axis];
    return Math.abs(from - this.full[axis][0]) + Math.abs(to - this.full[axis][1]) > 1e-6;
  }

  /** Changes the layout, by Plotly's paths. */
  adjust(update) {
    for (const [path, value] of Object.entries(update)) assignPath(this.figure.layout, path, value);
    this.moved();
  }

  /** For heirs: what is seen has changed, by whomever. */
  moved() {
    this.#place();
  }

  /** Sets what is seen, without telling `onRange`. Axes that are left out stay. */
  show(range) {
    const now = this.range;
    const update = {};
    for (const axis of ["x", "y"]) {
      const wanted = range[axis];
      if (wanted && (wanted[0] !== now[axis][0] || wanted[1] !== now[axis][1])) update[`${axis}axis.range`] = [...wanted];
    }
    if (Object.keys(update).length) this.adjust(update);
  }

  /** Gives an axis a new whole: who saw all of it still does; who is zoomed in stays where he is. */
  extend(axis, whole) {
    if (this.full[axis][0] === whole[0] && this.full[axis][1] === whole[1]) return;
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

  /** Looks at a part, `by` times as wide (below 1: nearer), around the middle or a value; tells. */
  zoom(axis, by, around = null) {
    const [from, to] = this.range[axis];
    const centre = around ?? (from + to) / 2;
    const [low, high] = [...this.full[axis]].sort((a, b) => a - b);
    const inside = (value) => Math.max(low, Math.min(high, value));
    const ends = [centre + (from - centre) * by, centre + (to - centre) * by].map(inside);
    if (Math.abs(ends[1] - ends[0]) < 1) return;
    this.show({ [axis]: ends });
    this.onRange?.(this.range);
  }

  // ------------------------------------------------------------ over the plot

  #stroke(line, column) {
    const [from, to] = this.range.x;
    const { left, top, width, height } = this.area;
    const share = column === null ? -1 : (column - from) / (to - from);
    line.hidden = !(share >= 0 && share <= 1) || !width;
    if (line.hidden) return;
    Object.assign(line.style, { top: `${top}px`, height: `${height}px` });
    line.style.transform = `translateX(${Math.round(left + share * width)}px)`;
  }

  /** A hairline over one epoch, where the reader points; null takes it away. */
  point(column) {
    this.pointed = column;
    this.#stroke(this.line, column);
  }

  /** The page's epoch cursor; null: none. */
  setCursor(column) {
    this.cursor = column;
    this.#stroke(this.here, column);
  }

  #place() {
    this.#stroke(this.here, this.cursor);
    this.#stroke(this.line, this.pointed ?? null);
  }

  /** Words in the middle of the plot, for when there is nothing to draw; empty: none. */
  say(words) {
    say(this.words, words);
    this.words.hidden = !words;
    if (!words) return;
    const { left, top, width, height } = this.area;
    const place = { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` };
    Object.assign(this.words.style, place);
  }

  // ------------------------------------------------------------ screen and cells

  /** The cell under a point of the screen, or null: outside of the axes. */
  cellAt(clientX, clientY) {
    const box = this.host.getBoundingClientRect();
    const { left, top, width, height } = this.area;
    const across = (clientX - box.left - left) / width;
    const down = (clientY - box.top - top) / height;
    if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
    const { x, y } = this.range;
    const column = Math.floor(x[0] + across * (x[1] - x[0]) + 0.5);
    const row = Math.floor(y[1] + down * (y[0] - y[1]) + 0.5);
    return { column, row, clientX, clientY };
  }

  /** Where a cell's centre lies on the screen. */
  placeOf(column, row) {
    const box = this.host.getBoundingClientRect();
    const { left, top, width, height } = this.area;
    const { x, y } = this.range;
    return {
      clientX: box.left + left + ((column - x[0]) / (x[1] - x[0])) * width,
      clientY: box.top + top + ((row - y[1]) / (y[0] - y[1])) * height,
    };
  }

  /** Words for those who do not see the picture; the canvas speaks them, the buttons beside it stay within reach. */
  describe(words) {
    if (words === this.described) return;
    if (!this.described) {
      this.canvas.removeAttribute("aria-hidden");
      this.canvas.setAttribute("role", "img");
    }
    this.canvas.setAttribute("aria-label", words);
    this.described = words;
  }

  /** A canvas over exactly the drawing area, at the screen's density. */
  fit(canvas) {
    const { left, top, width, height } = this.area;
    const size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    if (canvas.width !== size.width) canvas.width = size.width;
    if (canvas.height !== size.height) canvas.height = size.height;
    return size;
  }

  /** Calls `redraw` when the window moves to a screen of another pixel density. */
  watchDensity(redraw) {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      redraw();
      this.watchDensity(redraw);
    };
    this.scope.on(query, "change", changed, { once: true });
  }
}
