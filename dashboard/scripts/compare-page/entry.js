/*
 * One of the runs side by side: its feed, its neurons and its layers, in a pane each.
 */

import { Heatmap } from "../plot/heatmap.js";
import { arraysWords } from "../run-data/arrays.js";
import { Feed, nothingYet } from "../run-data/feed.js";
import { Overview } from "../run-page/overview.js";
import { element, say } from "../ui/dom.js";
import { lineSwatch } from "./members.js";

/** @import { Layer, Run } from "../../types/pages" */
/** @import { Figure, Range } from "../plot/area.js" */
/** @import { NeuronCell } from "../plot/heatmap.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Ink } from "./curve-lines.js" */

/**
 * @typedef {object} EntryOptions
 * @property {Scope} scope
 * @property {Record<string, HTMLElement>} parts of the page: heatmaps, overviews.
 * @property {Run} record
 * @property {Record<string, Figure>} figures
 * @property {string} name which no other of them has.
 * @property {Ink} ink how the run is drawn everywhere.
 * @property {boolean} crowded whether there is little room for the names of layers.
 * @property {string} mode of modes.
 * @property {(epoch: number | null) => void} onPoint the reader points at an epoch.
 * @property {(cell: NeuronCell | null) => void} onPointCell the reader points at a neuron of it.
 * @property {(layer: string) => void} onOpen the reader chose a layer.
 * @property {(range: Range) => void} onRange the reader zoomed the neurons.
 */

export class Entry {
  /** @param {EntryOptions} options */
  constructor({ scope, parts, record, figures, name, ink, crowded, mode, onPoint, onPointCell, onOpen, onRange }) {
    this.scope = scope;
    this.name = name;
    this.ink = ink;
    this.drawn = false; // whether its pictures have axes
    /** @type {HTMLElement[]} the frames of neurons and of layers. */
    this.panes = [];
    this.place = element("span.muted"); // which layer is shown, where it is not the one of that name
    this.feed = new Feed(scope, record);
    /** @type {string | null} why nothing new comes. */
    this.trouble = null;
    const neurons = this.#pane("picture-neurons");
    const layers = this.#pane("picture-overview");
    this.panes[0].querySelector(".compare-name")?.append(this.place);
    parts.heatmaps.append(this.panes[0]);
    parts.overviews.append(this.panes[1]);
    this.heatmap = new Heatmap({
      scope,
      host: neurons.host,
      note: neurons.note,
      blank: arraysWords(record),
      figure: figures.neurons,
      name: `${name} neurons`,
      run: name,
      mode,
      onPoint: onPointCell,
      onRange,
    });
    this.overview = new Overview({
      scope,
      host: layers.host,
      figure: narrow(figures.overview, crowded ? 84 : 120),
      feed: this.feed,
      name,
      labelSigns: crowded ? 12 : 17,
      onOpen: (/** @type {number} */ layer) => onOpen(this.feed.layers[layer].name),
      onPoint,
    });
  }

  /** A frame for a picture, under the run's name. @param {string} className */
  #pane(className) {
    const host = element("div", { class: className });
    const note = element("p.picture-note", { hidden: true });
    const head = element("h3.compare-name", { title: this.name }, lineSwatch(this.ink), element("span", {}, this.name));
    this.panes.push(element("div.compare-pane", {}, head, host, note));
    return { host, note };
  }

  /** Takes it away. */
  end() {
    this.scope.end();
    for (const pane of this.panes) pane.remove();
  }

  /** The run is drawn otherwise from now on. @param {Ink} ink */
  paint(ink) {
    this.ink = ink;
    for (const pane of this.panes) pane.querySelector(".line-swatch")?.replaceWith(lineSwatch(ink));
  }

  /** The layer that is open; null: none, or none of that name. */
  get layer() {
    return [...this.feed.open.values()][0] ?? null;
  }

  /**
   * Opens the layer of this name; a run that has no name in common with the one that is looked at, that of its place.
   * @param {string} name @param {Layer[]} others layers of a run that has it.
   */
  open(name, others) {
    const { layers } = this.feed;
    const named = layers.find((each) => each.name === name);
    const strange = !named && !layers.some((layer) => others.some((other) => other.name === layer.name));
    const own = named ?? (strange ? layers[others.findIndex((other) => other.name === name)] : undefined);
    this.feed.watch(own ? [own.index] : []);
    say(this.place, own && !named ? `${own.name}, by its place: layer ${own.index + 1} of ${layers.length}` : "");
  }

  /** Draws the open layer anew. */
  drawLayer() {
    const { layer, heatmap, overview } = this;
    if (layer) {
      overview.select(layer.index);
      heatmap.epsilon = this.feed.epsilonOf(layer.index);
    }
    if (heatmap.layer !== layer) heatmap.show(layer);
    else heatmap.redraw();
  }

  /** Marks where the learning rate changed at once. */
  markRates() {
    const changes = this.feed.rateChanges();
    this.overview.markEpochs(changes);
    this.heatmap.markDrops(changes);
  }

  /** Says in its pictures why there is nothing in them. @param {string | null} wanted the name of the layer to look at. */
  explainEmpty(wanted) {
    const { feed, layer, trouble } = this;
    const lacks = feed.layers.length && !layer && wanted ? `This run has no layer ${wanted}.` : "";
    this.heatmap.picture.say(trouble || layer?.problem || lacks || nothingYet(feed));
    this.overview.picture.say(trouble || nothingYet(feed));
  }
}

/** A figure with another left margin. @param {Figure} figure @param {number} left @returns {Figure} */
const narrow = (figure, left) => ({
  ...figure,
  layout: { ...figure.layout, margin: { ...figure.layout.margin, l: left } },
});
