/*
 * A run's configuration, by groups.
 */

import { settingName, settings, settingWords } from "../run-data/settings.js";
import { element } from "../ui/dom.js";

/** @import { RunConfig } from "../../types/pages" */
/** @import { Setting, Titles } from "../run-data/settings.js" */

const APART = new Set(["name", "tags", "notes", "recipe"]);

/** Draws a configuration by groups. @param {HTMLElement} host @param {RunConfig} config @param {Titles} titles */
export function drawConfig(host, config, titles) {
  const groups = Object.entries(config).filter(([key]) => !APART.has(key));
  const recipe = config.recipe ? [element("section", {}, element("h3", {}, "Recipe"), element("p", {}, config.recipe))] : [];
  const notes = config.notes ? [element("section.config-notes", {}, element("h3", {}, "Notes"), element("p", {}, config.notes))] : [];
  host.replaceChildren(...notes, ...recipe, ...groups.map((entry) => section(entry, titles)));
}

/** A group's settings, its kind first. @param {[group: string, value: unknown]} entry of a configuration. @param {Titles} titles */
function section([group, value], titles) {
  const first = (/** @type {Setting} */ [path]) => (/^\w+\.kind$/.test(path) ? 0 : 1);
  const rows = settings({ [group]: value })
    .sort((a, b) => first(a) - first(b))
    .flatMap(([path, setting]) => [element("dt", { title: path }, settingName(path, titles)[1]), element("dd", {}, settingWords(setting))]);
  return element("section", {}, element("h3", {}, settingName(group, titles)[0]), element("dl", {}, ...rows));
}
