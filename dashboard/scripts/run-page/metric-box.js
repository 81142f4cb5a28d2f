/*
 * One metric in the card of metrics: its chart while it is seen, and a line of what the chart leaves out.
 */

import { MetricChart, titled } from "../plot/metric-chart.js";
import { byEpoch, byStep } from "../run-data/metric-series.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { Figure } from "../plot/area.js" */
/** @import { Line } from "../plot/line-pen.js" */
/** @import { Axis } from "../api/metrics.js" */
/** @import { MetricSeries } from "../run-data/metric-series.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/** @typedef {{axis: Axis, log: boolean}} Look how metrics are drawn. */
/** @typedef {{feed: Feed, name: string, colour: string}} Source a run, and how its line looks. */
/** @typedef {{series: MetricSeries, source: Source}} Logged */

const { count, counted, number } = format;
const RESTING_MS = 150;
export const THINNED = "thinned to the pixels: minimum and maximum kept";

export class MetricBox {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Source[]} options.sources the runs that logged it, or may.
   * @param {string} options.name
   * @param {string} options.title of saved files.
   * @param {Record<string, Figure>} options.figures templates `metric` and `metric_log`.
   * @param {() => any} options.plotly the library; null: it is not there yet.
   */
  constructor({ scope, sources, name, title, figures, plotly }) {
    this.scope = scope;
    this.sources = sources;
    this.name = name;
    this.title = title;
    this.figures = figures;
    this.plotly = plotly;
    this.host = element("div.picture-curve");
    this.note = element("p.picture-note", { hidden: true });
    this.box = element("div.metric", { "data-metric": name }, this.host, this.note);
    this.inSight = false;
    /** @type {Look} */
    this.look = { axis: "step", log: false };
    /** @type {MetricChart | null} only while it is seen. */
    this.chart = null;
    this.draw = scope.once(() => this.#draw());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resting = undefined;
  }

  /** Draws it from now on, or lets go of all that drawing takes. @param {boolean} inSight @param {Look} look */
  show(inSight, look) {
    const same = inSight === this.inSight && look.axis === this.look.axis && look.log === this.look.log;
    this.inSight = inSight;
    this.look = look;
    if (same && Boolean(this.chart) === inSight) return;
    this.#end();
    if (inSight) this.#begin();
    else for (const { feed } of this.sources) feed.metrics.forget(this.name);
  }

  #end() {
    clearTimeout(this.resting);
    this.chart?.scope.end();
    this.chart = null;
    this.host.replaceChildren();
  }

  #begin() {
    const { scope, host, name, title, figures, look } = this;
    const Plotly = this.plotly();
    if (!Plotly) return;
    const figure = titled(look.log ? figures.metric_log : figures.metric, name);
    const onRange = () => this.#zoomed();
    this.chart = new MetricChart({
      scope,
      host,
      figure,
      axis: look.axis,
      name: `${title} ${name}`,
      about: () => ({ what: name, run: title }),
      onRange,
    });
    this.chart.start(Plotly);
    const columns = Math.max(100, Math.round(this.chart.area.width * devicePixelRatio));
    for (const { feed } of this.sources) feed.metrics.watch(name, look.axis, columns);
    this.draw();
  }

  #draw() {
    const { chart, sources, look } = this;
    const logged = sources.flatMap((source) => this.#logged(source));
    if (!chart || !logged.length) return;
    const lines = logged.map(({ series, source }) => lineOf(series, source, look));
    chart.drawWhole(
      lines,
      sources.every(({ feed }) => feed.ended),
    );
    chart.say(missing(lines, look));
    chart.describe(`${this.name} by ${look.axis}. ${logged.map((each) => this.#words(each)).join(" ")}`);
    this.#note(
      logged.map(({ series }) => series),
      lines.some(({ spread }) => spread?.some(Boolean)),
    );
  }

  /** Its points of a run, where there are any. @param {Source} source @returns {Logged[]} */
  #logged(source) {
    const series = source.feed.metrics.series.get(this.name);
    return series?.points ? [{ series, source }] : [];
  }

  /** Where points were left out, those of what is seen now are asked for, once the reader's hand rests. */
  #zoomed() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { chart } = this;
      if (!chart) return;
      const range = chart.range.x;
      const span = chart.zoomed("x") ? /** @type {[number, number]} */ ([range[0], range[1]]) : null;
      for (const { feed } of this.sources) feed.metrics.closer(this.name, span);
    }, RESTING_MS);
  }

  /** @param {MetricSeries[]} series @param {boolean} spread whether bands are drawn. */
  #note(series, spread) {
    const thinned = series.filter((each) => each.drawn.thinned);
    const most = Math.max(...thinned.map(({ points }) => points));
    const words = [
      spread && "line: last value of each epoch; band: minimum to maximum",
      thinned.length && `${counted(most, "point")}, ${THINNED}`,
    ].filter(Boolean);
    this.note.hidden = !words.length;
    say(this.note, words.join(" · "));
  }

  /** @param {Logged} logged */
  #words({ series, source }) {
    const metric = source.feed.metrics.known.get(this.name);
    const last = metric?.last_step === undefined ? "" : `, last value ${number(metric.last)} at step ${count(metric.last_step)}`;
    return `${this.sources.length > 1 ? `${source.name}: ` : ""}${counted(series.points, "point")}${last}.`;
  }
}

/** @param {MetricSeries} series @param {Source} source @param {Look} look @returns {Line} */
function lineOf(series, { name, colour }, { axis, log }) {
  const drawn = axis === "epoch" ? byEpoch(series.drawn) : byStep(series.drawn);
  const y = log ? drawn.y.map((value) => (value !== null && value > 0 ? value : null)) : drawn.y;
  return { ...drawn, y, name, colour, width: 1.6 };
}

/** Why nothing can be drawn; empty: there is something. @param {Line[]} lines @param {Look} look */
function missing(lines, { axis, log }) {
  if (axis === "epoch" && lines.every(({ x }) => !x.length)) return "Logged without an epoch: see it by step.";
  if (lines.some(({ y }) => y.some((value) => value !== null))) return "";
  return log ? "No value above 0: a log scale has no place for them." : "No value is finite.";
}
