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
