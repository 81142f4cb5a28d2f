/*
 * Numbers of layers × epochs: fractions frozen, thawed, dead and churning, mean φ, mean |v|.
 */

import * as rest from "../api/recorded.js";

/** @import { Feed } from "./feed.js" */
/** @import { LayerCounts } from "../../types/pages" */

const BURST_FRACTION = 0.01;
const BURST_FACTOR = 2.5;
const AROUND = 5;

/** @param {number[]} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : 0;
}

/** @typedef {"frozen" | "thawed" | "dead" | "churning" | "phi" | "speed"} Numbers */

export class LayerTables {
  /** @param {Feed} feed whose layers they are. */
  constructor(feed) {
    this.feed = feed;
    /** @type {Record<Numbers, Float32Array[]>} by epoch, a value a layer; NaN where there is none. */
    this.columns = { frozen: [], thawed: [], dead: [], churning: [], phi: [], speed: [] };
    this.loaded = /** @type {Set<Numbers>} */ (new Set());
    this.thawedFractions = /** @type {WeakMap<Float32Array, number>} */ (new WeakMap());
  }

  /** Fetches the history of one; what came live meanwhile stays. @param {Numbers} what */
  async load(what) {
    const { id, scope } = this.feed;
    /** @type {{first: number, columns: Float32Array[]}} */
    const { first, columns } = await rest.overview(id, what, scope.signal);
    for (const [place, column] of columns.entries()) this.columns[what][first + place] ??= column;
    this.loaded.add(what);
  }

  /** Fetches the history of one unless it is here or asked for; tells "table" when it is. @param {Numbers} what */
  async want(what) {
    if (this.loaded.has(what) || !this.feed.loaded) return;
    this.loaded.add(what);
    const came = await this.feed.insist(what, () => this.load(what));
    if (!came) this.loaded.delete(what);
    else if (!this.feed.scope.ended) this.feed.tell("table", what);
  }

  /** An epoch came live: the columns of its event, an item a layer. @param {number} epoch @param {LayerCounts} layers */
  take(epoch, { frozen, thawed, applied, dead, churning, phi_mean: phi, speed_mean: speed }) {
    const { layers, external } = this.feed;
    // Of a layer that nobody watched in this epoch the counts are 0, and there is no φ.
    const watched = (/** @type {number} */ index) => !external || phi[index] !== null || frozen[index] + applied[index] > 0;
    const fraction = (/** @type {number[]} */ counts) =>
      Float32Array.from(counts, (count, index) => (watched(index) ? count / layers[index].neurons : NaN));
    const mean = (/** @type {(number | null)[]} */ values) => Float32Array.from(values, (value) => value ?? NaN);
    const { columns } = this;
    const unknown = layers.map(() => NaN); // to a former version
    columns.dead[epoch] = fraction(dead ?? unknown);
    columns.churning[epoch] = fraction(churning ?? unknown);
    columns.frozen[epoch] = fraction(frozen);
    columns.thawed[epoch] = fraction(thawed);
    columns.phi[epoch] = mean(phi);
    columns.speed[epoch] = mean(speed);
  }

  /** How many of a layer's neurons were dead or churning; null: it is not known. @param {"dead" | "churning"} kind @param {number} epoch @param {number} layer */
  countAt(kind, epoch, layer) {
    const fraction = this.columns[kind][epoch]?.[layer] ?? NaN;
    return Number.isNaN(fraction) ? null : Math.round(fraction * this.feed.layers[layer].neurons);
  }

  /** Fraction of all neurons that thawed at the end of an epoch. @param {number} epoch */
  #thawedFraction(epoch) {
    const column = this.columns.thawed[epoch];
    if (!column || column.length > this.feed.layers.length) return 0; // history of a run that began while the page was loaded
    const fraction = this.thawedFractions.get(column) ?? this.#ofAll(column);
    this.thawedFractions.set(column, fraction);
    return fraction;
  }

  /** The fraction of all neurons that these fractions of layers make up. @param {Float32Array} column */
  #ofAll(column) {
    const { layers } = this.feed;
    const neurons = layers.reduce((sum, layer) => sum + layer.neurons, 0) || 1;
    return column.reduce((sum, fraction, index) => sum + (fraction || 0) * layers[index].neurons, 0) / neurons;
  }

  /**
   * Epochs in which many neurons thawed at once: at least one in a hundred, and 2.5 times as many as is usual in the ten
   * epochs around.
   *
   * @returns {{epoch: number, fraction: number}[]}
   */
  bursts() {
    const fractions = this.columns.thawed.map((_, epoch) => this.#thawedFraction(epoch));
    const usual = (/** @type {number} */ epoch) => median(fractions.slice(Math.max(0, epoch - AROUND), epoch + AROUND + 1));
    return fractions.flatMap((fraction, epoch) =>
      fraction >= BURST_FRACTION && fraction >= BURST_FACTOR * usual(epoch) ? [{ epoch, fraction }] : [],
    );
  }
}
