/*
 * Runs that have a field in common, and how each group is drawn: alike in every chart, whether or not it has points yet.
 */

import { inkOf } from "./members.js";
import { namesOf } from "./run-columns.js";

/** @import { Titles } from "../run-data/settings.js" */
/** @import { Ink } from "./curve-lines.js" */
/** @import { ComparedSetting } from "./run-columns.js" */

/** @typedef {string | null} Value that the runs of a group have in common; null: they have nothing there. */
/** @typedef {{value: Value, runs: string[]}} Group */

/** Fields of a run, other than its settings, that are offered to group by. */
const OFFERED = [
  { path: "group", name: "Group" },
  { path: "device", name: "Device" },
  { path: "source", name: "Source" },
  { path: "state", name: "State" },
];
/** And those that an address may name besides. */
const OTHERS = ["tag", "name", "id", "notes", "created", "epochs", "accuracy", "best_accuracy", "frozen", "archived", "priority", "held"];
export const RUN_FIELDS = [...OFFERED.map(({ path }) => path), ...OTHERS];

/** A setting's path as the filter language writes it. @param {string} path */
export const asField = (path) => (/^[\w.]+$/.test(path) ? path : `\`${path}\``);

/** Settings that differ, and the like. @param {ComparedSetting[]} all @param {Titles} titles @returns {{path: string, name: string}[]} */
export function groupingsOf(all, titles) {
  const names = namesOf(all, titles);
  const differing = all.filter(({ differs, path }) => differs && path !== "group");
  return [...differing.map(({ path }) => ({ path: asField(path), name: names.get(path) ?? path })), ...OFFERED];
}

/** The order of labels: numbers by their size, words as a reader sorts them, and those without last. @param {Value} a @param {Value} b */
function byLabel(a, b) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [one, other] = [a, b].map(Number);
  if (Number.isFinite(one) && Number.isFinite(other) && one !== other) return one - other;
  return a.localeCompare(b, "en", { numeric: true });
}

export class RunGroups {
  constructor() {
    /** The field; empty: each run is by itself. */
    this.by = "";
    /** @type {Value[]} by their places. */
    this.values = [];
    /** @type {Group[]} in the order of their places. */
    this.all = [];
  }

  /**
   * The groups as the server tells them now. Those that are known keep their places for as long as runs are grouped by
   * that field, so that none changes its colour when another comes.
   * @param {string} by @param {Group[]} told
   */
  follow(by, told) {
    if (by !== this.by) this.values = [];
    this.by = by;
    const known = new Set(this.values);
    const more = told.map(({ value }) => value).filter((value) => !known.has(value));
    this.values = [...this.values, ...[...new Set(more)].sort(byLabel)];
    this.all = [...told].sort((a, b) => this.placeOf(a.value) - this.placeOf(b.value));
  }

  /** @param {Value} value */
  placeOf(value) {
    return this.values.indexOf(value);
  }

  /** How a run is drawn as one of its group; null: each is by itself. @param {string} id @returns {Ink | null} */
  inkOfRun(id) {
    const group = this.all.find(({ runs }) => runs.includes(id));
    return group ? inkOf(this.placeOf(group.value)) : null;
  }
}
