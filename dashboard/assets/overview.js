"use strict";
/*
 * neq.Overview: layers × epochs, coloured by the share of the layer that was decided to freeze. Input at the top.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const LABEL_PIXELS = 13;
  const LABEL_SIGNS = 17;
  const AXIS_PIXELS = 46;

  /** The end of a long name tells more than its beginning. */
  function short(name, signs) {
    return name.length > signs ? `…${name.slice(1 - signs)}` : name;
  }

  class Overview {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope
     * @param {HTMLElement} options.host
     * @param {object} options.figure template `overview` of figures.py.
     * @param {neq.Feed} options.feed
     * @param {(layer: number) => void} options.onOpen a row was chosen.
     * @param {(epoch: number|null) => void} [options.onPoint]
     * @param {number} [options.labelSigns] how much of a layer's name fits.
     */
    constructor(options) {
      Object.assign(this, options);
      const { feed, scope } = this;
      this.tooltip = new neq.Tooltip(scope);
      this.picture = new neq.Picture({
        scope, host: this.host, figure: this.figure, name: `${feed.record.name} overview`,
        source: this.#source(), table: () => neq.palette.shares(),
        onHover: (cell) => this.#hover(cell),
        onClick: (cell) => feed.layers[cell.row] && this.onOpen(cell.row),
      });
      this.host.setAttribute("role", "img");
    }

    #source() {
      const { feed } = this;
      const steps = neq.palette.SHARE_STEPS - 1;
      return {
        get rows() {
          return Math.max(1, feed.layers.length);
        },
        get columns() {
          return feed.shares.length;
        },
        fill(epoch, into) {
          const shares = feed.shares[epoch];
          if (!shares) return false;
          for (let layer = 0; layer < shares.length; layer += 1) into[layer] = Math.round(shares[layer] * steps);
          return true;
        },
      };
    }

    async start(Plotly) {
      await this.picture.start(Plotly);
      this.scope.watchSize(this.host, this.scope.once(() => this.#label()));
    }

    /** Draws all of it: the layers, their names, what is stored. */
    draw() {
      const { layers } = this.feed;
      if (!layers.length) return;
      this.host.style.setProperty("--rows-height", `${Math.max(150, Math.min(360, layers.length * 15 + AXIS_PIXELS))}px`);
      const whole = [layers.length - 0.5, -0.5];
      this.picture.extend("y", whole);
      this.#label();
      this.picture.redraw();
      this.describe();
    }

    /** One more epoch has come. */
    append(epoch) {
      this.picture.paintColumn(epoch);
      this.describe();
    }

    /** Marks the row of the layer that is open. */
    select(index) {
      this.selected = index;
      this.#label();
    }

    /** Vertical lines where the learning rate fell. */
    markDrops(drops) {
      this.drops = drops;
      this.#mark();
    }

    #mark() {
      const box = this.selected === undefined || !this.feed.layers.length ? [] : [neq.marks.row(this.selected)];
      this.picture.mark({ shapes: [...neq.marks.drops(this.drops || []).shapes, ...box], annotations: [] });
    }

    #label() {
      const { layers } = this.feed;
      const room = this.picture.plot._fullLayout ? this.picture.area.height : 0;
      if (!layers.length || room < 1) return;
      const every = Math.max(1, Math.ceil((layers.length * LABEL_PIXELS) / room));
      const seen = layers.filter((layer) => layer.index % every === 0);
      const update = {
        "yaxis.tickmode": "array", "yaxis.tickvals": seen.map((layer) => layer.index),
        "yaxis.ticktext": seen.map((layer) => short(layer.name, this.labelSigns || LABEL_SIGNS)), "yaxis.tickfont.size": 11, "yaxis.showticklabels": true,
      };
      const text = JSON.stringify(update);
      if (text !== this.labels) this.picture.adjust(update);
      this.labels = text;
      this.#mark();
    }

    describe() {
      const last = this.feed.shares.length - 1;
      const { layers } = this.feed;
      const head = `Overview of ${layers.length} layers, input at the top`;
      if (last < 0) return this.host.setAttribute("aria-label", `${head}; no epoch is finished yet.`);
      const most = [...this.feed.shares[last]].reduce((best, share, index, all) => (share > all[best] ? index : best), 0);
      const words = `After epoch ${last} the most frozen layer is ${layers[most].name}`;
      return this.host.setAttribute("aria-label", `${head}. ${words}: ${neq.format.percent(this.feed.shares[last][most])}.`);
    }

    #hover(cell) {
      const share = cell && this.feed.shares[cell.column]?.[cell.row];
      this.onPoint?.(share === undefined || share === null ? null : cell.column);
      if (share === undefined || share === null) return this.tooltip.hide();
      const layer = this.feed.layers[cell.row];
      return this.tooltip.show(
        [
          neq.element("div.tooltip-head", {}, layer.name),
          neq.element("div", {}, `${layer.type}, ${neq.format.count(layer.neurons)} neurons`),
          neq.element("div", {}, `after epoch ${cell.column}: ${neq.format.percent(share)} frozen for the next`),
          neq.element("div.tooltip-hint", {}, "click to open the layer"),
        ],
        cell.clientX, cell.clientY,
      );
    }
  }

  neq.Overview = Overview;
})();
