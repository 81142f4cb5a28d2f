/*
 * Deletion that can be undone for ten seconds: the server is asked afterwards, or when the page is left.
 */

import { element } from "../ui/dom.js";
import { counted } from "../ui/format.js";
import * as rows from "./rows.js";
import * as ticks from "./ticks.js";

/** @import { Scope } from "../ui/page-scope.js" */

const SECONDS = 10;

export class DelayedDeletion {
  /**
   * @param {Scope} scope when it ends, what waits is deleted at once.
   * @param {(ids: string[], names: Map<string, string>, keepalive: boolean) => Promise<unknown>} remove `keepalive`: the document is left.
   */
  constructor(scope, remove) {
    this.remove = remove;
    /** @type {Map<string, string> | null} names of what waits, by id. */
    this.waiting = null;
    /** Of what is being deleted. @type {Set<string>} */
    this.going = new Set();
    this.left = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.words = element("span", { role: "status" });
    this.countdown = element("span.numeric", { "aria-hidden": "true" });
    this.button = element("button.button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.box = element("div.undo", { hidden: true }, this.words, this.countdown, this.button);
    document.body.append(this.box);
    scope.on(window, "pagehide", () => this.#finish(true));
    scope.finally(() => {
      this.#finish(false);
      this.box.remove();
    });
  }

  /** @param {Map<string, string>} names of the runs, by id. */
  begin(names) {
    this.#finish(false); // what waited before
    this.waiting = names;
    this.left = SECONDS;
    this.box.hidden = false;
    this.words.textContent = `${counted(names.size, "run")} will be deleted.`;
    this.#hide();
    this.#tick();
    this.timer = setInterval(() => {
      this.left -= 1;
      if (this.left > 0) this.#tick();
      else this.#finish(false);
    }, 1_000);
    this.button.focus();
  }

  #tick() {
    this.countdown.textContent = `${this.left} s`;
  }

  undo() {
    if (!this.waiting) return;
    this.#close();
    this.#hide();
  }

  /** Takes the rows of what waits, and of what is being deleted, out of the table; those beyond a number are marked alone. */
  #hide() {
    const ids = [...this.going, ...(this.waiting?.keys() ?? [])];
    ticks.setLeaving(new Set(ids));
    rows.leaveOut(ids);
  }

  #close() {
    clearInterval(this.timer);
    this.waiting = null;
    this.box.hidden = true;
  }

  /** @param {boolean} keepalive */
  async #finish(keepalive) {
    const names = this.waiting;
    if (!names) return;
    this.#close();
    for (const id of names.keys()) this.going.add(id);
    await this.remove([...names.keys()], names, keepalive);
    for (const id of names.keys()) this.going.delete(id);
    this.#hide();
  }
}
