/*
 * The keyboard of the table of runs.
 *
 * The table is two stops of the Tab key, its header and its rows, as a grid should be (WAI-ARIA, grid pattern); within each
 * the arrow keys move. ag-grid's own Tab goes from header to header and never leaves.
 */

import { go } from "../ui/shell.js";
import { act } from "./actions.js";
import * as groups from "./groups.js";
import * as ticks from "./ticks.js";

/** @import { RunGroup } from "../../types/api" */
/** @import { Run } from "../../types/pages" */
/** @import { Key } from "../ui/keys.js" */
/** @import { Row } from "./rows.js" */

const WITHIN = "button:not(:disabled), a[href], input";

/** @typedef {KeyboardEvent & {target: HTMLElement}} Press */

const cellOf = (/** @type {Press} */ event) => /** @type {HTMLElement | null} */ (event.target.closest(".ag-cell"));

let deleteTicked = () => {};
/** Who deletes the ticked runs. @param {() => void} act */
export function whenDeleted(act) {
  deleteTicked = act;
}

/** Several ticked runs are meant together, wherever the focus is; else the one that has it. @param {Run} run */
function remove(run) {
  if (ticks.size() > 1) deleteTicked();
  else if (run.state !== "running") act("remove", run);
}

/** Acts on the run of a row whose cell has the focus. */
/** @type {Record<string, (run: Run, event: Press, column: string | null) => unknown>} */
const ROW_KEYS = {
  Enter: (run, event, column) => (column === "actions" ? enter(cellOf(event)) : go(run.url)),
  " ": (run, event) => ticks.toggle(run, event.shiftKey),
  e: (run) => act("edit", run),
  F2: (run) => act("edit", run),
  c: (run) => act("again", run),
  Delete: remove,
};

/** The same of a group of runs. @type {Record<string, (group: RunGroup) => unknown>} */
const GROUP_KEYS = { Enter: groups.open, " ": groups.toggle, Delete: () => ticks.size() > 1 && deleteTicked() };

/** @param {HTMLElement | null} cell */
function enter(cell) {
  /** @type {HTMLElement | null | undefined} */ (cell?.querySelector(WITHIN))?.focus();
}

/** Keys while a button or link within a cell has the focus: the arrow keys go from one to the next. @param {Press} event */
function within(event) {
  const cell = cellOf(event);
  if (!cell) return true;
  const items = [.../** @type {NodeListOf<HTMLElement>} */ (cell.querySelectorAll(WITHIN))];
  const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });
  const step = steps[event.key];
  if (step) items[items.indexOf(event.target) + step]?.focus();
  else if (event.key === "Escape") cell.focus();
  if (step || event.key === "Escape") event.preventDefault();
  return event.key.length > 1 || event.key === " "; // letters are the page's keys here too
}

/** Whether a key is ours; does what the key is for. @param {Press} event @param {(id: string) => Row | undefined} rowOf */
function own(event, rowOf) {
  const cell = cellOf(event);
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target.matches(WITHIN)) {
    if (event.key !== "Tab") return within(event);
    cell.focus(); // from where ag-grid leaves the table; by itself the browser would go from row to row
    return false;
  }
  const row = rowOf(cell.closest("[row-id]")?.getAttribute("row-id") ?? "");
  if (event.target !== cell || !row || !(event.key in ("grouped" in row ? GROUP_KEYS : ROW_KEYS))) return false;
  event.preventDefault();
  if ("grouped" in row) GROUP_KEYS[event.key](row.grouped);
  else ROW_KEYS[event.key](row, event, cell.getAttribute("col-id"));
  return true;
}

/**
 * Takes the keys of ours before ag-grid sees them.
 * @param {HTMLElement} table @param {(id: string) => Row | undefined} rowOf the row of an id.
 */
export function listen(table, rowOf) {
  table.addEventListener("keydown", (/** @type {any} */ event) => own(event, rowOf) && event.stopPropagation(), { capture: true });
}

/** Puts the focus on the row that had it last, or on the first; where there is none, on the search, or on what the empty page offers. @param {any} grid ag-grid's API; null: there is no table. */
export function focusRow(grid) {
  const last = !grid || grid.isDestroyed() ? -1 : grid.getDisplayedRowCount() - 1;
  if (last < 0) {
    const places = ["#runs-search", "#runs-empty a"].map((place) => /** @type {HTMLElement | null} */ (document.querySelector(place)));
    places.find((place) => place?.checkVisibility())?.focus();
    return;
  }
  const cell = grid.getFocusedCell();
  grid.setFocusedCell(Math.min(cell?.rowIndex ?? 0, last), cell?.column ?? grid.getAllDisplayedColumns()[0]);
}

/** Where Tab goes from the header: to the first row's cell below, else out of the table. @param {any} params */
export function fromHeader({ backwards, previousHeaderPosition, api }) {
  if (backwards || !api.getDisplayedRowCount()) return false;
  return { headerRowIndex: -1, column: previousHeaderPosition.column };
}

/** Where Tab goes from a cell: out of the table, or back to its header. @param {any} params */
export function fromCell({ backwards, previousCellPosition: { column } }) {
  return backwards ? { rowIndex: -1, column, rowPinned: null } : false;
}

/** @type {Key[]} for the help, which only tells of them: the table itself makes them work. */
export const HELP = [
  ["Tab", "to the table's header, to its rows, and out of it"],
  ["← · ↑ · ↓ · →", "between cells; ↑ from the first row to the header"],
  ["Enter", "on a header: sort; on a row: open the run, or list the group's runs; on its actions: pick one with ← and →"],
  ["Space", "select the run, or the group's runs, for comparison and other actions; with Shift all from the last one on"],
  ["e", "edit name, tags and notes"],
  ["c", "clone the run"],
  ["Delete", "delete the run, after confirmation; with several selected all of these, and u undoes it"],
].map(([shown, words]) => ({ keys: [], shown, words, act() {} }));
