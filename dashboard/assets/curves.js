"use strict";
/*
 * neq.Curves: accuracy, loss, frozen share and learning rate over the epochs, of one run or of several.
 */
(() => {
  const neq = (window.neq = window.neq || {});

  /** What each chart shows of a run: field of its epochs, colour and dash when it is the only run. */
  const CHARTS = {
    accuracy: [
      { field: "train_accuracy", name: "train", colour: "var(--neq-series-2)", dash: "dot", format: ":.1%" },
      { field: "test_accuracy", name: "test", colour: "var(--neq-series-1)", format: ":.1%" },
    ],
    loss: [
      { field: "train_loss", name: "train", colour: "var(--neq-series-2)", dash: "dot", format: ":.3f" },
      { field: "test_loss", name: "test", colour: "var(--neq-series-1)", format: ":.3f" },
    ],
    frozen_share: [{ field: "frozen_share", name: "frozen", colour: "var(--neq-frozen)", format: ":.1%" }],
    learning_rate: [{ field: "learning_rate", name: "rate", colour: "var(--neq-series-3)", format: ":.3~g" }],
  };

  class Curves {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope
     * @param {Record<string, HTMLElement>} options.hosts an element for each chart of CHARTS.
     * @param {object} options.figures templates `curve` of figures.py, by the same names.
     * @param {string} options.name of saved files.
     * @param {(epoch: number|null) => void} [options.onPoint]
     */
    constructor({ scope, hosts, figures, name, onPoint }) {
      this.charts = Object.fromEntries(
        Object.keys(CHARTS).map((key) => {
          const onHover = (cell) => onPoint?.(cell && cell.column);
          return [key, new neq.Chart({ scope, host: hosts[key], figure: figures[key], name: `${name} ${key}`, onHover })];
        }),
      );
    }

    start(Plotly) {
      return Promise.all(Object.values(this.charts).map((chart) => chart.start(Plotly)));
    }

    /** Joins all of them to others that share the epochs. */
    join(together) {
      for (const chart of Object.values(this.charts)) together.add(chart);
    }

    /** Draws one run: test and train told apart by colour. */
    drawOne(feed) {
      for (const [key, chart] of Object.entries(this.charts)) {
        chart.draw(CHARTS[key].map((line) => ({ ...line, ...points(feed, line.field) })));
        chart.mark(neq.marks.drops(key === "learning_rate" ? [] : feed.drops()));
      }
    }

    /** Draws several runs: each in its own colour; the test values, with the training values dotted. */
    drawMany(runs) {
      for (const [key, chart] of Object.entries(this.charts)) {
        const lines = runs.flatMap(({ feed, colour }) =>
          CHARTS[key].map((line) => ({
            ...line, ...points(feed, line.field), colour, width: line.name === "train" ? 1.2 : 2,
            name: CHARTS[key].length > 1 ? `${feed.record.name}, ${line.name}` : feed.record.name,
          })),
        );
        chart.draw(lines);
      }
    }
  }

  function points(feed, field) {
    const known = feed.epochs.filter(Boolean);
    return { x: known.map((epoch) => epoch.epoch), y: known.map((epoch) => epoch[field]) };
  }

  neq.Curves = Curves;
})();
