/*
 * Accuracy, loss, frozen fraction and learning rate over the epochs of a run.
 */

import * as marks from "../plot/annotations.js";
import { Chart } from "../plot/line-chart.js";
import * as format from "../ui/format.js";

/** @import { Epoch } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { Dash } from "../plot/line-pen.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/** @typedef {"train_accuracy" | "test_accuracy" | "train_loss" | "test_loss" | "frozen_fraction" | "learning_rate"} Field */
/** @typedef {{field: Field, name: string, colour: string, dash?: Dash, step?: boolean, words: (value: number) => string}} Curve */

const percent = (/** @type {number} */ fraction) => format.percent(fraction);
const number = (/** @type {number} */ value) => format.number(value);
const rate = (/** @type {number} */ value) => format.rate(value);

/** @type {Record<string, Curve[]>} what each chart shows of a run: field of its epochs, colour and dash when it is the only run. */
const CHARTS = {
  accuracy: [
    { field: "train_accuracy", name: "train", colour: "var(--neq-series-2)", dash: "dot", words: percent },
    { field: "test_accuracy", name: "test", colour: "var(--neq-series-1)", words: percent },
  ],
  loss: [
    { field: "train_loss", name: "train", colour: "var(--neq-series-2)", dash: "dot", words: number },
    { field: "test_loss", name: "test", colour: "var(--neq-series-1)", words: number },
  ],
  frozen_fraction: [{ field: "frozen_fraction", name: "frozen", colour: "var(--neq-frozen-line)", words: percent }],
  learning_rate: [{ field: "learning_rate", name: "rate", colour: "var(--neq-series-3)", words: rate, step: true }],
};

/** What a chart is called where its key would not do, aloud and in the names of files. @type {Record<string, string>} */
const SPOKEN = { frozen_fraction: "frozen next epoch", learning_rate: "learning rate" };

export class Curves {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Record<string, HTMLElement>} options.hosts an element for each chart of CHARTS.
   * @param {Record<string, Figure>} options.figures templates `curve` of figures.py, by the same names.
   * @param {string} options.name of saved files.
   * @param {(epoch: number | null) => void} [options.onPoint]
   * @param {(epoch: number) => void} [options.onChoose]
   */
  constructor({ scope, hosts, figures, name, onPoint, onChoose }) {
    this.charts = Object.fromEntries(
      Object.keys(CHARTS).map((key) => {
        const what = figures[key].layout.title.text;
        const about = {
          scope,
          host: hosts[key],
          figure: figures[key],
          name: `${name} ${SPOKEN[key] ?? key}`,
          about: () => ({ what, run: name }),
        };
        return [
          key,
          new Chart({ ...about, onHover: (cell) => onPoint?.(cell?.column ?? null), onClick: (cell) => onChoose?.(cell.column) }),
        ];
      }),
    );
  }

  /** @param {any} Plotly */
  start(Plotly) {
    return Promise.all(Object.values(this.charts).map((chart) => chart.start(Plotly)));
  }

  /** Joins all of them to others that share the epochs. @param {Together} together */
  join(together) {
    for (const chart of Object.values(this.charts)) together.add(chart);
  }

  /** Draws one run: test and train told apart by colour. @param {Feed} feed */
  drawOne(feed) {
    for (const [key, chart] of Object.entries(this.charts)) {
      chart.draw(CHARTS[key].map((line) => ({ ...line, ...points(feed, line.field) })));
      chart.mark(marks.drops(key === "learning_rate" ? [] : feed.rateChanges()));
      describe(chart);
    }
  }
}

/** Words for those who do not see the lines. @param {Chart} chart */
function describe(chart) {
  const { figure, lines } = chart;
  const last = lines.flatMap(({ name, x, y, words = number }) => {
    const [value, epoch] = [/** @type {number} */ (y.at(-1)), Number(x.at(-1))];
    return y.length ? [`${name} ${words(value, epoch)} at epoch ${epoch}`] : [];
  });
  chart.describe(`${figure.layout.title.text} by epoch. ${last.join("; ") || "No epoch has finished yet."}`);
}

/** @param {Feed} feed @param {Field} field */
function points(feed, field) {
  const known = feed.epochs.filter(Boolean);
  return { x: known.map((epoch) => epoch.epoch), y: known.map((epoch) => epoch[field]) };
}
