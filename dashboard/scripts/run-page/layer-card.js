/*
 * The open layer of a run: its neurons, beside them those of its norm, and one neuron's timeline.
 */

import { ColourSwitch, modes } from "../plot/colour-modes.js";
import { Heatmap } from "../plot/heatmap.js";
import { orders } from "../plot/orders.js";
import { RARE } from "../plot/rare-marks.js";
import { arraysWords } from "../run-data/arrays.js";
import { partnerOf } from "../run-data/groups.js";
import { fillChoice, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { spanOf } from "../ui/view-address.js";
import { Timeline } from "./timeline.js";

/** @import { Layer, Missing, Parts } from "../../types/pages" */
/** @import { Cursor } from "../plot/epoch-cursor.js" */
/** @import { Figure } from "../plot/area.js" */
/** @import { NeuronCell } from "../plot/heatmap.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { LayerFeed } from "../run-data/layer-feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Changes } from "../ui/view-address.js" */

/**
 * @typedef {object} View what the address says of the card.
 * @property {string} mode of modes.
 * @property {string} order of orders.
 * @property {boolean} pair
 * @property {number | null} neuron
 * @property {number[] | null} rows edges of those that are shown; null: all.
 */

/**
 * @typedef {object} LayerCardOptions
 * @property {Scope} scope
 * @property {Parts} parts of the page.
 * @property {Record<string, Figure>} figures
 * @property {Feed} feed
 * @property {Together} together
 * @property {Cursor} cursor
 * @property {View} view what to show at first.
 * @property {(changes: Changes) => void} onStep the reader chose: for the address.
 * @property {(changes: Changes) => void} onSettle the reader zoomed.
 */

export class LayerCard {
  /** @param {LayerCardOptions} options */
  constructor({ scope, parts, figures, feed, together, cursor, view, onStep, onSettle }) {
    this.scope = scope;
    this.parts = parts;
    this.figures = figures;
    this.feed = feed;
    this.together = together;
    this.cursor = cursor;
    this.onStep = onStep;
    this.onSettle = onSettle;
    this.epsilon = feed.epsilonOf(0); // of the open layer; of an external run's not known yet
    this.index = -1; // no layer is open
    /** @type {Layer | null} the norm that follows the open layer, or the layer that it follows. */
    this.partner = null;
    this.mode = view.mode;
    this.order = view.order;
    this.pair = view.pair;
    this.neuron = view.neuron;
    this.rows = view.rows;
    this.main = this.#heatmap("neurons", "neurons-note");
    this.other = this.#heatmap("partner", "partner-note");
    this.timeline = this.#timeline();
    this.switch = new ColourSwitch(scope, parts, this.epsilon, this.mode, (mode) => this.colourBy(mode));
    const choice = /** @type {HTMLSelectElement} */ (parts.order);
    fillChoice(choice, orders, this.order);
    scope.on(choice, "change", () => this.orderBy(choice.value));
    scope.on(parts.reorder, "click", () => this.arrange());
    scope.on(parts.pair, "click", () => this.showPair(!this.pair));
  }

  #timeline() {
    const { scope, parts, figures, feed } = this;
    return new Timeline({
      scope,
      parts,
      figures,
      feed,
      onPoint: (epoch) => this.together.point(epoch),
      onChoose: (epoch) => this.cursor.move(epoch),
      onMove: (neuron) => this.openNeuron(neuron),
    });
  }

  /** @param {string} part @param {string} note @returns {Heatmap} */
  #heatmap(part, note) {
    const { scope, parts, figures, feed, together } = this;
    /** @type {Heatmap} */
    const heatmap = new Heatmap({
      scope,
      host: parts[part],
      figure: figures.neurons,
      name: `${feed.record.name} ${part}`,
      run: feed.record.name,
      mode: this.mode,
      epsilon: this.epsilon,
      note: parts[note],
      blank: arraysWords(feed.record),
      onPoint: (cell) => {
        together.point(cell?.column ?? null);
        this.#otherOf(heatmap)?.echo(cell);
      },
      onOpen: ({ neuron }) => this.openNeuron(neuron === this.neuron ? null : neuron),
      onRange: ({ y }) => this.#zoomed(heatmap, y),
    });
    return heatmap;
  }

  /** The open layer's neurons are decided by this threshold. @param {number} epsilon */
  #decideBy(epsilon) {
    if (epsilon === this.epsilon) return;
    for (const part of [this, this.main, this.other, this.switch]) part.epsilon = epsilon;
    this.timeline.decideBy(epsilon);
    this.switch.show(this.mode);
    for (const heatmap of [this.main, this.other]) heatmap.colourBy(this.mode);
  }

  /** @param {Heatmap} heatmap */
  #otherOf(heatmap) {
    if (!this.partner || !this.pair) return null;
    return heatmap === this.main ? this.other : this.main;
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    await Promise.all([this.main, this.other, this.timeline].map((picture) => picture.start(Plotly)));
  }

  get pictures() {
    return [this.main.picture, this.other.picture, ...this.timeline.charts];
  }

  // ------------------------------------------------------------ what is shown

  /**
   * Opens a layer; the neuron that was open belongs to another one, so it closes unless it is named.
   * @param {number} index @param {number | null} [neuron]
   */
  open(index, neuron = null) {
    const { feed, parts } = this;
    this.index = index;
    this.#decideBy(feed.epsilonOf(index));
    this.partner = partnerOf(feed.layers, index);
    this.neuron = neuron !== null && neuron < feed.layers[index].neurons ? neuron : null;
    parts.pair.hidden = !this.partner;
    if (this.partner) say(parts.pair, `Show ${this.partner.name.split(".").pop()} too`);
    parts.pair.title = this.partner ? `Show ${this.partner.name} beside this layer` : "";
    this.#watch();
    this.timeline.show(feed.layers[index], this.neuron);
  }

  #watch() {
    const { feed, parts, index } = this;
    const beside = this.pair ? this.partner : null;
    parts["partner-pane"].hidden = !beside;
    parts["main-name"].hidden = !beside;
    parts.pair.setAttribute("aria-pressed", String(Boolean(beside)));
    feed.watch(beside ? [index, beside.index] : [index]);
    if (beside) {
      say(parts["main-name"], feed.layers[index].name);
      say(parts["partner-name"], beside.name);
    }
    this.draw();
  }

  /** More is known of the layers' dead and churning neurons. */
  markRare() {
    for (const heatmap of [this.main, this.other]) heatmap.markRare();
  }

  /** Draws what is there of the open layers; called again when more has come. */
  draw() {
    const { feed, index, partner } = this;
    for (const { kind } of RARE) feed.tables.want(kind);
    this.#drawOne(this.main, feed.open.get(index) || null);
    this.#drawOne(this.other, (partner && feed.open.get(partner.index)) || null);
    this.main.select(this.neuron);
    this.other.select(partner ? this.neuron : null);
  }

  /** @param {Heatmap} heatmap @param {LayerFeed | null} layer */
  #drawOne(heatmap, layer) {
    if (heatmap.layer === layer) {
      if (layer && this.order !== "index" && !heatmap.order) this.arrange();
      return heatmap.redraw();
    }
    heatmap.mode = this.mode;
    heatmap.show(layer);
    if (this.rows && heatmap === this.main && layer) heatmap.picture.show({ y: [...this.rows].reverse() });
    this.arrange();
    return undefined;
  }

  /** A column came of a layer. @param {number} layer @param {number} epoch @param {string} [of] */
  append(layer, epoch, of = "state") {
    if (of !== modes[this.mode].of) return;
    if (layer === this.index) this.main.append(epoch);
    else if (this.partner?.index === layer) this.other.append(epoch);
  }

  // ------------------------------------------------------------ choices

  /** @param {string} mode */
  colourBy(mode) {
    this.colour(mode);
    this.onStep({ colour: modes[mode].query });
  }

  /** Colours by a mode of modes; no step of the reader's. @param {string} mode */
  colour(mode) {
    this.mode = mode;
    this.switch.show(mode);
    this.main.colourBy(mode);
    this.other.colourBy(mode);
  }

  /** @param {string} order of orders. */
  orderBy(order) {
    this.order = order;
    /** @type {HTMLSelectElement} */ (this.parts.order).value = order;
    this.arrange();
    this.onStep({ order: order === "index" ? null : order });
  }

  /** Orders the neurons by what is known now; both layers alike, so that rows stay side by side. */
  arrange() {
    const cells = this.main.layer?.cells;
    const { name, make } = orders[this.order];
    const order = cells && cells.epochs > 0 ? make(cells, this.cursor.epoch) : null;
    const { parts } = this;
    parts["order-note"].hidden = !order;
    if (cells && order) {
      const at = this.order === "v" ? `epoch ${this.cursor.epoch}` : format.counted(cells.epochs, "epoch");
      say(parts["order-words"], `as of ${at}`);
    }
    this.main.orderBy(order, `neurons by ${name}`);
    if (this.partner && this.pair) this.other.orderBy(order, `neurons by ${name}`);
  }

  /** @param {boolean} shown */
  showPair(shown) {
    this.pair = shown;
    this.#watch();
    this.onStep({ pair: shown ? 1 : null });
  }

  /** Opens a neuron's timeline; null closes it. @param {number | null} neuron */
  openNeuron(neuron) {
    const { layer } = this.main.layer ?? {};
    const there = neuron !== null && layer && neuron >= 0 && neuron < layer.neurons;
    this.neuron = there ? neuron : null;
    this.timeline.show(this.feed.layers[this.index], this.neuron);
    this.main.select(this.neuron);
    this.other.select(this.partner ? this.neuron : null);
    this.onStep({ neuron: this.neuron });
  }

  /** @param {Heatmap} heatmap @param {number[]} y */
  #zoomed(heatmap, y) {
    this.#otherOf(heatmap)?.picture.show({ y });
    const whole = !this.main.picture.zoomed("y");
    this.onSettle({ rows: whole ? null : spanOf(y) });
  }

  /** Words in the pictures that have nothing to show. @param {string} nothing */
  say(nothing) {
    this.main.picture.say(this.main.layer?.problem || nothing);
    this.other.picture.say(this.other.layer?.problem || nothing);
  }
}
