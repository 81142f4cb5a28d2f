/*
 * The runs that are ticked in the table, by id: they stay so while their rows are not loaded.
 */

/** @import { ListedRun } from "../../types/pages" */

/** Names by id, in the order in which they were ticked. @type {Map<string, string>} */
const ticked = new Map();
/** @type {any} ag-grid's API. */
let grid = null;
/** @type {string | null} the run that a range begins with. */
let anchor = null;
let changed = () => {};
/** Runs that are about to be deleted. @type {Set<string>} */
let leaving = new Set();

/** No run is ticked. @param {any} table ag-grid's API. @param {() => void} [told] called when they change. */
export function begin(table, told = () => {}) {
  ticked.clear();
  anchor = null;
  leaving = new Set();
  grid = table;
  changed = told;
}

export const has = (/** @type {string} */ id) => ticked.has(id);
export const ids = () => [...ticked.keys()];
export const size = () => ticked.size;
/** Their names, by id. */
export const names = () => new Map(ticked);
export const isLeaving = (/** @type {string} */ id) => leaving.has(id);

/** @param {Set<string>} ids of the runs that are about to be deleted. */
export function setLeaving(ids) {
  const before = leaving;
  leaving = ids;
  show([...before, ...ids]);
}

/** @param {ListedRun[]} runs */
export function add(runs) {
  for (const each of runs) ticked.set(each.id, each.name);
  show(runs.map(({ id }) => id));
}

/** Ticks a run, or takes its tick away. @param {ListedRun} run @param {boolean} [toRange] all from the last one on. */
export function toggle(run, toRange = false) {
  const on = !ticked.has(run.id);
  const runs = toRange ? between(run) : [run];
  for (const each of runs) {
    if (on) ticked.set(each.id, each.name);
    else ticked.delete(each.id);
  }
  anchor = run.id;
  show(runs.map(({ id }) => id));
}

/** Ticks all of these runs, or where all are ticked takes their ticks away. @param {Map<string, string>} names by id. */
export function toggleAll(names) {
  const off = [...names.keys()].every(has);
  for (const [id, name] of names) {
    if (off) ticked.delete(id);
    else ticked.set(id, name);
  }
  show([...names.keys()]);
}

/** @param {string[]} gone */
export function drop(gone) {
  for (const id of gone) ticked.delete(id);
  show(gone);
}

export const clear = () => drop(ids());

/** The loaded rows between the anchor and a run. @param {ListedRun} run @returns {ListedRun[]} */
function between(run) {
  const [from, to] = [anchor ?? run.id, run.id].map((id) => grid.getRowNode(id)?.rowIndex ?? null);
  if (from === null || to === null) return [run];
  const places = Array.from({ length: Math.abs(to - from) + 1 }, (_, step) => Math.min(from, to) + step);
  return places.flatMap((place) => grid.getDisplayedRowAtIndex(place)?.data ?? []);
}

/** @param {string[]} of */
function show(of) {
  if (!grid || grid.isDestroyed()) return;
  const groups = grid.getRenderedNodes().filter((/** @type {any} */ { data }) => data?.grouped);
  const rowNodes = [...of.flatMap((id) => grid.getRowNode(id) ?? []), ...groups];
  grid.refreshCells({ rowNodes, columns: ["ticked", "state"], force: true });
  changed();
}
