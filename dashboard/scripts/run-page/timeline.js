/*
 * One neuron over the epochs: φ, and v with the band ±ε; where it was frozen the ground is tinted.
 */

import * as rest from "../api/recorded.js";
import * as marks from "../plot/annotations.js";
import { Chart } from "../plot/line-chart.js";
import { velocityPlace } from "../plot/velocity-scale.js";
import { arraysEvery, arraysWords } from "../run-data/arrays.js";
import { say } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { Layer, NeuronTimeline, Parts } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {[first: number, last: number]} Stretch epochs. */

const { exact, count } = format;

/** Unbroken stretches of ones. @param {number[]} epochs @param {number[]} flags */
function stretches(epochs, flags) {
  /** @type {Stretch[]} */
  const found = [];
  epochs.forEach((epoch, place) => {
    if (!flags[place]) return;
    const last = found.at(-1);
    if (last && last[1] === epoch - 1) last[1] = epoch;
    else found.push([epoch, epoch]);
  });
  return found;
}

export class Timeline {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts timeline, timeline-title, timeline-facts, timeline-phi, timeline-v, …
   * @param {Record<string, Figure>} options.figures templates `neuron_phi` and `neuron_velocity`.
   * @param {Feed} options.feed
   * @param {(epoch: number|null) => void} options.onPoint
   * @param {(epoch: number) => void} options.onChoose
   * @param {(neuron: number|null) => void} options.onMove another neuron, or none, is asked for.
   */
  constructor({ scope, parts, figures, feed, onPoint, onChoose, onMove }) {
    this.parts = parts;
    this.feed = feed;
    this.epsilon = feed.epsilonOf(0); // of the layer
    /** @type {Layer | null} */
    this.layer = null;
    /** @type {number | null} */
    this.neuron = null;
    /** @param {string} name @param {Figure} figure */
    const chart = (name, figure) =>
      new Chart({
        scope,
        host: parts[`timeline-${name}`],
        figure,
        name: `${feed.record.name} neuron ${name}`,
        about: () => this.#about(name === "phi" ? "φ" : "v"),
        onHover: (cell) => onPoint(cell?.column ?? null),
        onClick: (cell) => onChoose(cell.column),
      });
    this.charts = [chart("phi", figures.neuron_phi), chart("v", figures.neuron_velocity)];
    scope.on(parts["timeline-close"], "click", () => onMove(null));
    scope.on(parts["timeline-back"], "click", () => onMove(Number(this.neuron) - 1));
    scope.on(parts["timeline-on"], "click", () => onMove(Number(this.neuron) + 1));
  }

  /** What a saved file is of. @param {string} what */
  #about(what) {
    const more = this.epsilon > 0 ? [`ε = ${format.setting(this.epsilon)}`] : [];
    return { what: `${what} of neuron ${this.neuron}`, run: this.feed.record.name, layer: this.layer?.name, more };
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    await Promise.all(this.charts.map((chart) => chart.start(Plotly)));
    this.charts[1].mark(marks.epsilon(this.epsilon));
  }

  /** The layer's neurons are decided by this threshold. @param {number} epsilon */
  decideBy(epsilon) {
    this.epsilon = epsilon;
    this.charts[1].mark(marks.epsilon(epsilon));
  }

  /** Shows a neuron of a layer; null: none. @param {Layer} layer @param {number | null} neuron */
  show(layer, neuron) {
    this.layer = layer;
    this.neuron = neuron;
    const { parts } = this;
    parts.timeline.hidden = neuron === null;
    if (neuron === null) return;
    say(parts["timeline-title"], `Neuron ${neuron} of ${layer.name}`);
    parts["timeline-back"].toggleAttribute("disabled", neuron === 0);
    parts["timeline-on"].toggleAttribute("disabled", neuron === layer.neurons - 1);
    this.refresh();
  }

  /** Asks for its values anew: an epoch was finished. */
  async refresh() {
    const { layer, neuron, feed } = this;
    if (neuron === null || !layer) return;
    const same = () => !feed.scope.ended && this.layer === layer && this.neuron === neuron;
    try {
      const told = await rest.neuron(feed.id, layer.index, neuron, feed.scope.signal);
      if (same()) this.#draw(told);
    } catch (problem) {
      const error = /** @type {Error} */ (problem);
      if (error.name !== "AbortError" && same()) say(this.parts["timeline-facts"], error.message);
    }
  }

  /** @param {NeuronTimeline} told */
  #draw(told) {
    const { epochs, phi, velocity, frozen } = told;
    const spans = stretches(epochs, frozen);
    const grounds = spans.map(([first, last]) => ({
      x: [first - 0.5, last + 0.5],
      y: null,
      colour: "var(--neq-frozen-soft)",
      name: "frozen",
    }));
    const [similar, fast] = this.charts;
    similar.draw([{ name: "φ", x: epochs, y: phi, colour: "var(--neq-series-1)", words: (value) => exact(Math.fround(value)) }], grounds);
    const velocities = new Map(epochs.map((epoch, place) => [epoch, velocity[place]]));
    const line = {
      name: "v",
      x: epochs,
      y: velocity.map((value) => (value === null ? null : velocityPlace(value))),
      raw: velocity,
      colour: "var(--neq-series-1)",
      words: (/** @type {number} */ _, /** @type {number} */ epoch) => exact(Math.fround(Number(velocities.get(epoch)))),
    };
    const places = [-this.epsilon, this.epsilon].map(velocityPlace);
    const band = this.epsilon > 0 ? [{ x: null, y: places, colour: "var(--neq-band)", name: "|v| < ε" }] : [];
    fast.draw([line], [...grounds, ...band]);
    this.#describe(told, spans);
  }

  /** @param {NeuronTimeline} told @param {Stretch[]} spans in which it is frozen. */
  #describe({ epochs, frozen }, spans) {
    const rested = frozen.filter(Boolean).length;
    const flips = frozen.filter((flag, place) => flag !== (frozen[place - 1] ?? 0)).length;
    const longest = Math.max(0, ...spans.map(([first, last]) => last - first + 1));
    const told = spans.length
      ? `frozen after ${count(rested)} of ${format.counted(epochs.length, "epoch")}, first after epoch ${spans[0][0]}, at most ${count(longest)} in a row; ${count(flips)} flips`
      : `never frozen in ${format.counted(epochs.length, "epoch")}`;
    const thinned = arraysEvery(this.feed.record) > 1;
    const facts = thinned ? `${told}, of those whose arrays were recorded. ${arraysWords(this.feed.record)}` : told;
    say(this.parts["timeline-facts"], facts);
    const [similar, fast] = this.charts;
    similar.describe(`φ of neuron ${this.neuron} by epoch: ${facts}`);
    fast.describe(`v of neuron ${this.neuron} by epoch, with the band ±ε: ${facts}`);
  }
}

Timeline.stretches = stretches;
