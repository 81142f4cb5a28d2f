/*
 * A run's configuration and its log.
 */

import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { LogLine, RunConfig } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {[path: string, value: unknown]} Setting its path has a dot before each group within a group. */

const NEAR_END = 24;
/** @type {Record<string, string>} */
const WORDS = {
  data: "Data",
  model: "Model",
  optimizer: "Optimizer",
  schedule: "Learning-rate schedule",
  training: "Training",
  neq: "Equilibrium",
  checkpoints: "Checkpoints",
  compute: "Compute",
  kind: "Kind",
  mu: "velocity momentum μ",
  epsilon: "threshold ε",
  beta1: "β₁",
  beta2: "β₂",
};
const APART = new Set(["name", "tags", "notes", "recipe"]);

/** A configuration's settings, groups within groups opened. @param {object} config @returns {Setting[]} */
export function settings(config) {
  /** @param {unknown} value @param {string[]} path @returns {Setting[]} */
  const walk = (value, path) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, item]) => walk(item, [...path, key]))
      : [[path.join("."), value]];
  return walk(config, []);
}

/** A setting's value in words. @param {unknown} value @returns {string} */
export function settingWords(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length ? value.map(settingWords).join(", ") : "none";
  return typeof value === "number" ? format.setting(value) : String(value);
}

/** A path in words: `neq.probe.samples` → [Equilibrium, probe · samples]. @param {string} path */
export function settingName(path) {
  const [group, ...rest] = path.split(".");
  const words = rest.map((key) => WORDS[key] || key.replaceAll("_", " ")).join(" · ");
  return [WORDS[group] || group, words.replace(/(^| · )Kind$/, "$1kind")];
}

/** The command that launches the same run. Quoted for a POSIX shell. @param {RunConfig} config */
export function launchCommand(config) {
  const quote = (/** @type {string} */ text) => (/^[\w.,:/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const flags = settings(config)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && !value.length))
    .map(([path, value]) => {
      const flag = `--${path.replaceAll("_", "-")}`;
      if (typeof value === "boolean") return `${flag} ${value ? "yes" : "no"}`;
      return `${flag} ${quote(Array.isArray(value) ? value.join(",") : String(value))}`;
    });
  return ["neq launch", ...flags].join(" ");
}

/** Draws a configuration by groups. @param {HTMLElement} host @param {RunConfig} config */
export function drawConfig(host, config) {
  const groups = Object.entries(config).filter(([key]) => !APART.has(key));
  const recipe = config.recipe ? [element("section", {}, element("h3", {}, "Recipe"), element("p", {}, config.recipe))] : [];
  const notes = config.notes ? [element("section.config-notes", {}, element("h3", {}, "Notes"), element("p", {}, config.notes))] : [];
  host.replaceChildren(...notes, ...recipe, ...groups.map(section));
}

/** A group's settings, its kind first. @param {[group: string, value: unknown]} entry of a configuration. */
function section([group, value]) {
  const first = (/** @type {Setting} */ [path]) => (/^\w+\.kind$/.test(path) ? 0 : 1);
  const rows = settings({ [group]: value })
    .sort((a, b) => first(a) - first(b))
    .flatMap(([path, setting]) => [element("dt", {}, settingName(path)[1]), element("dd", {}, settingWords(setting))]);
  return element("section", {}, element("h3", {}, WORDS[group] || group), element("dl", {}, ...rows));
}

/** The log: follows the newest line unless the reader has scrolled up. */
export class LogView {
  /** @param {{scope: Scope, host: HTMLElement, follow: HTMLElement, feed: Feed}} options */
  constructor({ scope, host, follow, feed }) {
    this.host = host;
    this.follow = follow;
    this.feed = feed;
    this.drawn = 0; // lines
    this.following = true;
    this.draw = scope.once(() => this.#draw());
    scope.on(host, "scroll", () => this.#scrolled());
    scope.on(follow, "click", () => this.#toEnd());
    this.draw();
  }

  #draw() {
    const fresh = this.feed.log.slice(this.drawn);
    if (!this.drawn) this.host.replaceChildren();
    if (!this.feed.log.length) return this.host.replaceChildren(element("p.picture-empty", {}, this.#empty()));
    this.drawn = this.feed.log.length;
    this.host.append(...fresh.map(line));
    if (this.following) this.#toEnd();
    return undefined;
  }

  #empty() {
    if (!this.feed.loaded) return "Loading…";
    return this.feed.ended ? "The log is empty." : "No log lines yet.";
  }

  #toEnd() {
    this.host.scrollTop = this.host.scrollHeight;
    this.following = true;
    this.follow.hidden = true;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.host;
    this.following = scrollHeight - clientHeight - scrollTop < NEAR_END;
    this.follow.hidden = this.following;
  }
}

/** @param {LogLine} logged */
function line({ at, level, text }) {
  const time = new Date(at).toLocaleTimeString("en-GB");
  return element("div.log-line", { "data-level": level }, element("time", { datetime: at }, time), element("span", {}, text));
}
