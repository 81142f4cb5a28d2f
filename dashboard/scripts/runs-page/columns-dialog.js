/*
 * The dialog in which columns are chosen and put in order.
 */

import * as api from "../api/runs.js";
import { readField } from "../run-data/filters.js";
import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { OWN } from "./column-address.js";
import * as columns from "./columns.js";
import { FIELD } from "./query.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { FilterFields } from "../../types/api" */
/** @import { Shown } from "./column-address.js" */

const FIGURES = ["last", "min", "max", "best"];
const MOST_LISTED = 300;
const TYPED_MS = 150;
/** Own fields that have a column already. */
const SHOWN_ANYWAY = ["state", "name", "created", "accuracy", "frozen"];

/** @typedef {{field: string, label: string, kind: string}} Choice */

/** @param {FilterFields["fields"][number]} field @param {number | null} epoch @returns {Choice[]} */
function choicesOf({ field, kind }, epoch) {
  const figures = epoch === null ? FIGURES : [...FIGURES, `at.${epoch}`];
  if (kind === "metric") {
    const label = (/** @type {string} */ figure) => `${readField(`${field}.last`).name} ${columns.figureWords(figure)}`;
    return figures.map((figure) => ({ field: `${field}.${figure}`, label: label(figure), kind }));
  }
  return SHOWN_ANYWAY.includes(field) ? [] : [{ field, label: readField(field).name, kind }];
}

/**
 * What can be chosen among fields, metrics figure by figure, also at an epoch where one is given.
 * @param {FilterFields["fields"]} fields @param {number | null} [epoch]
 */
export const choices = (fields, epoch = null) => fields.flatMap((field) => choicesOf(field, epoch));

/** The epoch that was typed; null: none. @param {string} text */
export const epochOf = (text) => (/^\d{1,7}$/.test(text.trim()) ? Number(text) : null);

/** What the list leaves out. @param {number} found @param {boolean} more the server has others. */
function leftOut(found, more) {
  if (!found) return "Nothing recorded has that name.";
  if (found > MOST_LISTED) return `${format.count(found - MOST_LISTED)} more: search to narrow them down.`;
  return more ? "There are more: search to narrow them down." : "";
}

/** A column that is shown, with its place. @param {Shown} column @param {(step: number) => void} move @param {() => void} remove @param {[boolean, boolean]} ends */
function shownRow({ id }, move, remove, [first, last]) {
  const title = columns.columnTitle(id);
  const button = (/** @type {string} */ words, /** @type {string} */ sign, /** @type {() => void} */ act, disabled = false) =>
    element(
      "button.columns-button",
      { type: "button", onclick: act, disabled, "aria-label": `${words}: ${title}`, title: words, "data-act": words },
      sign,
    );
  const path = id.startsWith(FIELD) && id.slice(FIELD.length) !== title ? element("span.muted", {}, id.slice(FIELD.length)) : null;
  return element(
    "li.columns-shown-row",
    { "data-id": id },
    element("span.columns-path", {}, title, path && " ", path),
    button("Move left", "↑", () => move(-1), first),
    button("Move right", "↓", () => move(1), last),
    button("Remove", "×", remove, id === "name"),
  );
}

/** @param {HTMLElement} list @param {Shown[]} shown @param {(shown: Shown[], focus: {id: string, act: string} | null) => void} change */
function drawShown(list, shown, change) {
  const row = (/** @type {Shown} */ column, /** @type {number} */ place) => {
    const move = (/** @type {number} */ step) => {
      const next = shown.filter((each) => each !== column);
      next.splice(place + step, 0, column);
      change(next, { id: column.id, act: step < 0 ? "Move left" : "Move right" });
    };
    const remove = () =>
      change(
        shown.filter((each) => each !== column),
        null,
      );
    return shownRow(column, move, remove, [place === 0, place === shown.length - 1]);
  };
  list.replaceChildren(...shown.map(row));
}

/** @param {string} label @param {string} kind @param {boolean} checked @param {(on: boolean) => void} changed */
function choiceRow(label, kind, checked, changed) {
  const box = element("input", { type: "checkbox", checked, onchange: () => changed(box.checked) });
  const words = { setting: "setting", metric: "metric", own: "column" }[kind] ?? "run";
  return element("label.columns-row", {}, box, element("span.columns-path", {}, label), element("span.muted", {}, words));
}

