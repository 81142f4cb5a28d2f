// @ts-nocheck (types to come)
/*
 * Heatmap: one layer's neurons × epochs, coloured and ordered as the reader likes, and words on every cell.
 */

import { say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import * as marks from "./annotations.js";
import { Picture } from "./cell-canvas.js";
import { CellWords } from "./cell-words.js";
import { legendOf, modes } from "./colour-modes.js";

/** @import { Scope } from "../ui/page-scope.js" */

const EMPTY = { rows: 1, columns: 0, fill: () => false };
const NEAR = 0.5;
const { counted } = format;

export class Heatmap {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {HTMLElement} options.host
   * @param {object} options.figure template `neurons` of figures.py.
   * @param {string} options.name of a saved file.
   * @param {string} options.mode of modes.
   * @param {number} [options.epsilon] the run's threshold, for the colours of |v|.
   * @param {HTMLElement} [options.note] says when one row stands for several neurons.
   * @param {(cell: {column: number, neuron: number}|null) => void} [options.onPoint] the reader points at a cell.
   * @param {(cell: {column: number, neuron: number}) => void} [options.onOpen] the reader chose a cell.
   * @param {(range: object) => void} [options.onRange]
   */
  constructor(options) {
    Object.assign(this, { epsilon: 0, order: null, neuron: null, drops: [] }, options);
    this.picture = new Picture({
      scope: this.scope,
      host: this.host,
      figure: this.figure,
      name: this.name,
      source: EMPTY,
      table: () => modes[this.mode].table(this.epsilon),
      onHover: (cell) => this.#hover(cell && this.#named(cell)),
      onClick: (cell) => this.#choose(this.#named(cell)),
      onRange: (range) => this.onRange?.(range),
      onPaint: (note) => this.#say(note),
      legend: () => legendOf(modes[this.mode], this.epsilon),
    });
    this.picture.canvas.setAttribute("aria-hidden", "true"); // the host speaks for it
    this.words = new CellWords(this.scope, this.host, this.picture);
    this.scope.on(this.host, "keydown", (event) => this.#key(event));
    this.scope.on(this.host, "blur", () => this.#hover(null));
    this.host.tabIndex = 0;
    this.host.setAttribute("role", "application");
    this.describe();
    this.host.setAttribute("aria-roledescription", "picture of cells");
  }

  start(Plotly) {
    return this.picture.start(Plotly);
  }

  /** Shows a layer; null: none. */
  show(layer) {
    const same = layer && this.layer && this.layer.layer.neurons === layer.layer.neurons;
    this.layer = layer;
    this.order = null;
    this.#hover(null);
    const whole = [(layer ? layer.layer.neurons : 1) - 0.5, -0.5];
    if (!same) {
      this.picture.extend("y", whole);
      this.picture.show({ y: whole });
    }
    this.#draw();
  }

  /** Colours by a mode of modes. */
  colourBy(mode) {
    this.mode = mode;
    this.#draw();
  }

  /**
   * Puts the neurons into this order.
   *
   * @param {Int32Array|null} order the neuron of each row; null: their own.
   * @param {string} [title] of the upright axis.
   */
  orderBy(order, title = "neuron") {
    this.order = order;
    this.rowsOf = order && new Int32Array(order.length);
    for (const [row, neuron] of (order ?? []).entries()) this.rowsOf[neuron] = row;
    this.title = title;
    this.#draw();
  }

  #draw() {
    this.layer?.want(modes[this.mode].of);
    const { layer, mode, order } = this;
    this.picture.use({ source: layer ? layer.source(mode, order) : EMPTY });
    const named = Boolean(layer) && !order;
    const ticks = {
      "yaxis.showticklabels": named,
      "yaxis.ticks": named ? "outside" : "",
      "yaxis.title.text": order ? this.title : "neuron",
    };
    const text = JSON.stringify(ticks);
    if (text !== this.ticks) this.picture.adjust(ticks);
    this.ticks = text;
    this.#mark();
    this.describe();
  }

  /** Draws all of it anew: more epochs are there. */
  redraw() {
    this.picture.redraw();
    this.describe();
  }

  /** One more epoch has come. */
  append(epoch) {
    this.picture.paintColumn(epoch);
    this.describe();
    if (this.cell) this.#hover(this.cell, false);
  }

  /** Where the learning rate fell. */
  markDrops(drops) {
    this.drops = drops;
    this.#mark();
  }

  /** Frames the row of the neuron whose timeline is open; null: none. */
  select(neuron) {
    this.neuron = neuron;
    this.#mark();
  }

  #mark() {
    const framed = this.neuron === null || !this.layer ? [] : [marks.row(this.rowOf(this.neuron))];
    this.picture.mark({ shapes: [...marks.drops(this.layer ? this.drops : []).shapes, ...framed], annotations: [] });
  }

  rowOf(neuron) {
    return this.order ? this.rowsOf[neuron] : neuron;
  }

  #named(cell) {
    return { ...cell, neuron: this.order ? (this.order[cell.row] ?? -1) : cell.row };
  }

  /** Words for those who do not see the picture. */
  describe() {
    if (!this.layer) return this.host.setAttribute("aria-label", "Neurons × epochs; no layer is open yet.");
    const { layer, cells } = this.layer;
    const head = `${layer.name}: ${counted(layer.neurons, "neuron")}`;
    const last = cells.epochs - 1;
    if (last < 0) return this.host.setAttribute("aria-label", `${head}; no epoch is finished yet.`);
    const [moving, frozen, thawed, froze] = cells.count(last);
    return this.host.setAttribute(
      "aria-label",
      `${head}, ${counted(cells.epochs, "epoch")}. After epoch ${last}: ${frozen + froze} frozen, ${froze} of them just now; ` +
        `${moving + thawed} updating, ${thawed} of them just thawed. Arrow keys move from cell to cell, Enter opens a neuron.`,
    );
  }

  #say({ rowsPer, columnsPer }) {
    if (!this.note) return;
    const merged = [rowsPer > 1 && `1 row = ${rowsPer} neurons`, columnsPer > 1 && `1 column = ${columnsPer} epochs`];
    const words = this.layer ? merged.filter(Boolean).join(", ") : "";
    const mixed = "colours mixed; half of it and more is “just thawed” where any of them just thawed";
    say(this.note, words && `${words}: ${this.mode === "state" ? mixed : "mean of their levels"}. Zoom in for single ones.`);
    this.note.hidden = !words;
  }

  // ------------------------------------------------------------ one cell

  #exists(cell) {
    return Boolean(cell && this.layer && this.layer.cells.state(cell.column, cell.neuron) !== -1);
  }

  #hover(cell, tells = true) {
    const there = this.#exists(cell) ? cell : null;
    const changed = there?.column !== this.cell?.column || there?.neuron !== this.cell?.neuron;
    this.cell = there;
    if (there) this.tell(there);
    else this.words.hide();
    if (tells && changed) this.onPoint?.(there);
  }

  #choose(cell) {
    if (this.#exists(cell)) this.onOpen?.(cell);
  }

  /** Shows a cell's words, beside its pointer or else beside the cell. */
  tell(cell) {
    if (!this.#exists(cell)) return this.words.hide();
    const place = "clientX" in cell ? cell : this.picture.placeOf(cell.column, this.rowOf(cell.neuron));
    return this.words.show(this.layer, cell, place);
  }

  /** Another heatmap's reader points at this cell: tell the same of ours; null: no longer. */
  echo(cell) {
    if (cell) this.tell({ column: cell.column, neuron: cell.neuron });
    else this.words.hide();
  }

  // ------------------------------------------------------------ keys

  #key(event) {
    if (!this.layer || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const nearer = { "+": NEAR, "=": NEAR, "-": 1 / NEAR }[event.key];
    if (step) this.#walk(...step.map((by) => by * (event.shiftKey ? 10 : 1)));
    else if (nearer) for (const axis of ["x", "y"]) this.picture.zoom(axis, nearer, this.#middle(axis));
    else if (event.key === "0") this.picture.showAll();
    else if (event.key === "Enter" && this.cell) this.#choose(this.cell);
    else return;
    event.preventDefault();
  }

  #middle(axis) {
    if (!this.cell) return null;
    return axis === "x" ? this.cell.column : this.rowOf(this.cell.neuron);
  }

  #walk(across, down) {
    const { cells } = this.layer;
    const now = this.cell ? [this.cell.column, this.rowOf(this.cell.neuron)] : [cells.epochs - 1 - across, -down];
    const column = Math.max(0, Math.min(cells.epochs - 1, now[0] + across));
    const row = Math.max(0, Math.min(cells.neurons - 1, now[1] + down));
    this.#hover(this.#named({ column, row }));
  }
}
