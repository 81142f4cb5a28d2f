/*
 * A question before something is done.
 */

import { element } from "./dom.js";

/** @import { Scope } from "./page-scope.js" */

/** Opens a dialog over the page; it goes with the page, or once it is closed. @param {Scope} scope @param {HTMLDialogElement} dialog */
export function open(scope, dialog) {
  dialog.addEventListener("close", () => dialog.remove());
  scope.finally(() => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * Asks before something is done.
 *
 * @param {Scope} scope
 * @param {{title: string, words: string, action: string}} question
 * @returns {Promise<boolean>} whether the reader agreed.
 */
export const confirm = (scope, { title, words, action }) =>
  new Promise((resolve) => {
    const dialog = element(
      "dialog.question",
      { "aria-labelledby": "question-title" },
      element("h2", { id: "question-title" }, title),
      element("p", {}, words),
      element(
        "form.question-buttons",
        { method: "dialog" },
        element("button.button", { value: "no" }, "Cancel"),
        element("button.button.button-danger", { value: "yes" }, action),
      ),
    );
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    open(scope, dialog);
  });

/**
 * Asks for a line of text.
 *
 * @param {Scope} scope
 * @param {{title: string, label: string, actions: [value: string, words: string][], words?: string, input?: object}} question
 *   the first action is Enter's; `words`: what comes of it; `input`: attributes of what is typed into, if it is not any text.
 * @returns {Promise<{action: string, text: string} | null>} null: the reader cancelled.
 */
export const askText = (scope, { title, label, actions, words = "", input: typed = {} }) =>
  new Promise((resolve) => {
    const input = element("input", { type: "text", maxlength: "200", autocomplete: "off", ...typed });
    const buttons = actions.map(([value, words], place) => element(`button.button${place ? "" : ".button-primary"}`, { value }, words));
    const cancel = element("button.button", { type: "button", onclick: () => dialog.close("") }, "Cancel");
    const dialog = element(
      "dialog.question.text-question",
      { "aria-labelledby": "text-question-title" },
      element("h2", { id: "text-question-title" }, title),
      words && element("p", {}, words),
      element("form", { method: "dialog" }, element("label", {}, label, input), element("div.question-buttons", {}, ...buttons, cancel)),
    );
    dialog.addEventListener("close", () => resolve(dialog.returnValue ? { action: dialog.returnValue, text: input.value } : null));
    open(scope, dialog);
  });