/** @param {() => void} reset @param {...HTMLElement} inside */
function dialogOf(reset, ...inside) {
  const buttons = [
    element("button.button", { type: "button", onclick: reset }, "Reset"),
    element("button.button.button-primary", { value: "done" }, "Done"),
  ];
  return element(
    "dialog.question.columns-dialog",
    { "aria-labelledby": "columns-title" },
    element("h2", { id: "columns-title" }, "Columns"),
    element("p.muted", {}, "The address keeps your choice. Columns can be dragged and widened in the table too."),
    ...inside,
    element("form.question-buttons", { method: "dialog" }, ...buttons),
  );
}

/**
 * Lets the reader choose.
 * @param {Scope} scope @param {(shown: Shown[]) => void} apply
 */
export function choose(scope, apply) {
  const dialogScope = scope.child();
  const shownList = element("ol.columns-shown", { "aria-label": "Shown columns" });
  const list = element("div.columns-list", { role: "group", "aria-label": "Fields" });
  const more = element("p.muted.columns-more", { role: "status" });
  const search = element("input", {
    type: "search",
    placeholder: "Search settings and metrics",
    "aria-label": "Search settings and metrics",
    autocomplete: "off",
  });
  const epoch = element("input", { type: "number", min: "0", max: "9999999", step: "1", placeholder: "n", "aria-label": "Epoch" });
  const atEpoch = element("label.columns-epoch", {}, "Metrics also at epoch ", epoch);
  let found = /** @type {FilterFields} */ ({ fields: [], more: false, values: null });
  /** @type {(shown: Shown[], focus?: {id: string, act: string} | null) => void} */
  const change = (shown, focus = null) => {
    apply(shown);
    draw();
    if (!focus) return;
    const row = /** @type {HTMLElement} */ (
      [...shownList.children].find((each) => /** @type {HTMLElement} */ (each).dataset.id === focus.id)
    );
    const buttons = /** @type {HTMLButtonElement[]} */ ([...row.querySelectorAll("button:not(:disabled)")]);
    (buttons.find((button) => button.dataset.act === focus.act) ?? buttons[0]).focus();
  };
  const draw = () => {
    const shown = columns.shown();
    drawShown(shownList, shown, change);
    const wanted = search.value.trim().toLowerCase();
    const own = OWN.map((id) => ({ id, label: columns.columnTitle(id), kind: "own" }));
    const all = [...own, ...choices(found.fields, epochOf(epoch.value)).map(({ field, ...each }) => ({ ...each, id: FIELD + field }))];
    const listed = all.filter(({ label }) => label.toLowerCase().includes(wanted));
    const row = (/** @type {typeof all[number]} */ { id, label, kind }) =>
      choiceRow(
        label,
        kind,
        shown.some((each) => each.id === id),
        (on) => change(toggled(columns.shown(), id, on)),
      );
    const focused = document.activeElement?.closest(".columns-row")
      ? [...list.children].indexOf(/** @type {Element} */ (document.activeElement.closest(".columns-row")))
      : -1;
    list.replaceChildren(...listed.slice(0, MOST_LISTED).map(row));
    /** @type {HTMLElement | null | undefined} */ (list.children[focused]?.querySelector("input"))?.focus();
    more.textContent = leftOut(listed.length, found.more);
  };
  const read = async () => {
    const answer = await api.fields({ limit: "500" }).catch((/** @type {Error} */ problem) => problem);
    if (dialogScope.ended) return;
    if (answer instanceof Error) more.textContent = answer.message;
    else {
      found = answer;
      draw();
    }
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  for (const input of [search, epoch])
    input.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(draw, TYPED_MS);
    });
  const reset = () => change(OWN.map((id) => ({ id, width: null })));
  draw();
  const dialog = dialogOf(reset, shownList, search, list, more, atEpoch);
  dialog.addEventListener("close", () => dialogScope.end());
  open(scope, dialog);
  search.focus();
  read();
}

/** @param {Shown[]} shown @param {string} id @param {boolean} on @returns {Shown[]} a column that is added stands before Created. */
function toggled(shown, id, on) {
  if (!on) return shown.filter((each) => each.id !== id);
  const place = shown.findIndex((each) => each.id === "age");
  const at = place < 0 || OWN.includes(id) ? shown.length : place;
  return [...shown.slice(0, at), { id, width: null }, ...shown.slice(at)];
}
