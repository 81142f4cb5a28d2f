/*
 * The rows of the table of runs: blocks as the server has them, in which runs that change are brought up to date.
 *
 * A row that is shown changes in place. What makes rows come, go or move is asked of the server anew, and the grid keeps
 * its scroll position meanwhile.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { count } from "../ui/format.js";
import { ALL, countsQuery, isNarrowed, rowsQuery, sortOf } from "./query.js";

/** @import { ListedRun, Run } from "../../types/pages" */
/** @import { Asked, SortModel } from "./query.js" */

export const TABLE = "runs-table";
export const BLOCK = 100; // rows
const SOON_MS = 500; // changes that come close together are one refresh
const REST_MS = 2_000; // between refreshes
const RETRY_MS = 5_000;

/** @typedef {{startRow: number, endRow: number, sortModel: SortModel, successCallback: (rows: ListedRun[], total: number) => void, failCallback: () => void}} BlockRequest */
/** @typedef {(problem: Error | null, rows: number | null) => void} Told what came of the latest block, and how many rows match. */

/** @type {any} ag-grid's API; null: the table is not there. */
let grid = null;
/** @type {Asked} */
let asked = ALL;
/** @type {Told} */
let tell = () => {};
/** @type {{query: string, page: {runs: ListedRun[], total: number}} | null} a block that was read before the grid asked for it. */
let ahead = null;
let begun = false; // whether the grid asks for blocks
let reading = 0; // blocks that are being read
let questions = 0; // counts them, so that the answer to a former one is dropped
/** Runs that were heard of while blocks were being read, which may be older. @type {Map<string, Run>} */
const heard = new Map();
/** States of runs that changed and are in no block. @type {Map<string, string>} */
const elsewhere = new Map();
/** Those of them that no block was read for since. @type {Set<string>} */
const unplaced = new Set();
let moved = false; // whether rows may have come, gone or moved since the blocks were read
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;
let refreshedAt = -REST_MS;

const gone = () => !grid || grid.isDestroyed();
const sort = () =>
  sortOf(
    grid
      .getColumnState()
      .filter((/** @type {{sort: string | null}} */ each) => each.sort)
      .sort(bySortIndex),
  );
const bySortIndex = (/** @type {any} */ a, /** @type {any} */ b) => (a.sortIndex ?? 0) - (b.sortIndex ?? 0);

/** A table that is there again, and empty; null: it is not yet. @param {any} table ag-grid's API. @param {Told} [told] */
export function begin(table, told = () => {}) {
  clearTimeout(waiting);
  waiting = undefined;
  heard.clear();
  elsewhere.clear();
  unplaced.clear();
  moved = false;
  ahead = null;
  begun = false;
  reading = 0;
  questions += 1;
  grid = table;
  tell = told;
  if (!table) asked = ALL;
}

/** What is asked for now. */
export const question = () => asked;
/** The order that the headers show, as the server's `sort` has it. */
export const order = () => (gone() ? "" : sort());
/** The runs whose blocks are here, in the table's order. @returns {ListedRun[]} */
export function loaded() {
  /** @type {ListedRun[]} */
  const runs = [];
  if (!gone()) grid.forEachNode((/** @type {{data?: ListedRun}} */ { data }) => data && runs.push(data));
  return runs;
}
/** The run of this id, if a block has it. @param {string} id @returns {ListedRun | undefined} */
export const runOf = (id) => (gone() ? undefined : grid.getRowNode(id)?.data);

// ---------------------------------------------------------------- blocks

/**
 * Asks for other rows. Those that are shown stay until the first of the new ones are there, and where the question is refused.
 * @param {Partial<Asked>} changes @returns {Promise<Error | null>} why it was refused.
 */
export async function ask(changes) {
  const next = { ...asked, ...changes };
  if (gone()) {
    asked = next;
    return null;
  }
  const now = ++questions;
  const query = rowsQuery(next, sort(), 0, BLOCK);
  let page;
  try {
    page = await api.runs(query);
  } catch (problem) {
    if (now !== questions || gone()) return null;
    if (begun || problem instanceof Refused) return /** @type {Error} */ (problem);
  }
  if (now !== questions || gone()) return null;
  begun = true; // without an answer too: the blocks are asked for until there is one
  asked = next;
  ahead = page ? { query: query.toString(), page } : null;
  grid.setGridOption("datasource", { getRows: readBlock });
  readCounts();
  return null;
}

