/*
 * A run's configuration, by groups; of an external run also how its script was started.
 */

import { settingName, settings, settingWords } from "../run-data/settings.js";
import { watchWords } from "../run-data/watches.js";
import { element } from "../ui/dom.js";

/** @import { RunConfig, Start, Watch } from "../../types/pages" */
/** @import { RunStarted } from "../../types/live" */
/** @import { Setting, Titles } from "../run-data/settings.js" */

/** @typedef {[name: string, value: string | null | undefined]} Fact */

const APART = new Set(["name", "tags", "notes", "recipe"]);
/** The group of settings that stand in none. */
const TOP = "Config";

/** Draws a launched run's configuration by groups. @param {HTMLElement} host @param {RunConfig} config @param {Titles} titles */
export function drawConfig(host, config, titles) {
  const groups = Object.entries(config).filter(([key]) => !APART.has(key));
  const recipe = config.recipe ? [element("section", {}, element("h3", {}, "Recipe"), element("p", {}, config.recipe))] : [];
  host.replaceChildren(...notesOf(config.notes), ...recipe, ...groups.map((entry) => section(entry, titles)));
}

/**
 * Draws what a script told of itself, which may be any JSON, and how it was started.
 * @param {HTMLElement} host
 * @param {{config: Record<string, unknown>, notes: string, group: string | null, started: Start | RunStarted | null, watches: Watch[]}} told
 */
export function drawTold(host, { config, notes, group, started, watches }) {
  const groups = Object.entries(config).filter(([, value]) => isGroup(value));
  const top = Object.entries(config).filter(([, value]) => !isGroup(value));
  const settled = facts(
    TOP,
    top.map(([name, value]) => [name, settingWords(value)]),
  );
  const watched = facts(
    "Equilibrium",
    watchWords(watches).map((words) => ["Watch", words]),
  );
  const together = facts("Group", [["Name", group]]);
  const origin = started ? facts("Script", originOf(started)) : [];
  for (const long of [...watched, ...origin]) long.classList.add("config-told");
  host.replaceChildren(...notesOf(notes), ...settled, ...groups.map((entry) => section(entry, {})), ...together, ...watched, ...origin);
}

/** @param {unknown} value */
const isGroup = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0;

/** @param {string} notes */
const notesOf = (notes) => (notes ? [element("section.config-notes", {}, element("h3", {}, "Notes"), element("p", {}, notes))] : []);

/** @param {Start | RunStarted} started @returns {Fact[]} */
function originOf({ command, script, host, pid, commit, versions }) {
  const versioned = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    ["Command", command],
    ["File", script],
    ["Host", host && (pid ? `${host}, process ${pid}` : host)],
    ["Commit", commit],
    ["Versions", versioned.join(", ")],
  ];
}

/** A section of what is there; none where nothing is. @param {string} title @param {Fact[]} told */
function facts(title, told) {
  const rows = told.flatMap(([name, value]) => (value ? [element("dt", {}, name), element("dd", {}, value)] : []));
  return rows.length ? [element("section", {}, element("h3", {}, title), element("dl", {}, ...rows))] : [];
}

/** A group's settings, its kind first. @param {[group: string, value: unknown]} entry of a configuration. @param {Titles} titles */
function section([group, value], titles) {
  const first = (/** @type {Setting} */ [path]) => (/^\w+\.kind$/.test(path) ? 0 : 1);
  const rows = settings({ [group]: value })
    .sort((a, b) => first(a) - first(b))
    .flatMap(([path, setting]) => [element("dt", { title: path }, settingName(path, titles)[1]), element("dd", {}, settingWords(setting))]);
  return element("section", {}, element("h3", {}, settingName(group, titles)[0]), element("dl", {}, ...rows));
}
