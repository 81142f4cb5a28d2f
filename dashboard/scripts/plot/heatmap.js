/*
 * One layer's neurons × epochs, coloured and ordered as the reader likes, and words on every cell.
 */

import { say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import * as marks from "./annotations.js";
import { CellCanvas } from "./cell-canvas.js";
import { CellWords } from "./cell-words.js";
import { modes } from "./colour-modes.js";
import { savedOf } from "./heatmap-saved.js";
import { rareOf, strips, stripWords } from "./rare-marks.js";

/** @import { LayerFeed } from "../run-data/layer-feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Axis, Figure, Place, Range, Update } from "./area.js" */
/** @import { Cell } from "./cell-words.js" */
/** @import { Source } from "./raster.js" */

/** @type {Source} */
const EMPTY = { rows: 1, columns: 0, fill: () => false };
const NEAR = 0.5;
/** @type {Record<string, [across: number, down: number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Record<string, number>} */
const ZOOMS = { "+": NEAR, "=": NEAR, "-": 1 / NEAR };
const { counted } = format;

/** @typedef {Cell | (Cell & Place)} NeuronCell one neuron in one epoch, and where it was pointed at if it was. */

/**
 * @typedef {object} HeatmapOptions
 * @property {Scope} scope
 * @property {HTMLElement} host
 * @property {Figure} figure template `neurons` of figures.py.
 * @property {string} name which no other picture of the page has.
 * @property {string} run what the run is called.
 * @property {string} mode of modes.
 * @property {number} [epsilon] the run's threshold, for the colours of |v|.
 * @property {HTMLElement} [note] says when one row stands for several neurons, and why epochs are blank.
 * @property {string} [blank] why epochs may be blank, in a sentence.
 * @property {(cell: NeuronCell | null) => void} [onPoint] the reader points at a cell.
 * @property {(cell: NeuronCell) => void} [onOpen] the reader chose a cell.
 * @property {(range: Range) => void} [onRange]
 */

/** The row of each neuron. @param {Int32Array} order the neuron of each row. */
function inverse(order) {
  const rows = new Int32Array(order.length);
  for (const [row, neuron] of order.entries()) rows[neuron] = row;
  return rows;
}

export class Heatmap {
  /** @param {HeatmapOptions} options */
  constructor(options) {
    const { scope, host } = options;
    this.host = host;
    this.run = options.run;
    this.mode = options.mode;
    this.epsilon = options.epsilon ?? 0;
    this.note = options.note;
    this.blank = options.blank ?? "";
    this.onPoint = options.onPoint;
    this.onOpen = options.onOpen;
    /** @type {LayerFeed | null | undefined} undefined: nothing was shown yet. */
    this.layer = undefined;
    /** @type {Int32Array | null} the neuron of each row; null: their own order. */
    this.order = null;
    /** @type {Int32Array | null} the row of each neuron. */
    this.rowsOf = null;
    this.title = "neuron";
    this.merged = { rowsPer: 1, columnsPer: 1 };
    /** @type {string | undefined} the upright axis's ticks, as Plotly knows them. */
    this.ticks = undefined;
    /** @type {number | null} whose row is framed. */
    this.neuron = null;
    /** @type {{epoch: number}[]} */
    this.drops = [];
    /** @type {NeuronCell | null} the reader points at it. */
    this.cell = null;
    this.picture = this.#picture(options);
    this.picture.canvas.setAttribute("aria-hidden", "true"); // the host speaks for it
    this.words = new CellWords(scope);
    this.describe();
    this.#makeAnswer(scope);
  }

  /** @param {HeatmapOptions} options */
  #picture({ scope, host, figure, name, onRange }) {
    return new CellCanvas({
      scope,
      host,
      figure,
      name,
      source: EMPTY,
      table: () => modes[this.mode].table(this.epsilon),
      onHover: (cell) => this.#hover(cell && this.#named(cell)),
      onClick: (cell) => this.#choose(this.#named(cell)),
      onRange,
      onPaint: (note) => this.#say(note),
      ...savedOf(this),
    });
  }

  /** Lets the host take the keyboard. @param {Scope} scope */
  #makeAnswer(scope) {
    const { host } = this;
    scope.on(host, "keydown", (event) => this.#key(event));
    scope.on(host, "blur", () => this.#hover(null));
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-roledescription", "heatmap");
  }

  /** @param {any} Plotly */
  start(Plotly) {
    return this.picture.start(Plotly);
  }

  /** Shows a layer; null: none. @param {LayerFeed | null} layer */
  show(layer) {
    const same = layer && this.layer && this.layer.layer.neurons === layer.layer.neurons;
    this.layer = layer;
    this.order = null;
    this.rowsOf = null;
    this.#hover(null);
    const whole = [(layer ? layer.layer.neurons : 1) - 0.5, -0.5];
    if (!same) {
      this.picture.extend("y", whole);
      this.picture.show({ y: whole });
    }
    this.#draw();
  }

  /** Colours by a mode of modes. @param {string} mode */
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
    this.rowsOf = order && inverse(order);
    this.title = title;
    this.#draw();
  }

  #draw() {
    this.layer?.want(modes[this.mode].of);
    const { layer, mode, order } = this;
    this.picture.use({ source: layer ? layer.source(mode, order) : EMPTY });
    const named = Boolean(layer) && !order;
    /** @type {Update} */
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

  /** One more epoch has come. @param {number} epoch */
  append(epoch) {
    this.picture.paintColumn(epoch);
    this.#mark();
    this.describe();
    if (this.cell) this.#hover(this.cell, false);
  }

  /** Where the learning rate changed at once. @param {{epoch: number}[]} drops */
  markDrops(drops) {
    this.drops = drops;
    this.#mark();
  }

  /** Frames the row of the neuron whose timeline is open; null: none. @param {number | null} neuron */
  select(neuron) {
    this.neuron = neuron;
    this.#mark();
  }

  #mark() {
    const framed = this.neuron === null || !this.layer ? [] : [marks.row(this.rowOf(this.neuron))];
    this.picture.mark({
      shapes: [...marks.drops(this.layer ? this.drops : []).shapes, ...framed, ...strips(rareOf(this.layer))],
      annotations: [],
    });
  }

  /** More is known of dead and churning neurons. */
  markRare() {
    this.#mark();
    this.#say(this.merged);
  }

  /** @param {number} neuron */
  rowOf(neuron) {
    return this.rowsOf ? this.rowsOf[neuron] : neuron;
  }

  /** @template {{column: number, row: number}} C @param {C} cell @returns {C & Cell} */
  #named(cell) {
    return { ...cell, neuron: this.order ? (this.order[cell.row] ?? -1) : cell.row };
  }

  /** Words for those who do not see the picture. */
  describe() {
    if (!this.layer) return this.host.setAttribute("aria-label", "Neurons × epochs; no layer is open yet.");
    const { layer, cells } = this.layer;
    const head = `${layer.name}: ${counted(layer.neurons, "neuron")}`;
    const last = cells.lastRecorded();
    if (last < 0) return this.host.setAttribute("aria-label", `${head}; no epoch has finished yet.`);
    const [moving, frozen, thawed, froze] = cells.count(last);
    return this.host.setAttribute(
      "aria-label",
      `${head}, ${counted(cells.epochs, "epoch")}. After epoch ${last}: ${frozen + froze} frozen, ${froze} of them just frozen; ` +
        `${moving + thawed} updating, ${thawed} of them just thawed. ` +
        [this.blank, "Arrow keys move between cells, Enter opens a neuron."].filter(Boolean).join(" "),
    );
  }

  /** @param {{rowsPer: number, columnsPer: number}} note */
  #say({ rowsPer, columnsPer }) {
    this.merged = { rowsPer, columnsPer };
    if (!this.note) return;
    const merged = [rowsPer > 1 && `1 row = ${rowsPer} neurons`, columnsPer > 1 && `1 column = ${columnsPer} epochs`];
    const words = this.layer ? merged.filter(Boolean).join(", ") : "";
    const mixed = "colours are averaged; “just thawed” makes up at least half where any neuron just thawed";
    const several = words && `${words}: ${this.mode === "state" ? mixed : "mean of their levels"}. Zoom in to see single cells.`;
    const rare = stripWords(rareOf(this.layer));
    const all = [several, rare, this.layer ? this.blank : ""].filter(Boolean).join(" ");
    say(this.note, all);
    this.note.hidden = !all;
  }

  // ------------------------------------------------------------ one cell

  /** @param {NeuronCell | null} cell */
  #exists(cell) {
    return Boolean(cell && this.layer && this.layer.cells.state(cell.column, cell.neuron) !== -1);
  }

  /** @param {NeuronCell | null} cell */
  #hover(cell, tells = true) {
    const there = this.#exists(cell) ? cell : null;
    const changed = there?.column !== this.cell?.column || there?.neuron !== this.cell?.neuron;
    this.cell = there;
    if (there) this.tell(there);
    else this.words.hide();
    if (tells && changed) this.onPoint?.(there);
  }

  /** @param {NeuronCell} cell */
  #choose(cell) {
    if (this.#exists(cell)) this.onOpen?.(cell);
  }

  /** Shows a cell's words, beside its pointer or else beside the cell. @param {NeuronCell} cell */
  tell(cell) {
    if (!this.layer || !this.#exists(cell)) return this.words.hide();
    const place = "clientX" in cell ? cell : this.picture.placeOf(cell.column, this.rowOf(cell.neuron));
    return this.words.show(this.layer, cell, place);
  }

  /** Another heatmap's reader points at this cell: tell the same of ours; null: no longer. @param {NeuronCell | null} cell */
  echo(cell) {
    if (cell) this.tell({ column: cell.column, neuron: cell.neuron });
    else this.words.hide();
  }

  // ------------------------------------------------------------ keys

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.layer || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    const nearer = ZOOMS[event.key];
    const times = event.shiftKey ? 10 : 1;
    if (step) this.#walk(this.layer, step[0] * times, step[1] * times);
    else if (nearer) for (const axis of /** @type {const} */ (["x", "y"])) this.picture.zoom(axis, nearer, this.#middle(axis));
    else if (event.key === "0") this.picture.showAll();
    else if (event.key === "Enter" && this.cell) this.#choose(this.cell);
    else return;
    event.preventDefault();
  }

  /** @param {Axis} axis */
  #middle(axis) {
    if (!this.cell) return null;
    return axis === "x" ? this.cell.column : this.rowOf(this.cell.neuron);
  }

  /** @param {LayerFeed} layer @param {number} across @param {number} down */
  #walk({ cells }, across, down) {
    const now = this.cell ? [this.cell.column, this.rowOf(this.cell.neuron)] : [cells.epochs - 1 - across, -down];
    const column = Math.max(0, Math.min(cells.epochs - 1, now[0] + across));
    const row = Math.max(0, Math.min(cells.neurons - 1, now[1] + down));
    this.#hover(this.#named({ column, row }));
  }
}
