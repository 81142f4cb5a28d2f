/*
 * The columns of the table of runs: its own, and fields of the reader's choice; the address keeps them.
 */

import { FRACTIONS, fractionWords } from "../run-data/accuracy.js";
import { readField } from "../run-data/filters.js";
import { settingWords } from "../run-data/settings.js";
import * as format from "../ui/format.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import { addressOf, columnsOf, OWN, sortModelOf } from "./column-address.js";
import { cellTitle, cellWords, fieldsOf, groupOf, shownFields, sizeTitle, sizeWords } from "./groups.js";
import { FIELD, sortOf } from "./query.js";
import * as rows from "./rows.js";

/** @import { ListedRun } from "../../types/pages" */
/** @import { Shown } from "./column-address.js" */

const WIDTH = 132;
const GROUP_WIDTH = 148;
const FIRST = "ticked"; // where the table begins, and ends
const LAST = "actions";
/** @type {Record<string, string>} */
const TITLES = {
  ...{ tag: "Tags", group: "Group", source: "Source", id: "Id", notes: "Notes", epochs: "Epochs", best_accuracy: "Best accuracy" },
  ...{ archived: "Archived", priority: "Priority", held: "Held", device: "Device", created: "Created", frozen: "Frozen" },
  ...{ accuracy: "Accuracy", state: "State", name: "Name", test_loss: "Test loss", best_test_loss: "Best test loss" },
};

const LOSSES = ["test_loss", "best_test_loss"];

/** The columns that the address names. */
export const shown = () => columnsOf(readQuery());
/** Fields by which runs are grouped; none: a row is a run. */
const by = () => fieldsOf(readQuery().by ?? "");
/** Whether the rows are groups. */
export const areGroups = () => by().length > 0;
/** Their fields, whose values the rows need. */
export const fields = () => (areGroups() ? shownFields(shown(), readQuery().by) : chosenFields());
const chosenFields = () => shown().flatMap(({ id }) => (id.startsWith(FIELD) ? [id.slice(FIELD.length)] : []));

/** A metric's figure in words. @param {string} figure as `readField` has it. */
export const figureWords = (figure) => figure.replace(/^at\./, "at epoch ");

/** What a field's column is called: as short as it can be told from these others. @param {string} field @param {string[]} all */
export function titleOf(field, all) {
  const { kind, name, figure } = readField(field);
  if (kind === "run") return TITLES[name];
  if (kind === "metric") return figure === "last" ? name : `${name} ${figureWords(figure)}`;
  const last = (/** @type {string} */ each) => readField(each).name.split(".").at(-1) ?? each;
  return all.filter((each) => last(each) === last(field)).length > 1 ? name : last(field);
}

/** A field's value in words. @param {string} field @param {unknown} value */
export function fieldWords(field, value) {
  const { kind, name } = readField(field);
  if (value === null || value === undefined || value === "") return format.NOTHING;
  if (kind === "metric" || (kind === "run" && LOSSES.includes(name))) return format.number(/** @type {number} */ (value));
  if (FRACTIONS.includes(kind === "run" ? name : "")) return fractionWords(/** @type {number} */ (value));
  if (kind === "run" && name === "created") return format.moment(/** @type {string} */ (value));
  if (kind === "setting" && (value === "true" || value === "false")) return value === "true" ? "yes" : "no";
  return settingWords(value);
}

/** @param {string} field @param {string[]} all those that are shown. */
function definition(field, all) {
  const words = (/** @type {{value: unknown}} */ { value }) => fieldWords(field, value);
  return {
    colId: FIELD + field,
    headerName: titleOf(field, all),
    headerTooltip: field,
    width: WIDTH,
    valueGetter: (/** @type {{data?: ListedRun}} */ { data }) => data?.values?.[rows.question().fields.indexOf(field)] ?? null,
    valueFormatter: (/** @type {{value: unknown, data?: ListedRun}} */ params) => (params.data ? words(params) : ""),
    tooltipValueGetter: words,
    cellClass: "numeric",
  };
}

/** @param {string} field @param {string[]} all those that are shown. */
function groupDefinition(field, all) {
  const cellOf = (/** @type {any} */ data) => data && groupOf(data)?.cells[rows.question().fields.indexOf(field)];
  const words = (/** @type {any} */ data) => {
    const cell = cellOf(data);
    return cell ? cellWords(field, cell, fieldWords) : "";
  };
  return {
    colId: FIELD + field,
    headerName: titleOf(field, all),
    headerTooltip: field,
    width: GROUP_WIDTH,
    valueGetter: (/** @type {any} */ { data }) => words(data),
    tooltipValueGetter: (/** @type {any} */ { data }) =>
      cellOf(data) ? cellTitle(field, cellOf(data), groupOf(data)?.runs ?? 0, words(data)) : null,
    cellClass: "numeric",
  };
}

