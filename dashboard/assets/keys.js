"use strict";
/*
 * neq.Keys: the page's keyboard: one table, from which the keys work and the help is drawn.
 */
(() => {
  const { neq } = window;
  const TYPED = "input:not([type=range]), textarea, select, dialog, [contenteditable], [role=listbox]";
  const FAR = 10;
  const PRESSED = "button, a, summary, [role=button]";

  /** @typedef {{keys: string[], shown: string, words: string, act: (event: KeyboardEvent) => void}} Key */

  class Keys {
    /**
     * @param {neq.Scope} scope
     * @param {Key[]} table `keys` as
     *   KeyboardEvent.key says them, in lower case where shift makes no other key; `act` looks at shift by itself. A row
     *   without keys is only told of: something else makes them work.
     * @param {string} [note] more for the help.
     */
    constructor(scope, table, note = "") {
      this.scope = scope;
      this.table = table;
      this.note = note;
      /** @type {any} the help, while it is open. */
      this.dialog = null;
      scope.on(document, "keydown", (/** @type {KeyboardEvent & {target: HTMLElement}} */ event) => this.#key(event));
    }

    /** @param {KeyboardEvent & {target: HTMLElement}} event */
    #key(event) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPED)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (key === " " && event.target.closest(PRESSED)) return; // the button's own
      if (event.target.matches("input[type=range]") && /^(Arrow|Home|End)/.test(key)) return;
      const found = this.table.find(({ keys }) => keys.includes(key));
      if (!found) return;
      event.preventDefault();
      found.act(event);
    }

    /** Shows all keys. */
    help() {
      if (this.dialog) return this.dialog.close();
      const rows = this.table.flatMap(({ shown, words }) => [
        neq.element("dt", {}, ...shown.split(" ").map((/** @type {string} */ key) => (key === "·" ? " " : neq.element("kbd", {}, key)))),
        neq.element("dd", {}, words),
      ]);
      const close = neq.element("button.button", { value: "close" }, "Close");
      const dialog = neq.element(
        "dialog.question.keys-help",
        { "aria-labelledby": "keys-title" },
        neq.element("h2", { id: "keys-title" }, "Keyboard shortcuts"),
        neq.element("dl.keys", {}, ...rows),
        this.note && neq.element("p", {}, this.note),
        neq.element("form.question-buttons", { method: "dialog" }, close),
      );
      this.dialog = dialog;
      dialog.addEventListener("close", () => {
        this.dialog = null;
        dialog.remove();
      });
      dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "?" && dialog.close());
      this.scope.finally(() => dialog.close());
      document.body.append(dialog);
      return dialog.showModal();
    }
  }

  neq.Keys = Keys;

  /** The keys of a run's page. @param {any} page @returns {Key[]} */
  neq.runKeys = (page) => {
    const { cursor, parts } = page;
    /** @param {KeyboardEvent} event */
    const step = (event) => (event.shiftKey ? FAR : 1);
    return [
      { keys: ["ArrowLeft"], shown: "←", words: "one epoch back; with Shift ten", act: (event) => cursor.by(-step(event)) },
      { keys: ["ArrowRight"], shown: "→", words: "one epoch on; with Shift ten", act: (event) => cursor.by(step(event)) },
      { keys: ["Home"], shown: "Home", words: "the first epoch", act: () => cursor.move(0) },
      { keys: ["End"], shown: "End", words: "the newest epoch, and follow it", act: () => cursor.move(null) },
      { keys: [" "], shown: "Space", words: "replay from the cursor, or halt", act: () => cursor.play() },
      {
        keys: ["l"],
        shown: "l · Shift+L",
        words: "the next layer, the one before",
        act: (event) => page.open(page.index + (event.shiftKey ? -1 : 1)),
      },
      {
        keys: ["/"],
        shown: "/",
        words: "search for a layer",
        act: () => {
          parts.filter.focus();
          parts.filter.scrollIntoView({ block: "center" });
        },
      },
      { keys: ["?"], shown: "?", words: "this help", act: () => page.keys.help() },
      { keys: ["Escape"], shown: "Esc", words: "close the neuron; show all epochs", act: () => page.escape() },
    ];
  };
})();
