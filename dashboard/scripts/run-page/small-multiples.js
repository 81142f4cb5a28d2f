/*
 * Every layer as a small picture of its neurons × epochs, by block; only what is seen is fetched and drawn.
 */

import * as palette from "../plot/palette.js";
import * as raster from "../plot/raster.js";
import { groups } from "../run-data/groups.js";
import { element, putInput, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onPrint } from "../ui/print.js";
import { onScheme } from "../ui/shell.js";

/** @import { Layer, Parts } from "../../types/pages" */
/** @import { Table } from "../plot/raster.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {{view: string, table: Table, version: number, columns: number}} Drawn what a canvas shows, to know what to paint anew. */
/** @typedef {{width: number, height: number, css: number}} Size in device pixels, and the width in CSS pixels. */

/**
 * @typedef {object} Item a layer's small picture.
 * @property {Layer} layer
 * @property {HTMLElement} box
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} fraction
 * @property {HTMLElement} line
 * @property {Drawn | null} drawn
 * @property {string} across how the line is shifted.
 */

const MARGIN = "160px";
const NAME_SIGNS = 15;
const { percent, count, counted, ending } = format;

/** @param {Layer} layer */
const spoken = ({ name, type, neurons }) => `${name}, ${type}, ${counted(neurons, "neuron")}`;

/** The end of a layer's name that says something: `downsample.0`, and not `0`. @param {string} name */
function shortName(name) {
  const parts = name.split(".");
  let from = parts.length - 1;
  while (from > 0 && /^\d+$/.test(parts[from])) from -= 1;
  return parts.slice(from).join(".");
}

export class Multiples {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts multiples; filter: becomes a search field; filter-words.
   * @param {Feed} options.feed
   * @param {(layer: number) => void} options.onOpen
   */
  constructor({ scope, parts, feed, onOpen }) {
    this.feed = feed;
    this.onOpen = onOpen;
    this.host = parts.multiples;
    this.words = parts["filter-words"];
    const label = "Search layers (/)";
    this.filter = putInput(parts, "filter", { type: "search", placeholder: "Search layers…", "aria-label": label });
    /** @type {Item[]} by index. */
    this.items = [];
    this.seen = /** @type {Set<number>} */ (new Set());
    this.dirty = /** @type {Set<number>} */ (new Set());
    this.table = palette.fractions();
    this.range = [-0.5, 0.5];
    /** The page's epoch cursor, and where its line stands; null: nowhere. */
    this.epoch = -1;
    /** @type {number | null} */
    this.lineAt = null;
    /** @type {Size | null} of every small picture; null: not measured. */
    this.size = null;
    this.drawSoon = scope.once(() => this.#drawDirty());
    this.watch = new IntersectionObserver((entries) => this.#crossed(entries), { rootMargin: MARGIN });
    this.#listen(scope);
  }

  /** @param {Scope} scope */
  #listen(scope) {
    scope.finally(() => this.watch.disconnect());
    scope.finally(onScheme(() => this.recolour()));
    scope.finally(onPrint((onPaper) => this.#print(onPaper)));
    scope.on(this.filter, "input", () => this.#filter());
    scope.on(this.filter, "keydown", (event) => this.#key(event));
    scope.watchSize(
      this.host,
      scope.once(() => {
        this.size = null;
        this.#all();
      }),
    );
  }

  /** Lays out a small picture for each layer. */
  layOut() {
    const { layers } = this.feed;
    this.watch.disconnect();
    this.items = layers.map((layer) => this.#item(layer));
    this.host.replaceChildren(
      ...groups(layers, Infinity).map(({ label, first, last }) => {
        const boxes = this.items.slice(first, last + 1).map(({ box }) => box);
        return element("section.multiples-group", {}, element("h3", {}, label), element("div.multiples", {}, ...boxes));
      }),
    );
    for (const { box } of this.items) this.watch.observe(box);
    this.#filter();
  }

  /** @param {Layer} layer @returns {Item} */
  #item(layer) {
    const canvas = element("canvas.multiple-pixels", { "aria-hidden": "true" });
    const fraction = element("span.multiple-fraction");
    const name = element("span.multiple-name", { title: layer.name }, ending(shortName(layer.name), NAME_SIGNS));
    const line = element("span.multiple-cursor");
    const frame = element("span.multiple-frame", {}, canvas, line);
    const box = element(
      "button.multiple",
      { type: "button", "data-layer": layer.index, "aria-label": spoken(layer), onclick: () => this.onOpen(layer.index) },
      element("span.multiple-head", {}, name, fraction),
      frame,
    );
    return { layer, box, canvas, fraction, line, drawn: null, across: "" };
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #crossed(entries) {
    for (const { target, isIntersecting } of entries) {
      const index = Number(/** @type {HTMLElement} */ (target).dataset.layer);
      if (isIntersecting) {
        this.seen.add(index);
        this.dirty.add(index);
      } else if (this.seen.delete(index)) {
        const { canvas } = this.items[index];
        canvas.width = canvas.height = 0; // its memory is let go
        this.items[index].drawn = null;
      }
    }
    this.feed.small.show(this.seen);
    this.drawSoon();
  }

  #all() {
    for (const index of this.seen) this.dirty.add(index);
    this.drawSoon();
  }

  /** On paper all pictures are drawn that there is something of, and the others left out. @param {boolean} onPaper */
  #print(onPaper) {
    this.size = null;
    for (const { box, layer } of this.items) box.toggleAttribute("data-blank", onPaper && !this.feed.small.layers.has(layer.index));
    if (onPaper) for (const index of this.feed.small.layers.keys()) this.dirty.add(index);
    this.#all();
  }

  recolour() {
    this.table = palette.fractions();
    this.#all();
  }

  /** These epochs are shown. @param {number[]} range */
  show(range) {
    this.range = range;
    this.#all();
  }

  /** More is known of these layers. @param {number[]} indices */
  changed(indices) {
    for (const index of indices) if (this.seen.has(index)) this.dirty.add(index);
    this.drawSoon();
  }

  /**
   * The page's epoch cursor: whose fractions are told, and where a line stands; null: nowhere.
   * @param {number} epoch @param {number | null} line
   */
  setCursor(epoch, line) {
    this.epoch = epoch;
    this.lineAt = line;
    this.#all();
  }

  /** Marks the layer that is open. @param {number} index */
  select(index) {
    for (const { box, layer } of this.items) box.toggleAttribute("data-open", layer.index === index);
  }

  /** All that is read of the layout is read first: a read after a write makes the browser lay out everything anew. */
  #drawDirty() {
    const dirty = [...this.dirty].filter((index) => !this.items[index].box.hidden);
    this.dirty.clear();
    if (!dirty.length) return;
    this.size ??= this.#measure(this.items[dirty[0]].canvas);
    if (!this.size) return;
    const fractions = this.feed.tables.columns.frozen[this.epoch];
    const [from, to] = this.range;
    const place = this.lineAt === null ? -1 : (this.lineAt - from) / (to - from);
    const across = `translateX(${place >= 0 && place <= 1 ? (place * this.size.css).toFixed(1) : -10}px)`;
    for (const index of dirty) {
      const item = this.items[index];
      this.#say(item, fractions?.[index]);
      this.#paint(item, this.size);
      if (item.across !== across) item.line.style.transform = item.across = across;
    }
  }

  /** The size of every small picture; null: none is laid out. @param {HTMLElement} canvas @returns {Size | null} */
  #measure({ clientWidth, clientHeight }) {
    if (!clientWidth) return null;
    const ratio = devicePixelRatio;
    return { width: Math.round(clientWidth * ratio), height: Math.round(clientHeight * ratio), css: clientWidth };
  }

  /** @param {Item} item @param {number | undefined} frozen */
  #say({ layer, fraction, box }, frozen) {
    const words = frozen === undefined ? "" : percent(frozen, 0);
    say(fraction, words);
    const label = spoken(layer) + (words && `, ${words} frozen`);
    if (box.ariaLabel !== label) box.ariaLabel = label;
  }

