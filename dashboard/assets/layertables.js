"use strict";
/*
 * neq.LayerTables: numbers of layers × epochs: shares frozen and thawed, mean φ, mean |v|.
 */
(() => {
  const { neq } = window;
  const BURST_SHARE = 0.01;
  const BURST_FACTOR = 2.5;
  const AROUND = 5;

  function median(values) {
    const sorted = Float64Array.from(values).sort();
    return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : 0;
  }

  class LayerTables {
    /** @param {neq.Feed} feed whose layers they are. */
    constructor(feed) {
      this.feed = feed;
      /** By epoch, a value a layer; NaN where there is none. */
      this.columns = { frozen: [], thawed: [], phi: [], speed: [] };
      this.loaded = new Set();
      this.thawedShares = new WeakMap();
    }

    /** Fetches the history of one; what came live meanwhile stays. */
    async load(what) {
      const { id, scope } = this.feed;
      const { first, columns } = await neq.rest.overview(id, what, scope.signal);
      for (const [place, column] of columns.entries()) this.columns[what][first + place] ??= column;
      this.loaded.add(what);
    }

    /** Fetches the history of one unless it is here; tells "table" when it is. */
    async want(what) {
      if (this.loaded.has(what) || !this.feed.loaded) return;
      this.loaded.add(what);
      try {
        await this.load(what);
      } catch (error) {
        this.loaded.delete(what);
        if (error.name !== "AbortError") this.feed.tell("trouble", error.message);
        return;
      }
      if (!this.feed.scope.ended) this.feed.tell("table", what);
    }

    /** An epoch came live: the columns of its event, an item a layer. */
    take(epoch, { frozen, thawed, phi_mean: phi, speed_mean: speed }) {
      const { layers } = this.feed;
      const share = (counts) => Float32Array.from(counts, (count, index) => count / layers[index].neurons);
      const mean = (values) => Float32Array.from(values, (value) => value ?? NaN);
      const { columns } = this;
      columns.frozen[epoch] = share(frozen);
      columns.thawed[epoch] = share(thawed);
      columns.phi[epoch] = mean(phi);
      columns.speed[epoch] = mean(speed);
    }

    /** Share of all neurons that thawed at the end of an epoch. */
    #thawedShare(epoch) {
      const column = this.columns.thawed[epoch];
      if (!column) return 0;
      if (!this.thawedShares.has(column)) this.thawedShares.set(column, this.#ofAll(column));
      return this.thawedShares.get(column);
    }

    /** The share of all neurons that these shares of layers make up. */
    #ofAll(column) {
      const { layers } = this.feed;
      const neurons = layers.reduce((sum, layer) => sum + layer.neurons, 0) || 1;
      return column.reduce((sum, share, index) => sum + share * layers[index].neurons, 0) / neurons;
    }

    /**
     * Epochs in which many neurons thawed at once: at least one in a hundred, and 2.5 times as many as is usual in the ten
     * epochs around.
     *
     * @returns {{epoch: number, share: number}[]}
     */
    bursts() {
      const shares = this.columns.thawed.map((_, epoch) => this.#thawedShare(epoch));
      const usual = (epoch) => median(shares.slice(Math.max(0, epoch - AROUND), epoch + AROUND + 1));
      return shares.flatMap((share, epoch) => (share >= BURST_SHARE && share >= BURST_FACTOR * usual(epoch) ? [{ epoch, share }] : []));
    }
  }

  neq.LayerTables = LayerTables;
})();
