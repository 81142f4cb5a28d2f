/*
 * The table of runs on paper: the rows that are loaded as a plain table, for the grid has but what fits the screen.
 */

import { accuracyOf, fractionWords } from "../run-data/accuracy.js";
import * as timing from "../run-data/timing.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onPrint } from "../ui/print.js";
import * as columns from "./columns.js";
import { FIELD } from "./query.js";
import * as rows from "./rows.js";

/** @import { ListedRun } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */

/** The table's own columns in words. @type {Record<string, (run: ListedRun) => string>} */
const OWN = {
  state: ({ state }) => state,
  name: ({ name, tags }) => [name, ...tags].join(" · "),
  progress: (run) => (run.state === "queued" ? format.NOTHING : timing.doneWords(run)),
  frozen: ({ frozen_fraction: frozen }) => format.percent(frozen),
  accuracy: (run) => fractionWords(accuracyOf(run)),
  setup: ({ source, config }) =>
    source === "launched"
      ? ["optimizer", "model", "data"].map((part) => /** @type {Record<string, any>} */ (config)?.[part]?.kind ?? "").join(" · ")
      : "external",
  age: ({ created_at: created }) => format.moment(created),
};

/** @param {ListedRun} run @param {string} column */
function words(run, column) {
  if (!column.startsWith(FIELD)) return OWN[column](run);
  const field = column.slice(FIELD.length);
  return columns.fieldWords(field, run.values?.[rows.question().fields.indexOf(field)] ?? null);
}

function table() {
  const shown = columns.shown().map(({ id }) => id);
  const heads = shown.map((column) => element("th", { scope: "col" }, columns.columnTitle(column)));
  const lines = rows.loaded().map((run) => element("tr", {}, ...shown.map((column) => element("td", {}, words(run, column)))));
  return element("table.paper-table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines));
}

/** Prints the table in the grid's place. @param {Scope} scope */
export function listen(scope) {
  /** @type {HTMLElement | null} */
  let printed = null;
  const toggle = (/** @type {boolean} */ onPaper) => {
    printed?.remove();
    printed = onPaper ? table() : null;
    if (printed) document.getElementById(rows.TABLE)?.after(printed);
  };
  scope.finally(onPrint(toggle));
  scope.finally(() => printed?.remove());
}
