// @ts-nocheck (types to come)
/*
 * LayerCard: the open layer of a run: its neurons, beside them those of its norm, and one neuron's timeline.
 */

import { ColourSwitch, modes } from "../plot/colour-modes.js";
import { Heatmap } from "../plot/heatmap.js";
import { orders } from "../plot/orders.js";
import { partnerOf } from "../run-data/groups.js";
import { fillChoice, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { spanOf } from "../ui/view-address.js";
import { Timeline } from "./timeline.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { Cursor } from "../plot/epoch-cursor.js" */

export class LayerCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Record<string, HTMLElement>} options.parts of the page.
   * @param {object} options.figures
   * @param {Feed} options.feed
   * @param {Together} options.together
   * @param {Cursor} options.cursor
   * @param {object} options.view what to show at first: mode, order, pair, neuron, rows.
   * @param {(changes: object) => void} options.onStep the reader chose: for the address.
   * @param {(changes: object) => void} options.onSettle the reader zoomed.
   */
  constructor(options) {
    Object.assign(this, options);
    const { scope, parts, feed, view } = this;
    this.epsilon = feed.record.config.neq.epsilon;
    this.index = null;
    Object.assign(this, { mode: view.mode, order: view.order, pair: view.pair, neuron: view.neuron, rows: view.rows });
    this.main = this.#heatmap("neurons", "neurons-note");
    this.other = this.#heatmap("partner", "partner-note");
    this.timeline = new Timeline({
      scope,
      parts,
      figures: this.figures,
      feed,
      epsilon: this.epsilon,
      onPoint: (epoch) => this.together.point(epoch),
      onChoose: (epoch) => this.cursor.move(epoch),
      onMove: (neuron) => this.openNeuron(neuron),
    });
    this.switch = new ColourSwitch(scope, parts, this.epsilon, this.mode, (mode) => this.colourBy(mode));
    fillChoice(parts.order, orders, this.order);
    scope.on(parts.order, "change", () => this.orderBy(parts.order.value));
    scope.on(parts.reorder, "click", () => this.arrange());
    scope.on(parts.pair, "click", () => this.showPair(!this.pair));
  }

  #heatmap(part, note) {
    const { scope, parts, figures, feed, together } = this;
    const heatmap = new Heatmap({
      scope,
      host: parts[part],
      figure: figures.neurons,
      name: `${feed.record.name} ${part}`,
      mode: this.mode,
      epsilon: this.epsilon,
      note: parts[note],
      onPoint: (cell) => {
        together.point(cell?.column ?? null);
        this.#otherOf(heatmap)?.echo(cell);
      },
      onOpen: ({ neuron }) => this.openNeuron(neuron === this.neuron ? null : neuron),
      onRange: ({ y }) => this.#zoomed(heatmap, y),
    });
    return heatmap;
  }

  #otherOf(heatmap) {
    if (!this.partner || !this.pair) return null;
    return heatmap === this.main ? this.other : this.main;
  }

  async start(Plotly) {
    await Promise.all([this.main, this.other, this.timeline].map((picture) => picture.start(Plotly)));
  }

  get pictures() {
    return [this.main.picture, this.other.picture, ...this.timeline.charts];
  }

  // ------------------------------------------------------------ what is shown

  /** Opens a layer; the neuron that was open belongs to another one, so it closes unless it is named. */
  open(index, neuron = null) {
    const { feed, parts } = this;
    this.index = index;
    this.partner = partnerOf(feed.layers, index);
    this.neuron = neuron !== null && neuron < feed.layers[index].neurons ? neuron : null;
    parts.pair.hidden = !this.partner;
    if (this.partner) say(parts.pair, `with ${this.partner.name.split(".").pop()}`);
    parts.pair.title = this.partner ? `Show ${this.partner.name} beside it` : "";
    this.#watch();
    this.timeline.show(feed.layers[index], this.neuron);
  }

  #watch() {
    const { feed, parts, index, partner } = this;
    const both = Boolean(this.pair && partner);
    parts["partner-pane"].hidden = !both;
    parts["main-name"].hidden = !both;
    parts.pair.setAttribute("aria-pressed", String(both));
    feed.watch(both ? [index, partner.index] : [index]);
    if (both) {
      say(parts["main-name"], feed.layers[index].name);
      say(parts["partner-name"], partner.name);
    }
    this.draw();
  }

  /** Draws what is there of the open layers; called again when more has come. */
  draw() {
    const { feed, index, partner } = this;
    this.#drawOne(this.main, feed.open.get(index) || null);
    this.#drawOne(this.other, (partner && feed.open.get(partner.index)) || null);
    this.main.select(this.neuron);
    this.other.select(partner ? this.neuron : null);
  }

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

  /** A column came of a layer. */
  append(layer, epoch, of = "state") {
    if (of !== modes[this.mode].of) return;
    if (layer === this.index) this.main.append(epoch);
    else if (this.partner?.index === layer) this.other.append(epoch);
  }

  // ------------------------------------------------------------ choices

  colourBy(mode) {
    this.colour(mode);
    this.onStep({ colour: modes[mode].query });
  }

  /** Colours by a mode of modes; no step of the reader's. */
  colour(mode) {
    this.mode = mode;
    this.switch.show(mode);
    this.main.colourBy(mode);
    this.other.colourBy(mode);
  }

  orderBy(order) {
    this.order = order;
    this.parts.order.value = order;
    this.arrange();
    this.onStep({ order: order === "index" ? null : order });
  }

  /** Orders the neurons by what is known now; both layers alike, so that rows stay side by side. */
  arrange() {
    const cells = this.main.layer?.cells;
    const { name, make } = orders[this.order];
    const known = cells && cells.epochs > 0;
    const order = known ? make(cells, this.cursor.epoch) : null;
    const { parts } = this;
    parts["order-note"].hidden = !order;
    if (order) {
      const at = this.order === "v" ? `epoch ${this.cursor.epoch}` : format.counted(cells.epochs, "epoch");
      say(parts["order-words"], `as of ${at}`);
    }
    this.main.orderBy(order, `neurons by ${name}`);
    if (this.partner && this.pair) this.other.orderBy(order, `neurons by ${name}`);
  }

  showPair(shown) {
    this.pair = shown;
    this.#watch();
    this.onStep({ pair: shown ? 1 : null });
  }

  /** Opens a neuron's timeline; null closes it. */
  openNeuron(neuron) {
    const { layer } = this.main.layer ?? {};
    const there = neuron !== null && layer && neuron >= 0 && neuron < layer.neurons;
    this.neuron = there ? neuron : null;
    this.timeline.show(this.feed.layers[this.index], this.neuron);
    this.main.select(this.neuron);
    this.other.select(this.partner ? this.neuron : null);
    this.onStep({ neuron: this.neuron });
  }

  #zoomed(heatmap, y) {
    this.#otherOf(heatmap)?.picture.show({ y });
    const whole = !this.main.picture.zoomed("y");
    this.onSettle({ rows: whole ? null : spanOf(y) });
  }

  /** Words in the pictures that have nothing to show. */
  say(nothing) {
    this.main.picture.say(this.main.layer?.problem || nothing);
    this.other.picture.say(this.other.layer?.problem || nothing);
  }
}
