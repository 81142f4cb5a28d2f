/*
 * What the Compare page says in settings and words: what differs, and what may be compared.
 */

import { settingName } from "../run-data/settings.js";
import { element, say } from "../ui/dom.js";
import { fileButtons } from "../ui/table-buttons.js";
import { lineSwatch } from "./members.js";
import { withoutCommonStart } from "./picker.js";
import { comparedSettings } from "./run-columns.js";

/** @import { Layer, RunConfig } from "../../types/pages" */
/** @import { Titles } from "../run-data/settings.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Member } from "./members.js" */

/** A reason not to compare single cells: nobody knows whether they may be. */
const UNKNOWN = "unknown weights";

/** @typedef {{name: (Node | string)[], words: string[], differs: boolean}} Row of settings. */

export class SettingsTable {
  /** @param {{scope: Scope, parts: Record<string, HTMLElement>, members: Member[], configs: RunConfig[], titles: Titles}} options parts: the page's. */
  constructor({ scope, parts, members, configs, titles }) {
    this.parts = parts;
    this.titles = titles;
    this.members = members;
    this.compared = comparedSettings(configs);
    /** Whether settings are shown that do not differ. */
    this.all = false;
    const choose = (/** @type {boolean} */ all) => {
      this.all = all;
      this.draw();
    };
    scope.on(parts.differing, "click", () => choose(false));
    scope.on(parts["all-settings"], "click", () => choose(true));
    parts.numbers.after(fileButtons(parts.numbers, "Compared runs"));
    parts.settings.after(fileButtons(parts.settings, "Settings"));
    this.draw();
  }

  /** The runs as they are drawn now. @param {Member[]} members */
  update(members) {
    this.members = members;
    this.draw();
  }

  draw() {
    const { parts } = this;
    parts.differing.setAttribute("aria-pressed", String(!this.all));
    parts["all-settings"].setAttribute("aria-pressed", String(this.all));
    const shown = this.compared.filter(({ differs }) => this.all || differs);
    if (!shown.length) {
      const words = this.members.length > 1 ? "These runs have the same settings." : "Only one run is selected.";
      return parts.settings.replaceChildren(element("p.muted", {}, words));
    }
    return parts.settings.replaceChildren(this.#table(shown.map((each) => this.#row(each))));
  }

  /** @param {import("./run-columns.js").ComparedSetting} setting @returns {Row} */
  #row({ path, words, differs }) {
    const [group, rest] = settingName(path, this.titles);
    const whole = path.includes(".") ? [element("span.muted", {}, `${group} `), rest] : [rest || group];
    return { name: whole, words, differs: this.all && differs };
  }

  /** @param {Row[]} rows */
  #table(rows) {
    const heads = this.members.map(({ name, ink }) =>
      element("th", { scope: "col" }, element("span.compare-head-run", {}, lineSwatch(ink), name)),
    );
    const names = withoutCommonStart(this.members.map(({ name }) => name));
    const line = (/** @type {Row} */ { name, words, differs }) =>
      element(
        "tr",
        differs ? { class: "differs" } : {},
        element("th", { scope: "row" }, ...name),
        ...words.map((value, at) => element("td", { "data-of": names[at] ?? null }, value)),
      );
    return element(
      "table.compare-table.compare-settings",
      { style: `--runs: ${heads.length}` },
      element("thead", {}, element("tr", {}, element("td", { "data-name": "Setting" }), ...heads)),
      element("tbody", {}, ...rows.map(line)),
    );
  }

  /**
   * Says whether neuron 5 of one run is neuron 5 of another: by their layers as they told them, and not by settings alone.
   * @param {Layer[][]} layers of the runs whose neurons are shown. @param {Member[]} shown
   */
  note(layers, shown) {
    const places = shown.map(({ place }) => place);
    const differing = this.compared
      .filter(({ values }) => new Set(places.map((place) => JSON.stringify(values[place]))).size > 1)
      .map(({ path }) => path);
    const told = layers.every((each) => each.length);
    // What a script calls its settings is its own.
    const launched = shown.every(({ record }) => record.source === "launched");
    const networks = new Set(layers.map((each) => JSON.stringify(each.map(({ name, type, neurons }) => [name, type, neurons]))));
    const reasons = [
      launched && differing.includes("training.seed") && "seed",
      ((launched && differing.some((path) => path.startsWith("model."))) || (told && networks.size > 1)) && "network",
      launched && differing.some((path) => path.startsWith("data.")) && "data",
    ].filter((reason) => typeof reason === "string");
    if (!reasons.length && !launched) reasons.push(UNKNOWN);
    this.parts.note.hidden = shown.length < 2;
    this.parts.note.classList.toggle("compare-warning", reasons.length > 0);
    say(this.parts.note, noteWords(reasons, told));
  }
}

/** @param {string[]} reasons why single cells cannot be compared. @param {boolean} told whether each run told its layers. */
function noteWords(reasons, told) {
  if (reasons.includes(UNKNOWN)) {
    return "Whether these runs began with the same weights is not known: a script does not tell its seed. Compare patterns and fractions, not single cells.";
  }
  if (reasons.length) {
    return `These runs differ in ${reasons.join(" and ")}: neuron 5 of one is not neuron 5 of another. Compare patterns and fractions, not single cells.`;
  }
  const settings = "Seed, network and data have the same settings";
  if (!told) return `${settings}; whether single cells can be compared is known once every run has reported its layers.`;
  return `${settings}, and the layers are the same: the neurons began with the same weights, so single cells can be compared.`;
}
