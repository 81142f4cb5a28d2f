/*
 * The page's keyboard: one table, from which the keys work and the help is drawn.
 */

import { element } from "./dom.js";

/** @import { Scope } from "./page-scope.js" */

const TYPED = "input:not([type=range], [type=checkbox]), textarea, select, dialog, [contenteditable], [role=listbox]";
const PRESSED = "button, a, summary, [role=button], [type=checkbox]";

/** @typedef {{keys: string[], shown: string, words: string, act?: (event: KeyboardEvent) => void}} Key */

export class Keys {
  /**
   * @param {Scope} scope
   * @param {Key[]} table `keys` as
   *   KeyboardEvent.key says them, in lower case where shift makes no other key; `act` looks at shift by itself. A row
   *   without keys is only told of: something else makes them work.
   * @param {string} [note] more for the help.
   */
  constructor(scope, table, note = "") {
    this.scope = scope;
    this.table = table;
    this.note = note;
    /** @type {HTMLDialogElement | null} the help, while it is open. */
    this.dialog = null;
    scope.on(document, "keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === " " && target.closest(PRESSED)) return; // the button's own
    if (target.matches("input[type=range]") && /^(Arrow|Home|End)/.test(key)) return;
    const found = this.table.find(({ keys }) => keys.includes(key));
    if (!found) return;
    event.preventDefault();
    found.act?.(event);
  }

  /** Shows all keys. */
  help() {
    if (this.dialog) return this.dialog.close();
    const rows = this.table.flatMap(({ shown, words }) => [
      element("dt", {}, ...shown.split(" ").map((key) => (key === "·" ? " " : element("kbd", {}, key)))),
      element("dd", {}, words),
    ]);
    const close = element("button.button", { value: "close" }, "Close");
    const dialog = element(
      "dialog.question.keys-help",
      { "aria-labelledby": "keys-title" },
      element("h2", { id: "keys-title" }, "Keyboard shortcuts"),
      element("dl.keys", {}, ...rows),
      this.note && element("p", {}, this.note),
      element("form.question-buttons", { method: "dialog" }, close),
    );
    this.dialog = dialog;
    dialog.addEventListener("close", () => {
      this.dialog = null;
      dialog.remove();
    });
    dialog.addEventListener("keydown", (event) => event.key === "?" && dialog.close());
    this.scope.finally(() => dialog.close());
    document.body.append(dialog);
    return dialog.showModal();
  }
}
