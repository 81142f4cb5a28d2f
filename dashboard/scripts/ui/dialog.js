/*
 * A question before something is done.
 */

import { element } from "./dom.js";

/** @import { Scope } from "./page-scope.js" */

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
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    scope.finally(() => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  });
