/*
 * The page of all runs: what its table is asked for, what changes live, and how its columns fit the window.
 */

import * as live from "../api/live.js";
import { setProps } from "../ui/dash.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { at } from "../ui/routes.js";
import { go, onLeave } from "../ui/shell.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import * as views from "../ui/views-dialog.js";
import { forgetLeftOut } from "./address-left-out.js";
import { Bulk } from "./bulk.js";
import * as columns from "./columns.js";
import { choose as chooseColumnsIn } from "./columns-dialog.js";
import * as earlyPress from "./early-press.js";
import { FilterBox } from "./filter-box.js";
import { GroupBox } from "./group-box.js";
import * as groups from "./groups.js";
import * as address from "./page-address.js";
import { pageKeys } from "./page-keys.js";
import * as paper from "./paper.js";
import { ALL, isNarrowed } from "./query.js";
import { QueueButton } from "./queue-dialog.js";
import * as rows from "./rows.js";
import { askTable } from "./table-file.js";
import * as tableKeys from "./table-keys.js";
import * as ticks from "./ticks.js";

/** @import { Shown } from "./column-address.js" */
/** @import { Asked } from "./query.js" */

const REFRESH_MS = 5_000; // ages and times left move on by themselves
const TYPED_MS = 150;
const MOST_COMPARED = 50;
const NARROW_PX = 1000;

let visit = 0; // counts arrivals, so that late answers of a former one are dropped
/** @type {any} ag-grid's API. */
let grid = null;
/** @type {Keys | null} */
let keys = null;
/** @type {Bulk | null} */
let bulk = null;
/** @type {FilterBox | null} */
let filter = null;
/** @type {GroupBox | null} */
let grouping = null;
/** @type {QueueButton | null} */
let queue = null;

/** @param {string} text */
const say = (text) => {
  const place = document.getElementById("runs-loading");
  if (place) place.textContent = text;
};

/** @param {boolean} empty whether there is no run at all. */
function showEmpty(empty) {
  const filled = document.getElementById("runs-filled");
  const nothing = document.getElementById("runs-empty");
  const held = (empty ? filled : nothing)?.contains(document.activeElement);
  if (filled) filled.hidden = empty;
  if (nothing) nothing.hidden = !empty;
  if (held) tableKeys.focusRow(grid);
}

/** What came of the latest block. @param {Error | null} problem @param {number | null} matching @param {boolean} [rowGone] with the focus in it. */
function told(problem, matching, rowGone = false) {
  say(problem ? `${problem.message} The table may be incomplete.` : "");
  grid.setGridOption("loading", false);
  if (matching === null) return;
  bulk?.setMatching(matching);
  const none = matching === 0;
  showEmpty(none && !isNarrowed(rows.question()));
  const nothing = document.getElementById("runs-none");
  if (nothing) nothing.hidden = !none;
  if (rowGone) tableKeys.focusRow(grid);
}

/** Hears of every run from now on. @returns {() => void} stops it. */
function follow() {
  let lost = false;
  const watching = live.subscribeRuns({
    onRun(run) {
      showEmpty(false);
      queue?.soon();
      rows.put(run);
    },
    onDeleted(id) {
      ticks.drop([id]);
      queue?.soon();
      rows.refresh();
    },
  });
  const forget = live.onStatus((status) => {
    if (status === "live" && lost) rows.refresh();
    lost = status === "lost" || status === "refused" || (lost && status !== "live");
  });
  return () => {
    watching.close();
    forget();
  };
}

function showAll() {
  setProps("runs-search", { value: "" });
  address.press("");
  filter?.show("");
  address.change({ state: "", search: "", where: "" });
}

// ---------------------------------------------------------------- the table

function fitColumns() {
  const table = document.getElementById(rows.TABLE);
  if (!table || !grid || grid.isDestroyed()) return;
  const narrow = table.clientWidth < NARROW_PX;
  if (table.classList.contains("runs-narrow") === narrow && table.dataset.fitted) return;
  table.dataset.fitted = "yes";
  table.classList.toggle("runs-narrow", narrow);
  columns.fit(grid, narrow);
}

/** Called by Dash when the table's frame is drawn. */
export async function begin() {
  const now = ++visit;
  const scope = new Scope();
  onLeave(() => {
    visit += 1;
    scope.end();
    earlyPress.hold();
  });
  grid = null;
  keys = null;
  address.begin({ grid, filter, grouping }, say);
  rows.begin(null);
  ticks.begin(null);
  rows.ask(address.fromAddress());
  const api = await window.dash_ag_grid.getApiAsync(rows.TABLE);
  // Dash's own source of rows is put into the table a moment after it is there, and would take the place of ours.
  while (now === visit && !api.isDestroyed() && !api.getGridOption("datasource")) await new Promise((resolve) => setTimeout(resolve));
  if (now !== visit) return "runs-table";
  grid = api;
  fillTable(scope);
  return "runs-table";
}