/** The columns of groups. */
function groupDefinitions() {
  const all = [...by(), ...fields()];
  const [first, ...others] = by();
  const value = (/** @type {string} */ field) => ({ colId: FIELD + field, headerName: titleOf(field, all), headerTooltip: field });
  return [
    own.get(FIRST),
    { ...value(first), flex: 1, minWidth: 150, cellRenderer: "NeqGroupValue" },
    ...others.map((field, place) => ({
      ...value(field),
      width: WIDTH,
      valueGetter: (/** @type {any} */ { data }) => (data && groupOf(data) ? fieldWords(field, groupOf(data)?.values[place + 1]) : ""),
    })),
    {
      colId: "runs",
      headerName: "Runs",
      width: 84,
      cellClass: "numeric",
      valueGetter: (/** @type {any} */ { data }) => (data && groupOf(data) ? sizeWords(data.grouped) : ""),
      tooltipValueGetter: (/** @type {any} */ { data }) => (data && groupOf(data) ? sizeTitle(data.grouped) : null),
    },
    { colId: "states", headerName: "States", width: 150, sortable: false, cellRenderer: "NeqGroupStates" },
    ...fields().map((field) => groupDefinition(field, all)),
  ];
}

/** The table's own definitions, by column; the grid has them before any field is chosen. @type {Map<string, any>} */
const own = new Map();
let narrow = false;

/** Takes up the table's own columns. @param {any} grid ag-grid's API. */
export function begin(grid) {
  own.clear();
  for (const each of grid.getColumnDefs()) own.set(each.colId, each);
  const order = addressOrder();
  show(grid, order.length ? order : null);
}

/** The columns and the order of another address. @param {any} grid */
export function showAddress(grid) {
  const order = addressOrder();
  show(grid, order.length || areGroups() ? order : [{ colId: "age", sort: "desc" }]);
}

/** What the order can name. */
export const sortable = () =>
  areGroups() ? ["runs", ...[...by(), ...fields()].map((field) => FIELD + field)].map((id) => ({ id, width: null })) : shown();
const addressOrder = () => sortModelOf(readQuery().sort ?? "", sortable());

/** Shows the columns that the address names. @param {any} grid @param {{colId: string, sort: string}[] | null} [order] another one than now. */
export function show(grid, order = null) {
  if (areGroups()) {
    grid.setGridOption("columnDefs", groupDefinitions());
    if (order) grid.applyColumnState({ state: order, defaultState: { sort: null } });
    return;
  }
  const all = fields();
  const defs = [{ id: FIRST, width: null }, ...shown(), { id: LAST, width: null }].map(({ id, width }) => {
    const def = own.get(id) ?? definition(id.slice(FIELD.length), all);
    return width === null ? def : { ...def, width, flex: undefined };
  });
  grid.setGridOption("columnDefs", defs);
  grid.applyColumnState({
    state: [...shown().flatMap(({ id, width }) => (width === null ? [] : [{ colId: id, width, flex: null }])), ...(order ?? [])],
    ...(order ? { defaultState: { sort: null } } : {}),
  });
  if (narrow) hideForNarrow(grid);
}

/** @param {any} grid */
const hideForNarrow = (grid) =>
  grid.setColumnsVisible(
    NARROW_HIDDEN.filter((id) => grid.getColumn(id)),
    !narrow,
  );
const NARROW_HIDDEN = ["setup", "age"];
const NARROW_WIDTHS = { state: 112, progress: 146, frozen: 84, accuracy: 98 };

/** Fits the columns to a narrow window, which leaves out what a run's own page tells as well. @param {any} grid @param {boolean} isNarrow */
export function fit(grid, isNarrow) {
  narrow = isNarrow;
  const widths = Object.fromEntries(shown().map(({ id, width }) => [id, width]));
  const state = Object.entries(NARROW_WIDTHS)
    .filter(([colId]) => grid.getColumn(colId) && !widths[colId])
    .map(([colId, width]) => ({ colId, width: narrow ? width : own.get(colId).width }));
  grid.applyColumnState({ state });
  hideForNarrow(grid);
}

/** Keeps columns in the address. @param {Shown[]} columns */
export const keep = (columns) => writeQuery({ cols: addressOf(columns), columns: null });

/** Keeps what the reader did to the table's header in the address. @param {any} grid ag-grid's API. */
export function listen(grid) {
  grid.addEventListener(
    "columnMoved",
    (/** @type {any} */ event) => event.finished && event.source === "uiColumnMoved" && !areGroups() && keep(moved(grid)),
  );
  grid.addEventListener("columnResized", (/** @type {any} */ event) => {
    if (!event.finished || event.source !== "uiColumnResized" || !event.column || areGroups()) return;
    const id = event.column.getColId();
    keep(shown().map((each) => (each.id === id ? { id, width: event.column.getActualWidth() } : each)));
  });
  grid.addEventListener("sortChanged", () => {
    const state = grid.getColumnState().filter((/** @type {any} */ each) => each.sort);
    writeQuery({ sort: sortOf(state.sort((/** @type {any} */ a, /** @type {any} */ b) => a.sortIndex - b.sortIndex)) || null });
  });
}

/** The columns as the reader dragged them; those that a narrow window leaves out stay behind their former neighbours. @param {any} grid @returns {Shown[]} */
function moved(grid) {
  const before = shown();
  const order = grid.getColumnState().map((/** @type {{colId: string}} */ { colId }) => colId);
  return [...before].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
}

/** Own columns that are not shown. */
export const hiddenOwn = () => OWN.filter((id) => !shown().some((each) => each.id === id));
/** @param {string} id */
export const columnTitle = (id) =>
  id.startsWith(FIELD) ? titleOf(id.slice(FIELD.length), chosenFields()) : (own.get(id)?.headerName ?? id);
