/*
 * Parallel coordinates: a line for each run through its settings and what it came to. What is brushed on an axis is seen
 * everywhere on the page.
 */

import { plotly, undrawn } from "../plot/axes.js";
import { askAndSave } from "../plot/save-figure.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { notice } from "../ui/shell.js";
import { brushTexts, HALF, readBrushes } from "./brush-address.js";
import { brushed, ofSetting, resultsOf } from "./dimensions.js";
import { figuresOf } from "./figures-of-runs.js";
import { ParallelPlot } from "./parallel-plot.js";
import { namesOf, telling } from "./run-columns.js";
import { savedParallel } from "./saved-parallel.js";

/** @import { Comparison } from "../../types/api" */
/** @import { Parts } from "../../types/pages" */
/** @import { Titles } from "../run-data/settings.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Dimension } from "./dimensions.js" */
/** @import { Look } from "./look.js" */
/** @import { Member } from "./members.js" */
/** @import { Ranges } from "./parallel-plot.js" */
/** @import { ComparedSetting } from "./run-columns.js" */

const MOST_SETTINGS = 7;

export class ParallelCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page: parallel….
   * @param {Titles} options.titles
   * @param {string} options.library the address of Plotly, which makes files.
   * @param {Look} options.look
   * @param {(ids: Set<string> | null) => void} options.onBrush null: nothing is brushed.
   * @param {(id: string | null) => void} options.onLight
   * @param {(changes: Partial<Look>) => void} options.onLook
   */
  constructor({ scope, parts, titles, library, look, onBrush, onLight, onLook }) {
    this.scope = scope;
    this.library = library;
    this.parts = parts;
    this.titles = titles;
    this.onBrush = onBrush;
    /** @type {Dimension[]} */
    this.dimensions = [];
    /** @type {Member[]} */
    this.members = [];
    /** @type {Ranges} */
    this.ranges = {};
    /** What the address has brushed of which there is no axis, or not yet. */
    this.unread = look.brush;
    this.onLook = onLook;
    this.frame = /** @type {HTMLDetailsElement} */ (parts["parallel-frame"]);
    this.frame.open = look.parallel;
    scope.on(this.frame, "toggle", () => {
      onLook({ parallel: this.frame.open });
      this.draw();
    });
    scope.on(parts["parallel-clear"], "click", () => this.#brush({}));
    scope.on(parts["parallel-save"], "click", () => this.#save());
    this.brushSoon = scope.once(() => this.#tell());
    this.plot = new ParallelPlot({ scope, host: parts.parallel, onBrush: (ranges) => this.#brush(ranges), onLight });
  }

  /** @param {Member[]} members @param {Comparison} comparison @param {ComparedSetting[]} compared */
  update(members, comparison, compared) {
    this.members = members;
    const names = namesOf(compared, this.titles);
    const settings = telling(compared)
      .slice(0, MOST_SETTINGS)
      .map((setting) => ofSetting(setting, names.get(setting.path) ?? setting.path));
    this.dimensions = [...settings.filter((each) => each !== null), ...resultsOf(figuresOf(comparison))];
    if (this.unread.length) this.#brushByAddress();
    this.draw();
  }

  draw() {
    const { parts, dimensions, members } = this;
    if (!this.frame.open) return;
    const enough = members.length > 1 && dimensions.length > 1;
    say(parts["parallel-words"], enough ? this.#words() : "Two runs with a setting or a result that differs are needed.");
    /** @type {HTMLButtonElement} */ (parts["parallel-save"]).disabled = !enough;
    this.#drawLimits();
    this.plot.show(enough ? dimensions : [], members, this.ranges, brushed(dimensions, this.ranges));
  }

  async #save() {
    const { scope, dimensions, members, ranges, parts } = this;
    try {
      const where = { scope, host: parts.parallel, Plotly: await plotly(this.library) };
      if (!scope.ended) await askAndSave(savedParallel({ dimensions, members, ranges, inside: brushed(dimensions, ranges) }, where));
    } catch (problem) {
      if (!scope.ended) notice(undrawn(problem), "bad", "The figure could not be saved");
    }
  }

  #brushByAddress() {
    const { ranges, unread } = readBrushes(this.unread, this.dimensions);
    this.unread = unread;
    if (!Object.keys(ranges).length) return;
    this.ranges = { ...ranges, ...this.ranges };
    this.brushSoon();
  }

  /** The reader brushed. @param {Ranges} ranges */
  #brush(ranges) {
    this.ranges = ranges;
    this.unread = [];
    this.onLook({ brush: brushTexts(this.dimensions, ranges) });
    this.brushSoon();
  }

  #tell() {
    const inside = brushed(this.dimensions, this.ranges);
    this.onBrush(inside && new Set(this.members.filter((_, at) => inside[at]).map(({ id }) => id)));
    this.draw();
  }

  /** @param {string | null} id */
  light(id) {
    this.plot.light(id);
  }

  #words() {
    const inside = brushed(this.dimensions, this.ranges);
    if (!inside) return "Drag along an axis to brush it; the runs that remain are seen in all charts and in the table.";
    return `${format.counted(inside.filter(Boolean).length, "run")} of ${this.members.length} within what is brushed.`;
  }

  // ------------------------------------------------------------ by keyboard

  /** The limits of each axis as fields: what is brushed can be typed. */
  #drawLimits() {
    const { parts, dimensions } = this;
    const text = JSON.stringify(dimensions.map(({ key, kinds }) => [key, kinds]));
    if (parts["parallel-limits"].dataset.of !== text) {
      parts["parallel-limits"].dataset.of = text;
      parts["parallel-limits"].replaceChildren(...dimensions.map((each) => this.#limits(each)));
    }
    for (const { key, log, kinds } of dimensions) {
      if (kinds) this.#fillKind(key);
      const [low, high] = this.ranges[key]?.[0] ?? [];
      for (const [name, value] of Object.entries({ low, high })) {
        const input = /** @type {HTMLInputElement | null} */ (
          parts["parallel-limits"].querySelector(`[data-limit="${CSS.escape(key)} ${name}"]`)
        );
        if (input && input !== document.activeElement && kinds === null)
          input.value = value === undefined ? "" : String(Number((log ? 10 ** value : value).toPrecision(6)));
      }
    }
    /** @type {HTMLButtonElement} */ (parts["parallel-clear"]).disabled = !Object.keys(this.ranges).length;
  }

  /** @param {string} key */
  #fillKind(key) {
    const select = /** @type {HTMLSelectElement | null} */ (
      this.parts["parallel-limits"].querySelector(`[data-limit="${CSS.escape(key)} kind"]`)
    );
    const pairs = this.ranges[key] ?? [];
    const [low, high] = pairs.length === 1 ? pairs[0] : [];
    const only = low !== undefined && Math.floor(high) === Math.ceil(low) ? String(Math.ceil(low)) : "";
    if (select && select !== document.activeElement) select.value = only;
  }

  /** @param {Dimension} dimension */
  #limits(dimension) {
    const { key, name, kinds } = dimension;
    if (kinds) {
      const select = element(
        "select.select",
        { "aria-label": `${name}: only`, "data-limit": `${key} kind` },
        element("option", { value: "" }, "any"),
        ...kinds.map((kind, at) => element("option", { value: String(at) }, kind)),
      );
      select.addEventListener("change", () =>
        this.#limit(key, select.value === "" ? null : [Number(select.value) - HALF, Number(select.value) + HALF]),
      );
      return element("label.parallel-limit", {}, element("span", {}, name), select);
    }
    const inputs = ["low", "high"].map((side) =>
      element("input", {
        type: "number",
        step: "any",
        "aria-label": `${name}: ${side === "low" ? "at least" : "at most"}`,
        "data-limit": `${key} ${side}`,
        placeholder: side === "low" ? "from" : "to",
      }),
    );
    for (const input of inputs) input.addEventListener("change", () => this.#limit(key, this.#typed(dimension, inputs)));
    return element("div.parallel-limit", {}, element("span", {}, name), ...inputs);
  }

  /** @param {Dimension} dimension @param {HTMLInputElement[]} inputs */
  #typed({ log, places }, inputs) {
    const known = places.filter((place) => place !== null);
    const [low, high] = inputs.map(({ value }) =>
      value === "" ? null : log ? Math.log10(Math.max(Number(value), 1e-300)) : Number(value),
    );
    return low === null && high === null ? null : [low ?? Math.min(...known), high ?? Math.max(...known)];
  }

  /** @param {string} key @param {number[] | null} range */
  #limit(key, range) {
    const { [key]: _, ...rest } = this.ranges;
    this.#brush(range ? { ...rest, [key]: [range] } : rest);
  }
}