/** The table is there. @param {Scope} scope */
function fillTable(scope) {
  grid.setGridOption("loading", true);
  rows.begin(grid, told);
  ticks.begin(grid, showTicked);
  columns.begin(grid);
  columns.listen(grid);
  forgetLeftOut();
  address.mendAddress();
  const table = /** @type {HTMLElement} */ (document.getElementById(rows.TABLE));
  tableKeys.listen(table, rows.rowOfId);
  tableKeys.whenDeleted(() => bulk?.deleteSoon());
  table.querySelector("[role=grid]")?.setAttribute("aria-label", "Runs");
  scope.watchSize(table, fitColumns);
  paper.listen(scope);
  scope.finally(follow());
  scope.finally(() => rows.begin(null));
  scope.every(REFRESH_MS, () => {
    if (!grid.isDestroyed()) grid.refreshCells({ columns: ["progress", "age"], force: true });
  });
  const chooseColumns = () => chooseColumnsIn(scope, showColumns);
  scope.on(/** @type {HTMLElement} */ (document.getElementById("runs-columns")), "click", chooseColumns);
  const chooseViews = () =>
    views.choose(scope, { page: "runs", home: "/", what: "the filter, the order and the columns that the address has", show: showView });
  scope.on(/** @type {HTMLElement} */ (document.getElementById("runs-views")), "click", chooseViews);
  const save = () => bulk && askTable(scope, bulk.matching);
  scope.on(/** @type {HTMLElement} */ (document.getElementById("runs-save")), "click", save);
  keys = new Keys(scope, [...tableKeys.HELP, ...pageKeys(actions(chooseColumns, chooseViews))]);
  filter = new FilterBox(scope, /** @type {HTMLElement} */ (document.getElementById("runs-filter")), (where) => address.change({ where }));
  grouping = new GroupBox(scope, /** @type {HTMLElement} */ (document.getElementById("runs-group")), groupBy);
  groups.whenOpened((group) => showView(groups.queryOfRuns(new URLSearchParams(location.search), group)));
  const toTable = () => tableKeys.focusRow(grid);
  bulk = new Bulk(scope, /** @type {HTMLElement} */ (document.getElementById("runs-bulk")), toTable);
  queue = new QueueButton(scope, /** @type {HTMLElement} */ (document.getElementById("runs-queue")), rows.refresh);
  address.begin({ grid, filter, grouping }, say);
  scope.finally(() => {
    filter = null;
    grouping = null;
    bulk = null;
    queue = null;
    address.begin({ grid, filter, grouping }, say);
  });
  address.askAtFirst();
  earlyPress.release();
}

/** Shows other columns, once their values are there. @param {Shown[]} shown */
async function showColumns(shown) {
  columns.keep(shown);
  const { fields } = rows.question();
  if (columns.fields().join() !== fields.join()) await address.ask({ fields: columns.fields() });
  if (!grid.isDestroyed()) columns.show(grid);
}

/** Shows groups of runs, or runs again. @param {string} by @returns why it was refused. */
async function groupBy(by) {
  const [before, { sort }] = [rows.question().by, readQuery()];
  writeQuery({ by: by || null, sort: null });
  const problem = await address.change({ by, fields: columns.fields() });
  if (problem) writeQuery({ by: before || null, sort: sort ?? null });
  else if (!grid.isDestroyed()) columns.showAddress(grid);
  return problem;
}

/** Shows what another query asks for. @param {string} query of the page's address. */
async function showView(query) {
  if (grid.isDestroyed()) return;
  history.pushState(history.state, "", location.pathname + (query ? `?${query}` : ""));
  forgetLeftOut();
  address.mendAddress();
  const asked = { ...rows.question(), ...address.fromAddress(), fields: columns.fields() };
  filter?.show(asked.where);
  grouping?.show(asked.by);
  await address.askOrAll(asked);
  if (!grid.isDestroyed()) columns.showAddress(grid);
}

/** What the page's keys do. @param {() => void} chooseColumns @param {() => void} chooseViews */
const actions = (chooseColumns, chooseViews) => ({
  filter: () => filter?.focus(),
  group: () => grouping?.focus(),
  selectAll: () => bulk?.selectAll(),
  bulk: () => bulk?.focus(),
  compare,
  undo: () => bulk?.undo(),
  views: chooseViews,
  columns: chooseColumns,
  queue: () => queue?.open(),
  help: () => keys?.help(),
});

/** Opens the ticked runs side by side, where they are as many as can be. */
function compare() {
  if (canCompare()) go(`/compare?runs=${ticks.ids().join(",")}`);
}
const canCompare = () => ticks.size() >= 2 && ticks.size() <= MOST_COMPARED;

function showTicked() {
  const number = ticks.size();
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("runs-compare"));
  const fits = canCompare();
  button.textContent = number ? `Compare ${number}` : "Compare";
  button.title = fits ? "" : `Select 2 to ${MOST_COMPARED} runs with their checkboxes`;
  button.classList.toggle("button-primary", fits);
  button.disabled = !fits;
  bulk?.draw();
}

/** @param {MouseEvent} event */
function clicked(event) {
  const at = /** @type {HTMLElement} */ (event.target);
  const chip = /** @type {HTMLElement | null} */ (at.closest?.("#runs-states .runs-chip"));
  if (chip) {
    address.press(chip.dataset.state ?? "");
    address.change({ state: chip.dataset.state ?? "" });
  }
  if (at.id === "runs-show-all") showAll();
  if (at.id === "runs-keys") keys?.help();
  if (at.id === "runs-compare") compare();
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

/** @param {Event} event */
function typed({ target }) {
  const input = /** @type {HTMLInputElement} */ (target);
  if (input.id !== "runs-search") return;
  clearTimeout(typing);
  typing = setTimeout(() => input.isConnected && address.change({ search: input.value }), grid ? TYPED_MS : 0);
}

/** The first rows are asked for before Dash has drawn the page that shows them. */
function askEarly() {
  if (location.pathname !== at("/")) return;
  const { state = "", search = "", where = "", by = "", sort = "" } = readQuery();
  rows.askEarly({ ...ALL, state, search, where, by: by.trim(), fields: columns.fields() }, sort);
}

/** Listens for what Dash does not: chips and buttons that the layout draws as plain HTML, and keys as they are pressed. */
export function start() {
  askEarly();
  earlyPress.listen();
  document.addEventListener("click", clicked);
  document.addEventListener("input", typed);
}
