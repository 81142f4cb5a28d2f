/*
 * The rows of the table of runs: every run that is known, where the queued ones wait, and what narrows the table down.
 */

import { queuePlaces } from "../run-data/queue.js";

/** @import { Run } from "../../types/pages" */

export const TABLE = "runs-table";

/** @type {Map<string, Run>} */
let known = new Map();
/** @type {ReturnType<typeof queuePlaces> | null} of the queued runs among them; null: not worked out since one came or went. */
let places = null;
/** @type {any} ag-grid's API; null: the table is not there. */
let grid = null;
let shownState = ""; // what the table is narrowed to, by a chip and by words
let words = "";

const gone = () => !grid || grid.isDestroyed();

/** A table that is there again, and empty; null: it is not yet. @param {any} table ag-grid's API. */
export function begin(table) {
  known = new Map();
  places = null;
  grid = table;
  if (table) narrowDown(); // the reader may have chosen before the table was there to be narrowed
}

/** The run of this id as the table knows it. @param {string} id */
export const runOf = (id) => known.get(id);
export const all = () => known.values();
export const ids = () => [...known.keys()];
export const size = () => known.size;

/** Adds runs, or brings them up to date; an older revision changes nothing. @param {Run[]} runs */
export function put(runs) {
  if (gone()) return;
  /** @type {Run[]} */
  const add = [];
  /** @type {Run[]} */
  const update = [];
  let queueMoved = false;
  for (const run of runs) {
    const before = known.get(run.id);
    if (before && before.revision > run.revision) continue;
    queueMoved ||= before?.state !== run.state && [before?.state, run.state].includes("queued");
    (before ? update : add).push(run);
    known.set(run.id, run);
  }
  const changed = grid.applyTransaction({ add, update });
  if (changed?.update.length) grid.refreshCells({ rowNodes: changed.update, force: true });
  if (queueMoved) placeAnew();
  count();
}

/** @param {string} id */
export function drop(id) {
  const run = known.get(id);
  if (!run || gone()) return;
  known.delete(id);
  grid.applyTransaction({ remove: [run] });
  if (run.state === "queued") placeAnew();
  count();
}

/** A run came into the queue or left it: the others stand elsewhere, though they did not change. */
function placeAnew() {
  places = null;
  /** @type {unknown[]} */
  const rowNodes = [];
  grid.forEachNode((/** @type {{data: Run}} */ node) => node.data.state === "queued" && rowNodes.push(node));
  grid.refreshCells({ rowNodes, columns: ["progress"], force: true });
}

/** Where a queued run waits. @param {string} id */
export function place(id) {
  places ??= queuePlaces(known.values());
  return places.get(id);
}

// ---------------------------------------------------------------- what narrows the table down

const chips = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#runs-states .runs-chip")]);

function count() {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const run of known.values()) counts[run.state] = (counts[run.state] || 0) + 1;
  for (const chip of chips()) {
    const wanted = chip.dataset.state;
    const shown = chip.querySelector(".runs-chip-count");
    if (shown) shown.textContent = String(wanted ? counts[wanted] || 0 : known.size);
  }
}

/** Shows the rows that the pressed chip and the words searched for leave, as soon as there is a table. */
function narrowDown() {
  shownState = chips().find((chip) => chip.getAttribute("aria-pressed") === "true")?.dataset.state || "";
  if (gone()) return;
  grid.setGridOption("quickFilterText", words);
  grid.onFilterChanged();
}

/** Called by Dash. @param {string | null} text */
export function search(text) {
  words = text || "";
  narrowDown();
  return "runs-search";
}

/** @param {HTMLElement} chip one of the states, now pressed alone. */
export function filterBy(chip) {
  for (const other of chips()) other.setAttribute("aria-pressed", String(other === chip));
  narrowDown();
}

/** Whether a state is chosen, and whether a run is in it: ag-grid's external filter. */
export const stateChosen = () => Boolean(shownState);
/** @param {Run} run */
export const statePasses = (run) => run.state === shownState;

/** @param {boolean} empty whether there is no run at all. */
export function showEmpty(empty = known.size === 0) {
  const filled = document.getElementById("runs-filled");
  const nothing = document.getElementById("runs-empty");
  if (filled) filled.hidden = empty;
  if (nothing) nothing.hidden = !empty;
}
