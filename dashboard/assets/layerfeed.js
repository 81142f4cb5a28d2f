"use strict";
/*
 * neq.LayerFeed: one layer of a run that somebody looks at: its cells, its velocity histograms, its exact values.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const COLUMNS_KEPT = 400;

  class LayerFeed {
    /**
     * @param {neq.Feed} feed whose layer it is.
     * @param {{index: number, name: string, type: string, neurons: number}} layer
     */
    constructor(feed, layer) {
      this.feed = feed;
      this.index = layer.index;
      this.layer = layer;
      this.cells = new neq.NeuronHistory(layer.neurons);
      /** Counts in the 39 velocity bins, by epoch; null while there is no velocity. */
      this.histograms = [];
      this.values = new Map();
      this.loaded = false;
      this.problem = null;
    }

    /** Whether this is still one of the layers looked at. */
    get current() {
      return !this.feed.scope.ended && this.feed.open.get(this.index) === this;
    }

    /** Fetches what is stored; tells the feed's listeners of "cells". */
    async load() {
      const { id, scope } = this.feed;
      try {
        const [display, histograms] = await Promise.all([
          neq.rest.display(id, this.index, {}, scope.signal),
          neq.rest.histograms(id, this.index, scope.signal),
        ]);
        this.cells.put(display.first, display.bytes);
        histograms.epochs.forEach((epoch, place) => this.takeHistogram(epoch, histograms.counts[place]));
        this.problem = null;
      } catch (error) {
        if (error.name === "AbortError") return;
        this.problem = error.message;
      }
      this.loaded = true;
      if (!this.current) return;
      this.feed.tell("cells", this.index);
      if (this.#lacks) this.feed.mendSoon();
    }

    /** Whether an epoch that is over is not here. */
    get #lacks() {
      return this.problem !== null || this.cells.firstGap(this.feed.done) !== -1;
    }

    /** Fetches the epochs that the socket did not bring; again until none is missing. */
    async mend() {
      if (!this.loaded || !this.current || !this.#lacks) return;
      if (this.problem !== null) return this.load();
      const { id, scope, done } = this.feed;
      const first = this.cells.firstGap(done);
      const display = await neq.rest.display(id, this.index, { first, stop: done }, scope.signal).catch(() => null);
      if (display) this.cells.put(display.first, display.bytes);
      if (display && this.current) this.feed.tell("cells", this.index);
      if (this.current && this.#lacks) this.feed.mendSoon();
      return undefined;
    }

    takeHistogram(epoch, counts) {
      this.histograms[epoch] = counts || null;
    }

    /**
     * The stored float32 values of one epoch, fetched once and kept for a while.
     *
     * @param {"phi"|"velocity"} field
     * @returns {Float32Array|null|Promise<Float32Array|null>} at once if it is here; null: there is none.
     */
    column(field, epoch) {
      const key = `${field} ${epoch}`;
      if (this.values.has(key)) return this.values.get(key);
      const { id, scope } = this.feed;
      const asked = neq.rest.column(id, this.index, field, epoch, scope.signal).then(
        (values) => {
          this.values.set(key, values);
          return values;
        },
        () => {
          this.values.delete(key);
          return null;
        },
      );
      this.values.set(key, asked);
      if (this.values.size > COLUMNS_KEPT) this.values.delete(this.values.keys().next().value);
      return asked;
    }

    /** Cells for neq.raster: the four states, or the size of v. */
    source(mode) {
      const { cells } = this;
      return {
        rows: cells.neurons,
        get columns() {
          return cells.epochs;
        },
        fill: mode === "speed" ? (epoch, into) => cells.fillSpeeds(epoch, into) : (epoch, into) => cells.fillStates(epoch, into),
      };
    }

    /** Cells for neq.raster: one column an epoch, one row a velocity bin; roots let few neurons be seen. */
    histogramSource() {
      const { histograms, cells } = this;
      const steps = neq.palette.SHARE_STEPS - 1;
      return {
        rows: 39,
        get columns() {
          return histograms.length;
        },
        fill(epoch, into) {
          const counts = histograms[epoch];
          if (!counts) return false;
          counts.forEach((count, bin) => (into[bin] = Math.round(steps * Math.min(1, 1.3 * Math.sqrt(count / cells.neurons)))));
          return true;
        },
      };
    }
  }

  neq.LayerFeed = LayerFeed;
})();
