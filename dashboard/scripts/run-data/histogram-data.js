/*
 * How many neurons of a layer, or of the network, lie in each bin of φ, Δφ or v, epoch by epoch.
 */

import * as rest from "../api/recorded.js";

/** @import { Feed } from "./feed.js" */
/** @import { LayerCounts } from "../../types/pages" */

export class Densities {
  /**
   * @param {Feed} feed
   * @param {{layer: number|null, field: "velocity"|"phi"|"delta"}} what layer null: the whole network.
   * @param {(epoch: number|null) => void} changed one more epoch came; null: many.
   */
  constructor(feed, { layer, field }, changed) {
    this.feed = feed;
    this.layer = layer;
    this.field = field;
    this.changed = changed;
    /** @type {(number[] | null)[]} counts by epoch; null where there is no value. */
    this.counts = [];
    /** @type {string | null} */
    this.problem = null;
    /** Whether an epoch may be lacking that nothing would bring any more: a load failed. */
    this.lacking = false;
  }

  /** Neurons that are counted. */
  get neurons() {
    const { layers } = this.feed;
    return this.layer === null ? layers.reduce((sum, { neurons }) => sum + neurons, 0) : layers[this.layer].neurons;
  }

  /** @param {{first?: number, stop?: number}} [span] of epochs; all of them without. */
  async load(span = {}) {
    const { feed, layer, field } = this;
    const whole = span.first === undefined;
    if (whole) this.lacking = false;
    try {
      const found = await rest.histograms(feed.id, layer, field, span, feed.scope.signal);
      for (const [place, epoch] of found.epochs.entries()) this.counts[epoch] = found.counts[place];
      if (!this.lacking) this.problem = null;
    } catch (problem) {
      const error = /** @type {Error} */ (problem);
      if (error.name === "AbortError") return;
      this.problem = error.message;
      this.lacking = true;
    }
    if (!feed.scope.ended) this.changed(span.first ?? null);
  }

  /**
   * An epoch came live: velocities are counted in its event; φ and Δφ are asked for. With it comes what is lacking.
   * @param {number} epoch @param {LayerCounts} layers
   */
  async take(epoch, layers) {
    const live = this.field === "velocity";
    if (live) {
      const histograms = layers.velocity_histogram;
      this.counts[epoch] = this.layer === null ? sum(histograms.filter((each) => each !== null)) : histograms[this.layer];
      this.changed(epoch);
    }
    if (this.lacking) await this.load();
    else if (!live) await this.load({ first: epoch, stop: epoch + 1 });
  }
}

/** @param {number[][]} histograms */
function sum(histograms) {
  if (!histograms.length) return null;
  return histograms.reduce((total, counts) => total.map((count, bin) => count + counts[bin]));
}
