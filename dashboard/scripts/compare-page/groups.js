/*
 * Runs that have a field in common, and how each group is drawn: alike in every chart, whether or not it has points yet.
 */

import { inkOf } from "./members.js";

/** @import { Ink } from "./curve-lines.js" */

/** @typedef {string | null} Value that the runs of a group have in common; null: they have nothing there. */
/** @typedef {{value: Value, runs: string[]}} Group */

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