  /** Paints what is not painted yet: one column, where that is all that came. @param {Item} item @param {Size} size */
  #paint(item, { width, height }) {
    const { layer, canvas, box } = item;
    const source = this.feed.small.source(layer.index);
    const known = this.feed.small.layers.get(layer.index);
    const now = {
      view: `${this.range} ${width} ${height} ${source.rows}`,
      table: this.table,
      version: known?.cells.version ?? 0,
      columns: source.columns,
    };
    const { drawn } = item;
    const same = canvas.width && drawn && drawn.view === now.view && drawn.table === now.table;
    if (same && drawn.version === now.version) return;
    const one = same && now.version === drawn.version + 1 && now.columns === drawn.columns + 1;
    item.drawn = now;
    if (!one) Object.assign(canvas, { width, height });
    const part = one ? raster.stretch(this.range, now.columns - 1, width) : { from: 0, stop: width };
    const view = { x: this.range, y: [-0.5, source.rows - 0.5] };
    const { image } = raster.paint(source, this.table, view, { width, height }, part);
    if (image) canvas.getContext("2d")?.putImageData(image, part.from, 0);
    const per = known?.per ?? 1;
    const words = `${layer.name}: ${counted(layer.neurons, "neuron")}${per > 1 ? `, one row averages ${per}` : ""}; click to open`;
    if (box.title !== words) box.title = words;
  }

  // ------------------------------------------------------------ filter

  #filter() {
    const wanted = this.filter.value.trim().toLowerCase();
    const named = this.items.some(({ layer }) => layer.name.toLowerCase().includes(wanted));
    let shown = 0;
    for (const { layer, box } of this.items) {
      const fits = (named ? layer.name : layer.type).toLowerCase().includes(wanted);
      box.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const group of this.host.children) group.toggleAttribute("hidden", !group.querySelector(".multiple:not([hidden])"));
    say(this.words, wanted ? `${count(shown)} of ${counted(this.items.length, "layer")}` : counted(this.items.length, "layer"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      this.filter.value = "";
      this.#filter();
      this.filter.blur();
    }
    const first = event.key === "Enter" && this.items.find(({ box }) => !box.hidden);
    if (first) this.onOpen(first.layer.index);
  }
}
