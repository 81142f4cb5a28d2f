"use strict";
/*
 * neq.Chart: lines over epochs on Plotly axes.
 */
(() => {
  const neq = (window.neq = window.neq || {});

  class Chart extends neq.Axes {
    /** Draws the axes. */
    async start(Plotly) {
      await super.start(Plotly);
      this.traces = [];
      this.redraw = this.scope.once(() => this.#react());
    }

    /**
     * Draws these lines in place of the former ones, in the next frame; zoom stays.
     *
     * @param {{name: string, x: number[], y: (number|null)[], colour: string, dash?: string, text?: string}[]} lines
     *   colour as `var(--…)`; the arrays must be new ones, for Plotly does not look into those it knows.
     */
    draw(lines) {
      this.lines = lines;
      this.redraw();
    }

    #react() {
      if (!this.lines) return;
      const traces = this.lines.map(({ name, x, y, colour, dash = "solid", width = 2, format = "" }) => ({
        type: "scatter", mode: x.length > 1 ? "lines" : "markers", name, x, y, connectgaps: false,
        line: { color: colour, dash, width, simplify: false }, marker: { color: colour, size: 6 },
        hovertemplate: `%{y${format}}`,
      }));
      this.Plotly.react(this.plot, neq.palette.resolve(traces), this.plot.layout);
      this.moved();
    }

    recolour() {
      super.recolour();
      this.redraw();
    }

    /** The upright axis follows the values by itself. */
    get chosen() {
      return { x: this.range.x };
    }

    /** Back to all epochs, and to an upright axis that fits the values; tells. */
    showAll() {
      this.adjust({ "xaxis.range": [...this.full.x], "yaxis.autorange": true });
      this.onRange?.(this.range);
    }
  }

  neq.Chart = Chart;

  /** Plots that share their epochs: zooming or pointing in one does so in all. */
  class Together {
    #members = new Set();

    /** Adds a started plot and takes over its `onRange`; its own is called as well. */
    add(plot) {
      this.#members.add(plot);
      const own = plot.onRange;
      plot.onRange = (range) => {
        for (const other of this.#members) if (other !== plot) other.show({ x: range.x });
        own?.(range);
      };
      plot.scope.finally(() => this.#members.delete(plot));
      return plot;
    }

    /** The whole of the epoch axis has grown. */
    extend(whole) {
      for (const plot of this.#members) plot.extend("x", whole);
    }

    /** A hairline at this epoch in all of them; null takes it away. */
    point(epoch) {
      for (const plot of this.#members) plot.point(epoch);
    }
  }

  neq.Together = Together;

  /**
   * The epochs an axis shows: the planned ones, halved while not even that half is filled, so that the first epochs of
   * a long run are not a thin strip.
   *
   * @returns {[number, number]} edges of the first and the last cell.
   */
  neq.wholeOf = (done, planned) => {
    let epochs = Math.max(planned, done, 1);
    while (epochs / 2 >= Math.max(done + 1, 12)) epochs = Math.ceil(epochs / 2);
    return [-0.5, epochs - 0.5];
  };
})();
