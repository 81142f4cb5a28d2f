/*
 * A run's configuration as settings with names and values in words, and as a command.
 */

import * as format from "../ui/format.js";

/** @import { RunConfig } from "../../types/pages" */

/** @typedef {Record<string, string>} Titles of settings and of their groups by path, as the form has them. */
/** @typedef {[path: string, value: unknown]} Setting its path has a dot before each group within a group. */

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
  if (typeof value === "number") return format.setting(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * A path in words: `neq.probe.samples` → [Equilibrium, Probe set · Probe images]. What has no title is called as it is.
 * @param {string} path @param {Titles} titles @returns {[group: string, name: string]}
 */
export function settingName(path, titles) {
  const [group, ...rest] = path.split(".");
  return [titles[group] ?? plain(group), titles[path] ?? rest.map(plain).join(" · ")];
}

/**
 * What settings are called where each stands alone, by their paths: by its name, and where another has the same name by
 * its group as well, so that `optimizer.kind` beside `data.kind` is "Optimizer: kind".
 * @param {string[]} paths all that there are, shown or not. @param {Titles} titles @returns {Map<string, string>}
 */
export function distinctTitles(paths, titles) {
  const parted = paths.map((path) => ({ path, parts: settingName(path, titles) }));
  const names = parted.map(({ parts: [group, name] }) => name || group);
  const isShared = (/** @type {string} */ name) => names.indexOf(name) !== names.lastIndexOf(name);
  return new Map(parted.map(({ path, parts }, at) => [path, isShared(names[at]) ? withGroup(parts) : names[at]]));
}

/** A setting's name behind its group's. @param {[group: string, name: string]} parts */
export function withGroup([group, name]) {
  if (!name) return group;
  return `${group}: ${/^[A-Z][a-z]/.test(name) ? name[0].toLowerCase() + name.slice(1) : name}`; // φ, FLOPs and LR stay
}

const plain = (/** @type {string} */ name) => name.replaceAll("_", " ");

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
