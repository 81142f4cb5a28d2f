/*
 * What a run logs by name, by prefix: a chart for each metric, drawn while it is seen.
 */

import { groupsOf } from "../run-data/metric-groups.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { MetricBox } from "./metric-box.js";

/** @import { Parts } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Axis } from "../api/metrics.js" */
/** @import { Known } from "../run-data/metric-feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Changes } from "../ui/view-address.js" */
/** @import { Look, Source } from "./metric-box.js" */

const MARGIN = "200px";
const SHOWN_AT_ONCE = 60; // groups beyond so many metrics begin closed

/** How metrics are drawn, as the address says it. @param {{by?: string, scale?: string}} query @returns {Look} */
export const lookOf = ({ by, scale }) => ({ axis: by === "epoch" ? "epoch" : "step", log: scale === "log" });

export class MetricsCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page: metrics-…
   * @param {Source[]} options.sources the runs.
   * @param {() => Known[]} options.listed which metrics are shown.
   * @param {string} options.title of saved files.
   * @param {Record<string, Figure>} options.figures templates `metric` and `metric_log`.
   * @param {Look} options.look
   * @param {(changes: Changes) => void} options.onStep the reader chose: for the address.
   */
  constructor({ scope, parts, sources, listed, title, figures, look, onStep }) {
    this.scope = scope;
    this.parts = parts;
    this.sources = sources;
    this.listed = listed;
    this.title = title;
    this.figures = figures;
    this.look = look;
    this.onStep = onStep;
    /** @type {any} */
    this.Plotly = null;
    this.boxes = /** @type {Map<string, MetricBox>} */ (new Map());
    this.drawn = ""; // the names that are laid out
    this.closed = /** @type {Set<string>} */ (new Set());
    this.watch = new IntersectionObserver((entries) => this.#crossed(entries), { rootMargin: MARGIN });
    scope.finally(() => this.watch.disconnect());
    for (const { feed } of sources) {
      feed.on("metrics", () => this.draw());
      feed.on("history", () => this.draw());
      feed.on("points", (name) => this.boxes.get(name)?.draw());
      feed.on("end", () => this.#each((box) => box.draw()));
    }
    for (const axis of /** @type {const} */ (["step", "epoch"])) {
      scope.on(parts[`metrics-by-${axis}`], "click", () => this.#choose({ ...this.look, axis }));
    }
    scope.on(parts["metrics-log"], "click", () => this.#choose({ ...this.look, log: !this.look.log }));
    this.#press();
    this.draw();
  }

  /** Charts can be drawn from now on. @param {any} Plotly */
  async start(Plotly) {
    this.Plotly = Plotly;
    this.#each((box) => box.show(box.inSight, this.look));
  }

  /** Lays out what is not laid out yet. */
  draw() {
    const { parts, sources } = this;
    const own = this.listed();
    const alone = sources.length === 1 && sources[0].feed.external;
    parts["metrics-card"].hidden = !own.length && !alone;
    parts["metrics-empty"].hidden = own.length > 0 || !sources.every(({ feed }) => feed.metrics.loaded);
    parts["metrics-looks"].hidden = !own.length;
    const names = own.map(({ name }) => name).join("\n");
    if (names === this.drawn) return;
    this.drawn = names;
    const first = !this.boxes.size;
    const groups = groupsOf(own);
    if (first && own.length > SHOWN_AT_ONCE) for (const { prefix } of groups.slice(1)) this.closed.add(prefix);
    parts.metrics.replaceChildren(...groups.map(({ prefix, metrics }) => this.#group(prefix, metrics)));
  }

  /** @param {string} prefix @param {Known[]} metrics */
  #group(prefix, metrics) {
    const boxes = metrics.map(({ name }) => this.#box(name).box);
    const charts = element("div.metrics-charts", {}, ...boxes);
    if (!prefix) return element("section.metrics-group", {}, charts);
    const many = element("span.muted", {}, ` ${format.count(metrics.length)}`);
    const head = element("summary", {}, element("h3", {}, prefix, many));
    const group = element("details.metrics-group", { open: !this.closed.has(prefix) }, head, charts);
    group.addEventListener("toggle", () => this.closed[/** @type {HTMLDetailsElement} */ (group).open ? "delete" : "add"](prefix));
    return group;
  }

  /** @param {string} name */
  #box(name) {
    const known = this.boxes.get(name);
    if (known) return known;
    const { scope, sources, title, figures } = this;
    const box = new MetricBox({ scope, sources, name, title, figures, plotly: () => this.Plotly });
    this.boxes.set(name, box);
    this.watch.observe(box.box);
    return box;
  }

  /** @param {(box: MetricBox) => void} act */
  #each(act) {
    for (const box of this.boxes.values()) act(box);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #crossed(entries) {
    for (const { target, isIntersecting } of entries) {
      this.boxes.get(/** @type {HTMLElement} */ (target).dataset.metric ?? "")?.show(isIntersecting, this.look);
    }
  }

  // ------------------------------------------------------------ how they are drawn

  /** Back or forward, or the reader chose. @param {Look} look */
  lookAt(look) {
    this.look = look;
    this.#press();
    this.#each((box) => box.show(box.inSight, look));
  }

  /** @param {Look} look */
  #choose(look) {
    this.lookAt(look);
    this.onStep({ by: look.axis === "epoch" ? "epoch" : null, scale: look.log ? "log" : null });
  }

  #press() {
    const { parts, look } = this;
    for (const axis of ["step", "epoch"]) parts[`metrics-by-${axis}`].setAttribute("aria-pressed", String(look.axis === axis));
    parts["metrics-log"].setAttribute("aria-pressed", String(look.log));
  }
}
