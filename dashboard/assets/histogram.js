"use strict";
/*
 * neq.VelocityHistogram: a layer's velocities over epochs as densities, with ±ε; and the marks that pictures share.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const ZERO_BIN = 19;
  const LOWEST_DECADE = -6;
  const BINS_PER_DECADE = 3;
  const EMPTY = { rows: 39, columns: 0, fill: () => false };

  neq.marks = {
    /** Dotted vertical lines where an epoch began with a lower learning rate. */
    drops: (drops) => ({
      annotations: [],
      shapes: drops.map(({ epoch }) => ({
        type: "line", x0: epoch - 0.5, x1: epoch - 0.5, y0: 0, y1: 1, yref: "paper",
        line: { color: "var(--neq-text)", width: 1, dash: "dot" },
      })),
    }),

    /** A frame around one row. */
    row: (row) => ({
      type: "rect", xref: "paper", x0: 0, x1: 1, y0: row - 0.5, y1: row + 0.5,
      line: { color: "var(--neq-text)", width: 1.5 },
    }),

    /** Horizontal lines at v = ±ε on the axis of velocity bins. */
    epsilon(epsilon) {
      const place = neq.velocityPlace(epsilon);
      const line = (y) => ({
        type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: "var(--neq-just-thawed)", width: 1.5 },
      });
      const label = (y, text, yanchor) => ({
        xref: "paper", x: 1, xanchor: "right", y, yanchor, text, showarrow: false,
        font: { size: 11, color: "var(--neq-just-thawed)" }, bgcolor: "var(--neq-surface)", borderpad: 1,
      });
      if (!(epsilon > 0)) return { shapes: [], annotations: [] };
      return {
        shapes: [line(place), line(2 * ZERO_BIN - place)],
        annotations: [label(place, "+ε", "bottom"), label(2 * ZERO_BIN - place, "−ε", "top")],
      };
    },
  };

  /** Where a positive velocity lies on the axis of bins. */
  neq.velocityPlace = (velocity) =>
    ZERO_BIN + 0.5 + BINS_PER_DECADE * Math.max(0, Math.min(-LOWEST_DECADE, Math.log10(velocity) - LOWEST_DECADE));

  class VelocityHistogram {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope
     * @param {HTMLElement} options.host
     * @param {object} options.figure template `velocities` of figures.py.
     * @param {string} options.name of a saved file.
     * @param {number} options.epsilon the run's threshold.
     * @param {(epoch: number|null) => void} [options.onPoint]
     */
    constructor(options) {
      Object.assign(this, options);
      this.tooltip = new neq.Tooltip(this.scope);
      this.picture = new neq.Picture({
        scope: this.scope, host: this.host, figure: this.figure, name: this.name,
        source: EMPTY, table: () => neq.palette.densities(), onHover: (cell) => this.#hover(cell),
      });
      this.host.setAttribute("role", "img");
    }

    start(Plotly) {
      return this.picture.start(Plotly);
    }

    /** Shows a layer; null: none. */
    show(layer) {
      this.layer = layer;
      this.picture.use({ source: layer ? layer.histogramSource() : EMPTY });
      this.host.setAttribute("aria-label", layer ? `Velocities of ${layer.layer.name} over the epochs` : "No layer");
    }

    append(epoch) {
      this.picture.paintColumn(epoch);
    }

    /** Lines at ±ε and where the learning rate fell. */
    markDrops(drops) {
      const { shapes, annotations } = neq.marks.epsilon(this.epsilon);
      this.picture.mark({ shapes: [...shapes, ...neq.marks.drops(drops).shapes], annotations });
    }

    #hover(cell) {
      const counts = cell && this.layer && this.layer.histograms[cell.column];
      this.onPoint?.(counts ? cell.column : null);
      if (!counts || !(cell.row >= 0 && cell.row < counts.length)) return this.tooltip.hide();
      const { neurons } = this.layer.layer;
      const count = counts[cell.row];
      return this.tooltip.show(
        [
          neq.element("div.tooltip-head", {}, `epoch ${cell.column}`),
          neq.element("div", {}, bin(cell.row)),
          neq.element("div", {}, `${neq.format.count(count)} of ${neq.format.count(neurons)} neurons (${neq.format.percent(count / neurons)})`),
        ],
        cell.clientX, cell.clientY,
      );
    }
  }

  /** A bin in words: `0.001 ≤ v < 0.00215`. */
  function bin(index) {
    if (index === ZERO_BIN) return "|v| < 10⁻⁶";
    const edge = (number) => {
      const steps = number >= ZERO_BIN ? number - ZERO_BIN : ZERO_BIN - 1 - number;
      const size = 10 ** (LOWEST_DECADE + steps / BINS_PER_DECADE);
      return neq.format.number(number >= ZERO_BIN ? size : -size, 2);
    };
    if (index === 0) return `v < ${edge(0)}`;
    if (index === 2 * ZERO_BIN) return `v ≥ ${edge(2 * ZERO_BIN - 1)}`;
    return `${edge(index - 1)} ≤ v < ${edge(index)}`;
  }

  neq.VelocityHistogram = VelocityHistogram;
})();
