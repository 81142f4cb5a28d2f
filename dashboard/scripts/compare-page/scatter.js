/*
 * Any two figures of the runs against each other, with those that no other beats.
 */

import { Axes } from "../plot/axes.js";
import * as palette from "../plot/palette.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { figuresOf, firstTwo } from "./figures-of-runs.js";
import { front } from "./pareto.js";
import { Published, starsOf } from "./published.js";

/** @import { Comparison } from "../../types/api" */
/** @import { Parts } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { RunFigure } from "./figures-of-runs.js" */
/** @import { Look } from "./look.js" */
/** @import { Member } from "./members.js" */

/** Signs that grey paper tells apart, as the dashes of lines do. @type {Record<string, string>} */
const SIGNS = { solid: "circle", dash: "square", dot: "diamond", longdash: "triangle-up", dashdot: "cross" };
const FEW = 8; // names stand beside so many points
const NAMED = 3; // in the words below
const DIM = 0.25;
/** How far apart names are, as parts of the axes. */
const NEAR = { x: 0.2, y: 0.06 };

/** @typedef {{x: number, y: number, member: Member}} Point */

export class ScatterCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page: scatter….
   * @param {Figure} options.figure template `scatter`.
   * @param {Look} options.look
   * @param {(id: string | null) => void} options.onLight
   * @param {(changes: Partial<Look>) => void} options.onLook
   */
  constructor({ scope, parts, figure, look, onLight, onLook }) {
    this.published = new Published({ scope, onFound: () => this.#place() });
    this.scope = scope;
    this.parts = parts;
    this.look = look;
    this.onLight = onLight;
    this.onLook = onLook;
    /** @type {any} */
    this.Plotly = null;
    this.picture = new Axes({
      scope,
      host: parts.scatter,
      figure,
      name: "comparison of two figures",
      about: () => this.#about(),
      data: () => this.#table(),
    });
    /** @type {Map<string, RunFigure>} */
    this.figures = new Map();
    /** @type {Member[]} */
    this.members = [];
    /** @type {Point[]} */
    this.points = [];
    /** @type {string | null} */
    this.lit = null;
    this.kept = /** @type {Set<string> | null} */ (null);
    for (const name of ["scatter-x", "scatter-y"]) scope.on(parts[name], "change", () => this.#choose());
    for (const side of /** @type {const} */ (["x", "y"])) scope.on(parts[`scatter-${side}-less`], "click", () => this.#flip(side));
    this.flipped = { x: look.scatter[2]?.includes("x") ?? false, y: look.scatter[2]?.includes("y") ?? false };
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    this.Plotly = Plotly;
    await this.picture.start(Plotly);
    if (this.scope.ended) return;
    this.picture.plot.on("plotly_hover", (/** @type {any} */ event) => this.onLight(event.points[0]?.customdata ?? null));
    this.picture.plot.on("plotly_unhover", () => this.onLight(null));
    this.draw();
  }

  /** @param {Member[]} members @param {Comparison} comparison */
  update(members, comparison) {
    this.members = members;
    this.figures = figuresOf(comparison);
    this.#place();
    this.published.follow(members);
  }

  /** The axes: the reader's, those of published points, or what says most. */
  #place() {
    const usual = this.published.axes(this.figures) ?? firstTwo(this.figures);
    this.chosen = /** @type {[string, string]} */ (
      usual.map((key, at) => (this.figures.has(this.look.scatter[at]) ? this.look.scatter[at] : key))
    );
    for (const [at, name] of ["scatter-x", "scatter-y"].entries())
      this.#fill(/** @type {HTMLSelectElement} */ (this.parts[name]), this.chosen[at]);
    this.draw();
  }

  /** @param {HTMLSelectElement} select @param {string} chosen */
  #fill(select, chosen) {
    const groups = [...new Set([...this.figures.values()].map(({ group }) => group))];
    const text = JSON.stringify([...this.figures.keys()]);
    if (select.dataset.filled !== text) {
      select.dataset.filled = text;
      select.replaceChildren(
        ...groups.map((label) => {
          const own = [...this.figures].filter(([, { group }]) => group === label);
          return element("optgroup", { label }, ...own.map(([key, { name }]) => element("option", { value: key }, name)));
        }),
      );
    }
    select.value = chosen;
  }

  #choose() {
    const [x, y] = ["scatter-x", "scatter-y"].map((name) => /** @type {HTMLSelectElement} */ (this.parts[name]).value);
    this.chosen = [x, y];
    this.flipped = { x: false, y: false };
    this.#tell();
  }

  /** @param {"x" | "y"} side */
  #flip(side) {
    this.flipped[side] = !this.flipped[side];
    this.#tell();
  }

  #tell() {
    const [x, y] = /** @type {[string, string]} */ (this.chosen);
    const flips = `${this.flipped.x ? "x" : ""}${this.flipped.y ? "y" : ""}`;
    this.look = { ...this.look, scatter: [x, y, flips] };
    this.onLook({ scatter: this.look.scatter });
    this.draw();
  }

  /** Whether less is better across and upright. */
  get less() {
    const [x, y] = (this.chosen ?? []).map((key) => this.figures.get(key)?.less ?? false);
    return { x: x !== this.flipped.x, y: y !== this.flipped.y };
  }

  // ------------------------------------------------------------ saving

  /** The two figures. @returns {RunFigure[]} */
  #two() {
    return (this.chosen ?? []).flatMap((key) => this.figures.get(key) ?? []);
  }

  #about() {
    const [across, upright] = this.#two();
    return {
      what: across && upright ? `${upright.name} against ${across.name}` : "Trade-offs",
      more: ["dotted: no other run beats these", ...this.published.legend],
    };
  }

  #table() {
    const header = ["run", "id", ...this.#two().map(({ name }) => name)];
    const published = this.published.points.map(({ label, x, y }) => [`published: ${label}`, "", x, y]);
    return { header, rows: [...this.points.map(({ member, x, y }) => [member.name, member.id, x, y]), ...published] };
  }

  // ------------------------------------------------------------ drawing

  draw() {
    const { figures, members, chosen, parts, less } = this;
    const [across, upright] = (chosen ?? []).map((key) => figures.get(key));
    if (!across || !upright) return;
    const alone = chosen?.[0] === chosen?.[1]; // nothing else is recorded yet, or the reader chose one twice
    const finite = (/** @type {unknown} */ value) => typeof value === "number" && Number.isFinite(value);
    this.points = members
      .filter(({ place }) => !alone && finite(across.values[place]) && finite(upright.values[place]))
      .map((member) => ({ x: Number(across.values[member.place]), y: Number(upright.values[member.place]), member }));
    const best = front(this.points, less);
    this.published.draw(chosen);
    for (const side of /** @type {const} */ (["x", "y"])) {
      say(parts[`scatter-${side}-less`], less[side] ? "less is better" : "more is better");
    }
    const left = alone ? 0 : members.length - this.points.length;
    const told = [words(best, left, across, upright), this.published.words(figures, members)];
    say(parts["scatter-words"], told.filter(Boolean).join(" "));
    this.picture.say(this.points.length ? "" : alone ? "Two different figures are needed." : "No run has both figures yet.");
    this.picture.describe(`${upright.name} against ${across.name}. ${parts["scatter-words"].textContent}`);
    if (this.picture.started) this.#plot(across, upright, best);
  }

  /** @param {RunFigure} across @param {RunFigure} upright @param {Point[]} best */
  #plot(across, upright, best) {
    const { layout } = this.picture.figure;
    const plain = (/** @type {string} */ text) => text.replaceAll("<", "&lt;");
    const told = (/** @type {Point} */ { member, x, y }) =>
      `<b>${plain(member.name)}</b><br>${plain(across.name)}: ${across.words(x)}<br>${plain(upright.name)}: ${upright.words(y)}`;
    const line = {
      mode: "lines",
      x: best.map(({ x }) => x),
      y: best.map(({ y }) => y),
      line: { color: "var(--neq-muted)", width: 1.5, dash: "dot" },
      hoverinfo: "skip",
    };
    const all = [...this.points, ...this.published.points];
    this.#range(
      "x",
      across,
      all.map(({ x }) => x),
    );
    this.#range(
      "y",
      upright,
      all.map(({ y }) => y),
    );
    const points = {
      mode: this.points.length <= FEW && this.#isRoomy() ? "markers+text" : "markers",
      x: this.points.map(({ x }) => x),
      y: this.points.map(({ y }) => y),
      text: this.points.map(({ member }) => plain(format.ending(member.name, 28))),
      textposition: "top center",
      textfont: { color: "var(--neq-text)", size: 11 },
      cliponaxis: false,
      customdata: this.points.map(({ member }) => member.id),
      hovertext: this.points.map(told),
      hoverinfo: "text",
      marker: { ...this.#looks(), size: 11 },
    };
    layout.xaxis.title.text = plain(across.name);
    layout.yaxis.title.text = plain(upright.name);
    const data = [line, points, starsOf(this.published.points, across, upright)].map((trace) => ({
      type: "scatter",
      showlegend: false,
      ...trace,
    }));
    this.Plotly.react(this.picture.plot, palette.resolve(data), palette.resolve(layout));
  }

  /** Whether names beside the points would not lie over each other. */
  #isRoomy() {
    const { x, y } = this.picture.full;
    const [across, upright] = [x[1] - x[0], y[1] - y[0]];
    return this.points.every((one, at) =>
      this.points
        .slice(at + 1)
        .every((other) => Math.abs(one.x - other.x) > NEAR.x * across || Math.abs(one.y - other.y) > NEAR.y * upright),
    );
  }

  #looks() {
    const seen = (/** @type {Member} */ { id }) => (this.kept === null || this.kept.has(id)) && (this.lit === null || this.lit === id);
    return {
      color: this.points.map(({ member }) => member.ink.colour),
      symbol: this.points.map(({ member }) => SIGNS[member.ink.dash]),
      opacity: this.points.map(({ member }) => (seen(member) ? 1 : DIM)),
      line: { width: 1.5, color: "var(--neq-surface)" },
    };
  }

  /** @param {"x" | "y"} side @param {RunFigure} figure @param {number[]} values */
  #range(side, figure, values) {
    const axis = this.picture.figure.layout[`${side}axis`];
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const edge = (high - low || Math.abs(high) || 1) * 0.12;
    axis.range = [low - edge, high + edge];
    this.picture.full[side] = [...axis.range];
    axis.tickformat = figure.words(0.5) === "50.0 %" ? ".1%" : "";
  }

  /** @param {string | null} id */
  light(id) {
    if (this.lit === id) return;
    this.lit = this.members.some((member) => member.id === id) ? id : null;
    this.#relook();
  }

  /** Only these runs are brushed; null: all. @param {Set<string> | null} kept */
  keep(kept) {
    this.kept = kept;
    this.#relook();
  }

  #relook() {
    if (!this.picture.started || this.picture.plot.data.length < 2) return;
    const { opacity } = this.#looks();
    this.Plotly.restyle(this.picture.plot, { "marker.opacity": [opacity] }, [1]);
  }
}

/** @param {Point[]} best @param {number} without @param {RunFigure} across @param {RunFigure} upright */
function words(best, without, across, upright) {
  const names = best.slice(0, NAMED).map(({ member, x, y }) => `${member.name} (${across.words(x)}, ${upright.words(y)})`);
  const more = best.length > NAMED ? ` and ${best.length - NAMED} more` : "";
  const front = best.length ? `No other run beats ${names.join("; ")}${more}.` : "";
  return [front, without ? `${format.counted(without, "run")} without these figures ${without === 1 ? "is" : "are"} left out.` : ""]
    .filter(Boolean)
    .join(" ");
}
