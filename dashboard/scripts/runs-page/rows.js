/*
 * The rows of the table of runs: blocks as the server has them, in which runs that change are brought up to date.
 *
 * A row that is shown changes in place. What makes rows come, go or move is asked of the server anew, and the grid keeps
 * its scroll position meanwhile.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { count } from "../ui/format.js";
import { rowOf } from "./groups.js";
import { ALL, countsQuery, groupsQuery, isNarrowed, rowsQuery, sortOf } from "./query.js";

/** @import { ListedRun, Run } from "../../types/pages" */
/** @import { GroupRow } from "./groups.js" */
/** @import { Asked, SortModel } from "./query.js" */

export const TABLE = "runs-table";
export const BLOCK = 100; // rows
const SOON_MS = 500; // changes that come close together are one refresh
const REST_MS = 2_000; // between refreshes
const RETRY_MS = 5_000;
const FRESH_MS = 500; // a block that was read ahead is taken for so long

/** @typedef {ListedRun | GroupRow} Row */
/** @typedef {{rows: Row[], total: number, matching: number}} Block */
/** @typedef {{startRow: number, endRow: number, sortModel: SortModel, successCallback: (rows: Row[], total: number) => void, failCallback: () => void}} BlockRequest */
/** @typedef {(problem: Error | null, rows: number | null, rowGone?: boolean) => void} Told what came of the latest block, how many rows match, and whether the row with the focus is not among them. */

/** @type {any} ag-grid's API; null: the table is not there. */
let grid = null;
/** @type {Asked} */
let asked = ALL;
/** @type {Told} */
let tell = () => {};
/** @type {{query: string, page: Block, at: number} | null} a block that was read before the grid asked for it. */
let ahead = null;
/** @type {{query: string, page: Promise<Block>} | null} a block that was asked for before there was a table. */
let early = null;
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
  // The grid counts the blocks that it waits for. Dash's source answers none, and whatever changes the columns asks again.
  else table.setGridOption("datasource", { getRows: (/** @type {BlockRequest} */ { failCallback }) => failCallback() });
}

/** What is asked for now. */
export const question = () => asked;
/** The row of this id, if a block has it. @param {string} id @returns {Row | undefined} */
export const rowOfId = (id) => (gone() ? undefined : grid.getRowNode(id)?.data);
/** The order that the headers show, as the server's `sort` has it. */
export const order = () => (gone() ? "" : sort());
/** The runs whose blocks are here, in the table's order. @returns {ListedRun[]} */
export function loaded() {
  /** @type {ListedRun[]} */
  const runs = [];
  if (!gone()) grid.forEachNode((/** @type {{data?: Row}} */ { data }) => data && !("grouped" in data) && runs.push(data));
  return runs;
}
/** The run of this id, if a block has it. @param {string} id @returns {ListedRun | undefined} */
export const runOf = (id) => {
  const row = rowOfId(id);
  return row && "grouped" in row ? undefined : row;
};

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
  const query = queryOf(next, sort(), 0, BLOCK);
  let page;
  try {
    page = await readFirst(next, query);
  } catch (problem) {
    if (now !== questions || gone()) return null;
    if (begun || problem instanceof Refused) return /** @type {Error} */ (problem);
  }
  if (now !== questions || gone()) return null;
  begun = true; // without an answer too: the blocks are asked for until there is one
  asked = next;
  ahead = page ? { query: query.toString(), page, at: performance.now() } : null;
  grid.setGridOption("datasource", { getRows: readBlock });
  readCounts();
  return null;
}

/** Leaves runs out of the rows, where they are few enough to be named. @param {string[]} without their ids, instead of those before. */
export function leaveOut(without) {
  asked = { ...asked, without };
  refresh();
}

/** @param {BlockRequest} request */
async function readBlock({ startRow, endRow, sortModel, successCallback, failCallback }) {
  const query = queryOf(asked, sortOf(sortModel), startRow, endRow);
  const table = grid;
  reading += 1;
  try {
    // Other columns that come with other rows make the grid ask for the same block again.
    const fresh = ahead?.query === query.toString() && performance.now() - ahead.at < FRESH_MS;
    const page = fresh && ahead ? ahead.page : await read(asked, query);
    if (table !== grid || gone()) return;
    const focus = focused();
    successCallback(page.rows.map(newest), page.total);
    tell(null, page.matching, !focusAgain(focus));
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

/** @param {Asked} asked @param {string} order @param {number} first @param {number} stop */
const queryOf = (asked, order, first, stop) => (asked.by ? groupsQuery : rowsQuery)(asked, order, first, stop);

/**
 * Asks for the first block while the page is being made: its answer waits for the table, instead of the table for it.
 * @param {Asked} next @param {string} order
 */
export function askEarly(next, order) {
  const query = queryOf(next, order, 0, BLOCK);
  const page = read(next, query);
  page.catch(() => {}); // it is asked for again, and what is wrong then is told
  early = { query: query.toString(), page };
}

/** A block that was asked for early, else from now on; early ones are of use once. @param {Asked} next @param {URLSearchParams} query */
async function readFirst(next, query) {
  const before = early?.query === query.toString() ? early : null;
  early = null;
  const page = await before?.page.catch(() => null);
  return page ?? read(next, query);
}

/** Runs, or groups of them. @param {Asked} asked @param {URLSearchParams} query @returns {Promise<Block>} */
async function read({ by }, query) {
  if (!by) {
    const { runs, total } = await api.runs(query);
    return { rows: runs, total, matching: total };
  }
  unplaced.clear(); // runs are in no row, and in a group that tells of them
  const { groups, total, matching } = await api.groups(query);
  return { rows: groups.map(rowOf), total, matching };
}

/** A run of a block, or what was heard of it since. @param {Row} run @returns {Row} */
function newest(run) {
  if ("grouped" in run) return run;
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

/** The grid's focus stays on a row's place, where another run may be by now. @param {ReturnType<typeof focused>} before @returns {boolean} false: that run's row is gone. */
function focusAgain(before) {
  if (!before) return true;
  const now = grid.getRowNode(before.id)?.rowIndex ?? null;
  if (now !== null && now !== before.rowIndex) grid.setFocusedCell(now, before.column);
  return now !== null;
}

// ---------------------------------------------------------------- changes

/** Reads all blocks anew that the grid has. */
export function refresh() {
  clearTimeout(waiting);
  waiting = undefined;
  moved = false;
  unplaced.clear();
  ahead = null;
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

/** @param {Row} row @param {Run} run */
const isOlder = (row, run) => !("grouped" in row) && row.revision < run.revision;

/** A run as it is now; an older revision changes nothing. @param {Run} run */
export function put(run) {
  if (gone()) return;
  if (reading || !begun) heard.set(run.id, run);
  if (ahead?.page.rows.some((row) => row.id === run.id && isOlder(row, run))) ahead = null;
  const node = grid.getRowNode(run.id);
  const before = node?.data;
  if (!before) {
    if (elsewhere.get(run.id) === run.state && !isNarrowed(asked) && !asked.by) return;
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
