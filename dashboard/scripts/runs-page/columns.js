/*
 * Columns of the reader's choice in the table of runs: any setting of any run's configuration, kept in the address.
 */

import { settings, settingWords } from "../run-data/settings.js";
import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { readQuery, writeQuery } from "../ui/url-state.js";

/** @import { Run } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */

const KEY = "columns";
const PREFIX = "setting:";
const BEFORE = "age"; // they stand before this column
const WIDTH = 132;
const MOST_LISTED = 300;

/** Paths as the address has them, each encoded for itself; what cannot be read is none. @param {string} text @returns {string[]} */
export function pathsOf(text) {
  return text.split(",").flatMap((part) => {
    try {
      return part ? [decodeURIComponent(part)] : [];
    } catch {
      return [];
    }
  });
}

/** The chosen settings, by path. */
export const chosen = () => pathsOf(readQuery()[KEY] ?? "");

/** Settings by path, of each configuration that was looked at: a sorted table asks for the same ones again and again. */
const known = /** @type {WeakMap<object, Map<string, unknown>>} */ (new WeakMap());

/** @param {object} config @param {string} path with a dot before each group within a group. */
function valueAt(config, path) {
  const found = known.get(config) ?? new Map(settings(config));
  known.set(config, found);
  return found.get(path);
}

/** Numbers by size, everything else by its words, and what a run does not have last. @param {unknown} a @param {unknown} b */
export function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [first, second] = [a ?? null, b ?? null];
  if (first === null || second === null) return Number(first === null) - Number(second === null);
  return settingWords(first).localeCompare(settingWords(second), "en", { numeric: true });
}

/** A path's last part, unless another of these ends alike. @param {string} path @param {string[]} all */
function titleOf(path, all) {
  const last = (/** @type {string} */ each) => each.split(".").at(-1) ?? each;
  return all.filter((each) => last(each) === last(path)).length > 1 ? path : last(path);
}

/** @param {string} path @param {string[]} all those that are shown. */
const column = (path, all) => ({
  colId: PREFIX + path,
  headerName: titleOf(path, all),
  headerTooltip: `Setting ${path}`,
  width: WIDTH,
  valueGetter: (/** @type {{data?: Run}} */ { data }) => (data ? valueAt(data.config, path) : undefined),
  valueFormatter: (/** @type {{value: unknown}} */ { value }) => settingWords(value),
  tooltipValueGetter: (/** @type {{value: unknown}} */ { value }) => settingWords(value),
  comparator: compare,
  cellClass: "numeric",
});

/** Shows the columns that the address names. @param {any} grid ag-grid's API. */
export function show(grid) {
  const paths = chosen();
  const own = grid.getColumnDefs().filter((/** @type {{colId: string}} */ { colId }) => !colId.startsWith(PREFIX));
  const place = own.findIndex((/** @type {{colId: string}} */ { colId }) => colId === BEFORE);
  grid.setGridOption("columnDefs", [...own.slice(0, place), ...paths.map((path) => column(path, paths)), ...own.slice(place)]);
}

/**
 * The settings of these runs, those that differ first.
 * @param {Iterable<Run>} runs @returns {{path: string, runs: number, differs: boolean}[]}
 */
export function listed(runs) {
  const found = /** @type {Map<string, {runs: number, words: Set<string>}>} */ (new Map());
  for (const { config } of runs) {
    for (const [path, value] of settings(config)) {
      const known = found.get(path) ?? { runs: 0, words: new Set() };
      found.set(path, known);
      known.runs += 1;
      if (known.words.size < 2) known.words.add(settingWords(value));
    }
  }
  return [...found]
    .map(([path, { runs: count, words }]) => ({ path, runs: count, differs: words.size > 1 }))
    .sort((a, b) => Number(b.differs) - Number(a.differs) || (a.path < b.path ? -1 : 1));
}

/**
 * A setting to choose.
 * @param {ReturnType<typeof listed>[number]} setting @param {boolean} checked @param {(on: boolean) => void} changed
 */
function row({ path, runs, differs }, checked, changed) {
  const box = element("input", { type: "checkbox", checked, onchange: () => changed(box.checked) });
  const words = `${format.counted(runs, "run")}${differs ? ", values differ" : ""}`;
  return element("label.columns-row", {}, box, element("span.columns-path", {}, path), element("span.muted", {}, words));
}

/** What the list leaves out. @param {number} found */
function leftOut(found) {
  if (!found) return "No setting has that name.";
  return found > MOST_LISTED ? `${format.count(found - MOST_LISTED)} more: search to narrow them down.` : "";
}

/** @param {() => void} clear @param {...HTMLElement} inside */
function dialogOf(clear, ...inside) {
  const buttons = [
    element("button.button", { type: "button", onclick: clear }, "Clear"),
    element("button.button.button-primary", { value: "done" }, "Done"),
  ];
  return element(
    "dialog.question.columns-dialog",
    { "aria-labelledby": "columns-title" },
    element("h2", { id: "columns-title" }, "Columns"),
    element("p.muted", {}, "Settings of the runs' configurations; the address keeps your choice."),
    ...inside,
    element("form.question-buttons", { method: "dialog" }, ...buttons),
  );
}

/** Lets the reader choose. @param {Scope} scope @param {any} grid ag-grid's API. @param {Iterable<Run>} runs */
export function choose(scope, grid, runs) {
  const all = listed(runs);
  const taken = new Set(chosen());
  const list = element("div.columns-list", { role: "group", "aria-label": "Settings" });
  const more = element("p.muted.columns-more", { role: "status" });
  const search = element("input", { type: "search", placeholder: "Search settings", "aria-label": "Search settings", autocomplete: "off" });
  const apply = () => {
    writeQuery({ [KEY]: taken.size ? [...taken].map(encodeURIComponent).join(",") : null });
    show(grid);
  };
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = all.filter(({ path }) => path.toLowerCase().includes(wanted));
    const choice = (/** @type {typeof all[number]} */ setting) =>
      row(setting, taken.has(setting.path), (on) => {
        taken[on ? "add" : "delete"](setting.path);
        apply();
      });
    list.replaceChildren(...found.slice(0, MOST_LISTED).map(choice));
    more.textContent = leftOut(found.length);
  };
  search.addEventListener("input", draw);
  const clear = () => {
    taken.clear();
    apply();
    draw();
  };
  draw();
  open(scope, dialogOf(clear, search, list, more));
}
