/*
 * What the reader wants to save of a figure: which kind of file, how large.
 */

import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import { SIZES } from "./paper.js";

/** @import { Scope } from "../ui/page-scope.js" */

const KEPT = "neq-saved-figure";
export const KINDS = { svg: "SVG (vector)", png: "PNG", csv: "Data (CSV)" };

/** @typedef {{kind: keyof typeof KINDS, size: string}} Choice */

/** What was chosen last, here or in another tab. @returns {Choice} */
export function lastChoice() {
  try {
    const { kind, size } = JSON.parse(localStorage.getItem(KEPT) ?? "{}") ?? {};
    return { kind: Object.hasOwn(KINDS, kind) ? kind : "svg", size: Object.hasOwn(SIZES, size) ? size : "column" };
  } catch {
    return { kind: "svg", size: "column" }; // a browser may refuse to keep things, or kept something else
  }
}

/** @param {Choice} choice */
function keep(choice) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(choice));
  } catch {
    // it is chosen anew next time
  }
}

/** @param {string} name @param {string} title @param {Record<string, string>} choices @param {string} chosen */
function radios(name, title, choices, chosen) {
  const choice = (/** @type {[string, string]} */ [value, words]) =>
    element("label", {}, element("input", { type: "radio", name, value, checked: value === chosen }), ` ${words}`);
  return element("fieldset", {}, element("legend", {}, title), ...Object.entries(choices).map(choice));
}

/**
 * Asks what to save; null: nothing.
 * @param {Scope} scope @param {string} title of the figure. @returns {Promise<Choice | null>}
 */
export const askChoice = (scope, title) =>
  new Promise((resolve) => {
    const last = lastChoice();
    const names = Object.fromEntries(Object.entries(SIZES).map(([size, { name }]) => [size, name]));
    const sizes = radios("size", "Size", names, last.size);
    const form = element(
      "form",
      { method: "dialog" },
      element("div.save-choices", {}, radios("kind", "File", KINDS, last.kind), sizes),
      element(
        "div.question-buttons",
        {},
        element("button.button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
        element("button.button.button-primary", { value: "save" }, "Save"),
      ),
    );
    const chosen = () => /** @type {Choice} */ (Object.fromEntries(new FormData(form)));
    const dial = () => sizes.toggleAttribute("disabled", chosen().kind === "csv");
    form.addEventListener("change", dial);
    dial();
    const dialog = element(
      "dialog.question.save-question",
      { "aria-labelledby": "save-title" },
      element("h2", { id: "save-title" }, "Save figure"),
      element("p.muted", {}, title),
      form,
    );
    dialog.addEventListener("close", () => {
      const choice = dialog.returnValue ? { ...last, ...chosen() } : null;
      if (choice) keep(choice);
      resolve(choice);
    });
    open(scope, dialog);
    /** @type {HTMLInputElement | null} */ (form.querySelector("input:checked"))?.focus();
  });