/** @param {BlockRequest} request */
async function readBlock({ startRow, endRow, sortModel, successCallback, failCallback }) {
  const query = rowsQuery(asked, sortOf(sortModel), startRow, endRow);
  const table = grid;
  reading += 1;
  try {
    const page = ahead?.query === query.toString() ? ahead.page : await api.runs(query);
    ahead = null;
    if (table !== grid || gone()) return;
    const focus = focused();
    successCallback(page.runs.map(newest), page.total);
    focusAgain(focus);
    tell(null, page.total);
  } catch (problem) {
    if (table !== grid || gone()) return;
    failCallback();
    tell(/** @type {Error} */ (problem), null);
    moved = true;
    refreshSoon(RETRY_MS);
  } finally {
    if (table === grid) reading -= 1;
    if (!reading) heard.clear();
  }
}

/** A run of a block, or what was heard of it since. @param {ListedRun} run */
function newest(run) {
  elsewhere.delete(run.id);
  unplaced.delete(run.id);
  const told = heard.get(run.id);
  return told && told.revision > run.revision ? { ...told, values: run.values } : run;
}

async function readCounts() {
  const now = questions;
  const counts = await api.counts(countsQuery(asked)).catch(() => null); // the rows' own request says what is wrong
  if (!counts || now !== questions) return;
  for (const chip of document.querySelectorAll("#runs-states .runs-chip")) {
    const state = /** @type {HTMLElement} */ (chip).dataset.state || "total";
    const shown = chip.querySelector(".runs-chip-count");
    if (shown) shown.textContent = count(counts[/** @type {keyof typeof counts} */ (state)]);
  }
}

// ---------------------------------------------------------------- the focus stays with its run

/** @returns {{id: string, rowIndex: number, column: any} | null} */
function focused() {
  const cell = grid.getFocusedCell();
  const inside = document.getElementById(TABLE)?.querySelector(".ag-center-cols-container")?.contains(document.activeElement);
  const id = inside && cell && grid.getDisplayedRowAtIndex(cell.rowIndex)?.id;
  return id ? { id, rowIndex: cell.rowIndex, column: cell.column } : null;
}

/** The grid's focus stays on a row's place, where another run may be by now. @param {ReturnType<typeof focused>} before */
function focusAgain(before) {
  const now = before && grid.getRowNode(before.id)?.rowIndex;
  if (before && now !== null && now !== undefined && now !== before.rowIndex) grid.setFocusedCell(now, before.column);
}

// ---------------------------------------------------------------- changes

/** Reads all blocks anew that the grid has. */
export function refresh() {
  clearTimeout(waiting);
  waiting = undefined;
  moved = false;
  unplaced.clear();
  if (gone() || !begun) return;
  refreshedAt = performance.now();
  grid.refreshInfiniteCache();
  readCounts();
}

/** @param {number} [ms] */
function refreshSoon(ms = SOON_MS) {
  const due = () => {
    waiting = undefined;
    if (moved || unplaced.size) refresh();
  };
  waiting ??= setTimeout(due, Math.max(ms, refreshedAt + REST_MS - performance.now()));
}

/** Whether a change of a run that is shown may move it, or concern other rows. @param {ListedRun} before @param {Run} run */
const movesRows = (before, run) =>
  before.state !== run.state ||
  before.held !== run.held ||
  before.archived !== run.archived ||
  isNarrowed(asked) ||
  sort() !== "" ||
  asked.fields.length > 0;

/** A run as it is now; an older revision changes nothing. @param {Run} run */
export function put(run) {
  if (gone()) return;
  if (reading) heard.set(run.id, run);
  const node = grid.getRowNode(run.id);
  const before = node?.data;
  if (!before) {
    if (elsewhere.get(run.id) === run.state && !isNarrowed(asked)) return;
    elsewhere.set(run.id, run.state);
    unplaced.add(run.id);
    refreshSoon();
  } else if (before.revision <= run.revision) {
    node.setData({ ...run, values: before.values });
    grid.refreshCells({ rowNodes: [node], force: true });
    moved ||= before.revision < run.revision && movesRows(before, run);
    if (moved) refreshSoon();
  }
}
