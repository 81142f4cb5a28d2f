/*
 * What was published of the recipe that a run started from, beside what the run itself reached.
 */

import { settingName, settings, settingWords } from "../run-data/settings.js";
import * as timing from "../run-data/timing.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { fileButtons } from "../ui/table-buttons.js";

/** @import { Epoch, Missing, Parts, Preset } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Titles } from "../run-data/settings.js" */

/** @typedef {NonNullable<Preset["published"]>} Figures */
/** @typedef {Figures["metric"]} Metric */
/** @typedef {{whole: Preset["whole"], published: Figures}} Recipe a preset's configuration, and what was published of it. */

const { percent, number } = format;
const ROWS = { dense: "Published: no freezing", neq: "Published: NEq", random: "Published: random neurons, same number" };
const METRICS = { accuracy: "Accuracy", miou: "mIoU" };
const MOST_CHANGES = 8;
const ABOUT_IT = new Set(["name", "tags", "notes", "recipe"]);

/**
 * The settings in which a run differs from its recipe, as [path, the run's, the recipe's].
 * @param {object} recipe @param {object} config @returns {[path: string, own: unknown, theirs: unknown][]}
 */
function changedFrom(recipe, config) {
  const own = new Map(settings(config));
  return settings(recipe)
    .filter(([path, value]) => !ABOUT_IT.has(path) && own.has(path) && JSON.stringify(own.get(path)) !== JSON.stringify(value))
    .map(([path, value]) => [path, own.get(path), value]);
}

export class Published {
  /**
   * @param {{parts: Parts, feed: Feed, recipe: Recipe | null, titles: Titles}} options recipe: the one that the run's
   *   configuration names; null: it names none that is known.
   */
  constructor({ parts, feed, recipe, titles }) {
    this.parts = parts;
    this.feed = feed;
    this.recipe = recipe;
    this.titles = titles;
    this.parts["published-card"].hidden = !recipe;
    if (recipe) this.#sayDifferences(recipe);
    parts.published.after(fileButtons(parts.published, "Comparison with the paper", () => feed.record.name));
  }

  /** Draws the run's row as of this epoch's numbers. @param {Epoch | null} epoch */
  draw(epoch) {
    if (!this.recipe) return;
    const { metric, figures } = this.recipe.published;
    const head = ["", METRICS[metric], "Frozen at the end", "Backward FLOPs"].map((words) => element("th", { scope: "col" }, words));
    const rows = figures.map(({ kind, score, spread, frozen_fraction: frozen, backward_flops: flops }) =>
      row(ROWS[kind], scoreWords(score, spread), percent(frozen), flopWords(flops)),
    );
    const mine = row(this.#whichEpoch(epoch), percent(score(epoch, metric), 2), percent(epoch?.frozen_fraction), format.NOTHING);
    mine.className = "published-own";
    const table = element("table.published-table", {}, element("thead", {}, element("tr", {}, ...head)));
    table.append(element("tbody", {}, ...rows, mine));
    this.parts.published.replaceChildren(table);
  }

  /** @param {Epoch | null} epoch */
  #whichEpoch(epoch) {
    return epoch ? `This run after ${timing.doneWords(this.feed.record, epoch.epoch + 1)}` : "This run: no epoch yet";
  }

  /** @param {Recipe} recipe */
  #sayDifferences({ published, whole }) {
    const changed = changedFrom(whole, this.feed.record.config);
    const told = changed.slice(0, MOST_CHANGES).map(([path, own, theirs]) => {
      const [group, name] = settingName(path, this.titles);
      return `${group}, ${name}: ${settingWords(own)} (${settingWords(theirs)})`;
    });
    const more = changed.length > MOST_CHANGES ? ` and ${changed.length - MOST_CHANGES} more` : "";
    const own = told.length ? `This run differs from the recipe: ${told.join("; ")}${more}.` : "This run follows the recipe.";
    const words = [
      own,
      published.differs,
      `Source: ${published.source}. Backward FLOPs as the paper counts them: per sample, mean over the run.`,
    ];
    this.parts["published-words"].replaceChildren(...words.filter(Boolean).map((text) => element("p", {}, text)));
  }
}

/** @param {Epoch | null} epoch @param {Metric} metric */
function score(epoch, metric) {
  return metric === "accuracy" ? epoch?.test_accuracy : epoch?.scores?.[metric];
}

/** @param {number | null} value @param {number | null} spread */
function scoreWords(value, spread) {
  if (value === null) return format.NOTHING;
  return spread === null ? percent(value, 2) : `${(value * 100).toFixed(2)} ± ${(spread * 100).toFixed(2)} %`;
}

/** @param {number | null} flops */
function flopWords(flops) {
  if (flops === null) return format.NOTHING;
  return flops >= 1e9 ? `${number(flops / 1e9, 4)} G` : `${number(flops / 1e6, 4)} M`;
}

/** @param {string} name @param {...string} cells */
function row(name, ...cells) {
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((words) => element("td", {}, words)));
}
