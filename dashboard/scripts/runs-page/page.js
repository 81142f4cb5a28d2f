/*
 * The page of all runs: fills the table page by page, follows every change, and fits its columns to the window.
 */

import * as live from "../api/live.js";
import * as api from "../api/runs.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { go, onLeave } from "../ui/shell.js";
import * as columns from "./columns.js";
import * as rows from "./rows.js";
import * as tableKeys from "./table-keys.js";

/** @import { Run } from "../../types/pages" */

const PAGE = 100;
const REFRESH_MS = 5_000; // ages and times left move on by themselves
const MOST_COMPARED = 4;
// Below this width the table leaves out what a run's own page tells as well.
const NARROW_PX = 1000;
const NARROW_WIDTHS = { state: 112, progress: 146, frozen: 84, accuracy: 98 };

/** @type {string[]} */
let chosen = [];
let visit = 0; // counts arrivals, so that late answers of a former one are dropped
/** @type {any} ag-grid's API. */
let grid = null;
/** @type {Keys | null} */
let keys = null;
/** @type {Set<string>} what is told while the list is read, a set for each reading: it may have been made after its page was. */
let arrivedLive = new Set();

/** @param {string} text */
const say = (text) => {
  const place = document.getElementById("runs-loading");
  if (place) place.textContent = text;
};

/**
 * Takes runs up. The overlay goes with the first of them, whoever brings them: it would hide the rows, and keep Tab out of
 * the table, until the last page is there.
 * @param {Run[]} runs
 */
function take(runs) {
  if (!runs.length) return;
  rows.showEmpty(false);
  rows.put(runs);
  grid.setGridOption("loading", false);
}

/** Every run, page after page; afterwards the table holds just those that the server has. @param {number} now */
async function loadAll(now) {
  const seen = new Set();
  const arrived = new Set();
  const over = () => now !== visit || arrived !== arrivedLive; // left, or begun anew after a lost connection
  arrivedLive = arrived;
  let cursor = null;
  try {
    do {
      const page = await api.runs(cursor, PAGE);
      if (over()) return;
      for (const run of page.runs) seen.add(run.id);
      take(page.runs);
      cursor = page.next;
      say(cursor ? `Loading: ${rows.size()} runs so far …` : "");
    } while (cursor);
  } catch (problem) {
    const { message } = /** @type {Error} */ (problem);
    if (!over()) say(`${message} ${rows.size() ? "The table may be incomplete." : ""}`);
    return;
  }
  for (const id of rows.ids()) if (!seen.has(id) && !arrived.has(id)) rows.drop(id);
  grid.setGridOption("loading", false);
  rows.showEmpty();
}

/** Hears of every run from now on. @param {number} now @returns {() => void} stops it. */
function follow(now) {
  let lost = false;
  const watching = live.subscribeRuns({
    onRun(run) {
      if (!rows.runOf(run.id)) arrivedLive.add(run.id);
      take([run]);
    },
    onDeleted(id) {
      rows.drop(id);
      rows.showEmpty();
    },
  });
  const forget = live.onStatus((status) => {
    if (status === "live" && lost && now === visit) loadAll(now);
    lost = status === "lost" || status === "refused" || (lost && status !== "live");
  });
  return () => {
    watching.close();
    forget();
  };
}

function fitColumns() {
  const table = document.getElementById(rows.TABLE);
  if (!table || !grid || grid.isDestroyed()) return;
  const narrow = table.clientWidth < NARROW_PX;
  if (table.classList.contains("runs-narrow") === narrow && table.dataset.fitted) return;
  table.dataset.fitted = "yes";
  table.classList.toggle("runs-narrow", narrow);
  const widths = Object.entries(NARROW_WIDTHS).map(([colId, width]) => ({
    colId,
    width: narrow ? width : grid.getColumnDef(colId).width,
  }));
  grid.applyColumnState({ state: [...widths, { colId: "setup", hide: narrow }, { colId: "age", hide: narrow }] });
}

/** Called by Dash when the table's frame is drawn. */
export async function begin() {
  const now = ++visit;
  const scope = new Scope();
  onLeave(() => {
    visit += 1;
    scope.end();
  });
  chosen = [];
  grid = null;
  keys = null;
  rows.begin(null);
  const api = await window.dash_ag_grid.getApiAsync(rows.TABLE);
  if (now !== visit) return "runs-table";
  grid = api;
  fillTable(scope, now);
  return "runs-table";
}

/** The table is there. @param {Scope} scope @param {number} now */
function fillTable(scope, now) {
  grid.setGridOption("loading", true);
  rows.begin(grid);
  if (columns.chosen().length) columns.show(grid);
  const table = /** @type {HTMLElement} */ (document.getElementById(rows.TABLE));
  tableKeys.listen(table, rows.runOf);
  table.querySelector("[role=grid]")?.setAttribute("aria-label", "Runs");
  scope.watchSize(table, fitColumns);
  scope.finally(follow(now));
  scope.every(REFRESH_MS, () => {
    if (!grid.isDestroyed()) grid.refreshCells({ columns: ["progress", "age"], force: true });
  });
  const chooseColumns = () => !grid.isDestroyed() && columns.choose(scope, grid, rows.all());
  scope.on(/** @type {HTMLElement} */ (document.getElementById("runs-columns")), "click", chooseColumns);
  keys = new Keys(scope, [...tableKeys.HELP, ...pageKeys(chooseColumns)]);
  loadAll(now);
}

/** @param {() => void} chooseColumns */
const pageKeys = (chooseColumns) => [
  { keys: ["/"], shown: "/", words: "search runs", act: () => document.getElementById("runs-search")?.focus() },
  { keys: ["c"], shown: "c", words: "choose columns", act: chooseColumns },
  { keys: ["?"], shown: "?", words: "show these shortcuts", act: () => keys?.help() },
];

/** Called by Dash with the rows whose boxes are ticked. @param {Run[] | null} ticked @returns {boolean} too few, or too many. */
export function choose(ticked) {
  chosen = (ticked || []).map((run) => run.id);
  const button = /** @type {HTMLElement} */ (document.getElementById("runs-compare"));
  const fits = chosen.length >= 2 && chosen.length <= MOST_COMPARED;
  button.textContent = chosen.length ? `Compare ${chosen.length}` : "Compare";
  button.title = fits ? "" : "Select two to four runs with their checkboxes";
  button.classList.toggle("button-primary", fits);
  return !fits;
}

/** @param {MouseEvent} event */
function clicked(event) {
  const at = /** @type {HTMLElement} */ (event.target);
  const chip = /** @type {HTMLElement | null} */ (at.closest?.("#runs-states .runs-chip"));
  if (chip) rows.filterBy(chip);
  if (at.id === "runs-keys") keys?.help();
  if (at.id === "runs-compare" && chosen.length >= 2) go(`/compare?runs=${chosen.join(",")}`);
}

/** Listens for what Dash does not: chips and buttons that the layout draws as plain HTML. */
export const start = () => document.addEventListener("click", clicked);
