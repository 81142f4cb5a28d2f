/*
 * Metrics of all compared runs, over any axis: one request, a chart for each metric.
 */

import * as api from "../api/compare.js";
import { Together } from "../plot/line-chart.js";
import { titled } from "../plot/metric-chart.js";
import * as metricNames from "../run-data/metric-names.js";
import { element, fillChoice, putInput, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { unitOf } from "./axis-units.js";
import { CurveChart, wholeOf } from "./curve-chart.js";
import { linesOf } from "./curve-lines.js";
import { AXES, MOST_SMOOTH } from "./look.js";
import { inkOf, lineSwatch } from "./members.js";
import { chooseMetrics, usualMetrics } from "./metric-choice.js";

/** @import { ComparedMetric, Comparison } from "../../types/api" */
/** @import { PlacedCharts as Charts, PlacedCurves as Curves } from "../api/compare.js" */
/** @import { Parts } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Line } from "../plot/line-pen.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { RunGroups } from "./groups.js" */
/** @import { Axis, Look } from "./look.js" */
/** @import { Member } from "./members.js" */

/** @typedef {{box: HTMLElement, note: HTMLElement, chart: CurveChart, name: string}} Box of a chart. */
/** @typedef {{path: string, name: string}} Grouping a field that runs can be grouped by. */

const RESTING_MS = 150;
const COLUMNS = 600; // of pixels that curves are thinned to
const SPREADS = { std: { name: "± std" }, minmax: { name: "min to max" } };

export class CurvesCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page: curves-….
   * @param {Figure} options.figure template `metric`.
   * @param {Look} options.look
   * @param {Grouping[]} options.groupings
   * @param {RunGroups} options.groups which the page draws by too.
   * @param {Together} options.together whose epochs the charts share while they go by epoch.
   * @param {(key: string | null) => void} options.onLight the reader points at a line.
   * @param {(changes: Partial<Look>) => void} options.onLook the reader chose.
   * @param {() => void} options.onGroups the runs may be drawn as other groups from now on.
   * @param {() => void} options.onDrawn there are new values.
   */
  constructor({ scope, parts, figure, look, groupings, groups, together, onLight, onLook, onGroups, onDrawn }) {
    this.scope = scope;
    this.parts = parts;
    this.figure = figure;
    this.look = look;
    this.together = together;
    this.onLight = onLight;
    this.onLook = onLook;
    this.groups = groups;
    this.onGroups = onGroups;
    this.onDrawn = onDrawn;
    this.kept = /** @type {Set<string> | null} */ (null);
    this.own = new Together(); // all charts go by the same axis
    /** @type {any} */
    this.Plotly = null;
    this.boxes = /** @type {Map<string, Box>} */ (new Map());
    /** @type {Member[]} */
    this.members = [];
    /** @type {ComparedMetric[]} */
    this.metrics = [];
    /** @type {Charts | null} */
    this.answer = null;
    this.asked = 0;
    /** What tells the newest drawing from former ones. @type {object} */
    this.drawing = {};
    /** @type {[number, number] | null} what the reader zoomed to, in the axis's own unit; null: all. */
    this.span = null;
    /** @type {[number, number] | null} the reach of the axis, by the answer for all of it. */
    this.whole = null;
    this.unit = unitOf("epoch", 1);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resting = undefined;
    this.own.onShow = (range) => this.#zoomed(range);
    scope.finally(() => clearTimeout(this.resting));
    this.wire(groupings);
  }

  /** @param {Grouping[]} groupings */
  wire(groupings) {
    const { scope, parts, look } = this;
    const select = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (parts[name]);
    fillChoice(select("curves-axis"), AXES, look.axis);
    fillChoice(select("curves-spread"), SPREADS, look.spread);
    const groups = Object.fromEntries(groupings.map(({ path, name }) => [path, { name }]));
    if (look.group && !groups[look.group]) groups[look.group] = { name: look.group }; // an address of somebody's own
    fillChoice(select("curves-group"), { "": { name: "each run by itself" }, ...groups }, look.group);
    const smooth = putInput(parts, "curves-smooth", { type: "range", min: 0, max: MOST_SMOOTH, step: 0.01, value: look.smooth });
    smooth.setAttribute("aria-label", "Smoothing");
    scope.on(select("curves-axis"), "change", () => this.#choose({ axis: /** @type {Axis} */ (select("curves-axis").value) }));
    scope.on(select("curves-group"), "change", () => this.#choose({ group: select("curves-group").value }));
    scope.on(select("curves-spread"), "change", () =>
      this.#choose({ spread: select("curves-spread").value === "minmax" ? "minmax" : "std" }),
    );
    scope.on(smooth, "input", () => this.#choose({ smooth: Number(smooth.value) }));
    scope.on(parts["curves-log"], "click", () => this.#choose({ log: !this.look.log }));
    scope.on(parts["curves-metrics"], "click", () =>
      chooseMetrics(scope, this.metrics, this.shown(), (metrics) => this.#choose({ metrics })),
    );
    this.press();
  }

  press() {
    const { parts, look } = this;
    parts["curves-log"].setAttribute("aria-pressed", String(look.log));
    parts["curves-spread"].hidden = !look.group;
    say(parts["curves-smooth-words"], look.smooth ? look.smooth.toFixed(2) : "off");
    parts["curves-smooth"].setAttribute("aria-valuetext", look.smooth ? look.smooth.toFixed(2) : "off");
  }

  /** @param {Partial<Look>} changes */
  #choose(changes) {
    if ("axis" in changes) this.span = null;
    this.look = { ...this.look, ...changes };
    this.press();
    this.onLook(changes);
    if ("smooth" in changes || "log" in changes) this.draw();
    else this.ask();
  }

  /** The baseline has changed. @param {Look} look */
  lookAt(look) {
    this.look = look;
    this.draw();
  }

  /** Charts can be drawn from now on. @param {any} Plotly */
  async start(Plotly) {
    this.Plotly = Plotly;
    await Promise.all([...this.boxes.values()].map(({ chart }) => chart.start(Plotly)));
    this.draw();
  }

  /** The runs as they stand now. @param {Member[]} members @param {Comparison} comparison */
  update(members, { metrics }) {
    this.members = members;
    this.metrics = metrics;
    return this.ask();
  }

  /** The runs are drawn otherwise. @param {Member[]} members */
  paint(members) {
    this.members = members;
    this.draw();
  }

  /** Names of the metrics that are shown. */
  shown() {
    const known = new Set(this.metrics.map(({ name }) => name));
    return (this.look.metrics ?? usualMetrics(this.metrics)).filter((name) => known.has(name));
  }

  // ------------------------------------------------------------ asking and drawing

  async ask() {
    this.asked += 1;
    const mine = this.asked;
    const names = this.shown();
    this.layOut(names);
    const wanted = (this.look.metrics ?? []).join(", ");
    say(this.parts["curves-empty"], names.length ? "" : wanted ? `Not recorded yet: ${wanted}.` : "No metric has been recorded yet.");
    this.parts["curves-empty"].hidden = names.length > 0;
    if (!names.length) return;
    const { axis, group, spread } = this.look;
    const ids = this.members.map(({ id }) => id);
    const { span } = this;
    /** @type {Record<string, string>} */
    const more = { columns: String(COLUMNS) };
    if (span) Object.assign(more, { start: String(span[0]), end: String(span[1]) });
    if (group) Object.assign(more, { by: group, spread });
    const answer = await api.curves(ids, names, axis, more).catch((problem) => {
      if (mine === this.asked && !this.scope.ended) this.fail(/** @type {Error} */ (problem).message);
      return null;
    });
    if (!answer || mine !== this.asked || this.scope.ended) return;
    this.fail("");
    this.answer = answer;
    this.axis = axis;
    this.groups.follow(group, answer.groups);
    this.onGroups();
    if (!span) this.whole = null;
    await this.draw();
  }

  /** Where points were left out, those of what is seen now are asked for, once the reader's hand rests. @param {number[]} range */
  #zoomed(range) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const [low, high] = this.whole ?? [0, 0];
      const all = range[0] <= low && range[1] >= high;
      const thinned = this.answer?.charts.some(({ curves }) => curves.some((curve) => curve.thinned));
      if (all ? !this.span : !thinned) return;
      this.span = all ? null : [range[0] * this.unit.factor, range[1] * this.unit.factor];
      this.ask();
    }, RESTING_MS);
  }

  /** @param {string} words why the curves do not come; those that are drawn stay. */
  fail(words) {
    say(this.parts["curves-problem"], words);
    this.parts["curves-problem"].hidden = !words;
  }

  /** A box for each of these metrics, in this order. @param {string[]} names */
  layOut(names) {
    for (const [name, { chart, box }] of this.boxes) {
      if (names.includes(name)) continue;
      chart.scope.end();
      box.remove();
      this.boxes.delete(name);
    }
    const boxes = names.map((name) => this.boxes.get(name) ?? this.#box(name));
    const host = this.parts.curves;
    if (boxes.some(({ box }, place) => host.children[place] !== box)) host.replaceChildren(...boxes.map(({ box }) => box));
  }

  /** @param {string} name @returns {Box} */
  #box(name) {
    const host = element("div.picture-curve");
    const note = element("p.picture-note", { hidden: true });
    const under = element("p.picture-across", {}, this.unit.title);
    const box = element("div.compare-curve", { "data-metric": name }, host, under, note);
    const figure = titled(this.figure, metricNames.title(name));
    figure.layout.xaxis.tickformat = ""; // for whatever it will be of
    if (metricNames.isFraction(name)) figure.layout.yaxis.tickformat = ".0%";
    const chart = new CurveChart({
      scope: this.scope,
      host,
      under,
      figure,
      name: `comparison ${name}`,
      onHover: (cell) => this.#point(cell?.across ?? null),
      onLight: (key) => this.onLight(key),
      onClick: (cell) => this.axis === "epoch" && this.together.onChoose?.(cell.column),
    });
    this.own.add(chart);
    const made = { box, note, chart, name };
    this.boxes.set(name, made);
    if (this.Plotly) chart.start(this.Plotly).then(() => this.draw());
    return made;
  }

  /** @param {number | null} across */
  #point(across) {
    if (this.axis === "epoch") this.together.point(across === null ? null : Math.round(across));
    else this.own.point(across);
  }

  /** Resolves when all charts have their lines. @returns {Promise<unknown>} */
  async draw() {
    const { answer, look, boxes } = this;
    if (!answer || this.scope.ended) return undefined;
    const drawing = {};
    this.drawing = drawing;
    const axis = /** @type {Axis} */ (this.axis);
    const greatest = Math.max(0, ...answer.charts.flatMap(({ curves }) => curves.map(({ x }) => x.at(-1) ?? 0)));
    const unit = this.whole ? this.unit : unitOf(axis, greatest);
    this.unit = unit;
    const drawn = answer.charts.flatMap((chart) => {
      const box = boxes.get(chart.metric);
      return box ? [{ box, chart, ...linesOf(chart, this.#drawing(chart, unit)) }] : [];
    });
    const lines = drawn.flatMap((each) => each.lines);
    this.whole ??= wholeOf(lines, axis) ?? [-0.5, 1.5];
    const { whole } = this;
    const inSight = new Set(drawn.filter(({ box }) => isInSight(box.box))); // before any of them changes the page
    for (const { box } of drawn) this.together[axis === "epoch" ? "add" : "release"](box.chart);
    for (const each of drawn) {
      const { box, chart, lines: own, note } = each;
      const draw = () => {
        box.chart.scaleBy(look.log);
        box.chart.drawOver(own, axis, unit, whole);
        box.chart.tellOf(metricNames.title(box.name));
        box.chart.say(missing(own, chart));
        box.note.hidden = !note;
        say(box.note, note);
      };
      // What is out of sight waits until the reader sees the rest: Plotly takes ten milliseconds for each.
      if (inSight.has(each)) draw();
      else setTimeout(() => this.drawing === drawing && !box.chart.scope.ended && draw());
    }
    this.#drawLegend();
    this.onDrawn();
    return new Promise((resolve) => setTimeout(resolve)); // after those out of sight
  }

  /** The charts will have no axes. @param {string} words */
  failPictures(words) {
    for (const { chart } of this.boxes.values()) chart.fail(words);
  }

  /** Only these runs are brushed; null: all. @param {Set<string> | null} kept */
  keep(kept) {
    this.kept = kept;
    this.draw();
  }

  /**
   * What runs have of a metric at an epoch; null: the curves do not tell.
   * @param {string} metric @param {number} epoch @param {string[]} ids
   */
  valuesAt(metric, epoch, ids) {
    const chart = this.axis === "epoch" ? this.answer?.charts.find((each) => each.metric === metric) : null;
    if (!chart) return null;
    const byRun = new Map(chart.curves.map(({ run, x, y }) => [run, y[x.indexOf(epoch)] ?? null]));
    return ids.map((id) => byRun.get(id) ?? null);
  }

  /** @param {Curves} chart @param {import("./axis-units.js").Unit} unit */
  #drawing({ metric }, unit) {
    const { members, look } = this;
    const byId = new Map(members.map((member) => [member.id, member]));
    const isLess = this.metrics.find(({ name }) => name === metric)?.smaller_is_better ?? false;
    const less = metricNames.hasBest(metric) ? isLess : null;
    return {
      look,
      unit,
      less,
      member: (/** @type {string} */ id) => {
        const member = byId.get(id);
        const dim = this.kept !== null && !this.kept.has(id);
        return { name: member?.name ?? id, ink: member?.ink ?? inkOf(0), forked: member?.record.parent_epoch ?? null, dim };
      },
      inkOf,
      placeOf: (/** @type {string | null} */ value) => this.groups.placeOf(value),
      groupName: (/** @type {string | null} */ value) => `${this.#groupTitle()} = ${value ?? "–"}`,
      words: (/** @type {number | null} */ value) => metricNames.words(metric, value),
    };
  }

  #groupTitle() {
    const select = /** @type {HTMLSelectElement} */ (this.parts["curves-group"]);
    return select.selectedOptions[0]?.textContent ?? this.look.group;
  }

  /** Which line is which group; single runs are told by the table of runs. */
  #drawLegend() {
    const { all } = this.groups;
    const host = this.parts["curves-legend"];
    host.hidden = !all.length;
    host.replaceChildren(
      ...all.map(({ value, runs }) => {
        const place = this.groups.placeOf(value);
        return element(
          "span.legend-item",
          { onmouseenter: () => this.onLight(`group ${place}`), onmouseleave: () => this.onLight(null) },
          lineSwatch(inkOf(place)),
          `${this.#groupTitle()} = ${value ?? "–"} (${format.counted(runs.length, "run")})`,
        );
      }),
    );
  }

  /** Lights a run's or a group's lines in all charts. @param {string | null} key */
  light(key) {
    for (const { chart } of this.boxes.values()) chart.light(key);
  }
}

/** @param {HTMLElement} box */
function isInSight(box) {
  const { top, bottom } = box.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Why a chart is empty; no words: it is not. @param {Line[]} lines @param {Curves | undefined} chart */
function missing(lines, chart) {
  if (lines.some(({ y }) => y.some((value) => value !== null))) return "";
  const unplaced = chart?.curves.some((curve) => curve.unplaced);
  if (unplaced)
    return chart?.axis === "epoch" ? "Logged without an epoch: see it over steps." : "Without a place on this axis: see it over steps.";
  return chart?.curves.some(({ y }) => y.length) ? "No value can be drawn." : "Nothing recorded yet.";
}
