/*
 * Deletion that can be undone for ten seconds: the server is asked afterwards, or when another page of ours is opened in
 * this document. Where the document itself goes, the next table goes on counting: one that was loaded anew does at once.
 */

import { element } from "../ui/dom.js";
import { counted } from "../ui/format.js";
import { keep, key, takeUp } from "./kept-deletion.js";
import * as rows from "./rows.js";
import * as ticks from "./ticks.js";

/** @import { Scope } from "../ui/page-scope.js" */

const SECONDS = 10;
const LOADING_MS = 5_000; // in which a document that is loaded anew takes its own deletion up

export class DelayedDeletion {
  /**
   * @param {Scope} scope when it ends, what waits is deleted at once.
   * @param {(ids: string[], names: Map<string, string>, keepalive: boolean) => Promise<unknown>} remove `keepalive`: the document is left.
   * @param {() => void} toTable where the focus goes once its button is gone.
   */
  constructor(scope, remove, toTable) {
    this.remove = remove;
    this.toTable = toTable;
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
    this.until = 0;
    scope.on(window, "pagehide", () => this.#leave());
    scope.finally(() => {
      this.#finish(false);
      this.box.remove();
    });
    const kept = takeUp();
    if (kept) this.begin(kept.names, kept.until);
    scope.on(window, "storage", (event) => event.key === key() && event.newValue && this.#watch(scope));
  }

  /** @param {Map<string, string>} names of the runs, by id. @param {number} [until] when it can be undone no more, in milliseconds since 1970. */
  begin(names, until = Date.now() + 1_000 * SECONDS) {
    this.#finish(false); // what waited before
    this.waiting = names;
    this.until = until;
    this.left = Math.min(SECONDS, Math.ceil((until - Date.now()) / 1_000));
    this.box.hidden = false;
    this.words.textContent = `${counted(names.size, "run")} will be deleted.`;
    this.#hide();
    if (this.left <= 0) {
      this.#finish(false);
      return;
    }
    this.#tick();
    this.timer = setInterval(() => {
      this.left -= 1;
      if (this.left > 0) this.#tick();
      else this.#finish(false);
    }, 1_000);
    this.button.focus();
  }

  /** The document goes: what waits is kept for the next one, or deleted where it cannot be. */
  #leave() {
    if (!this.waiting) return;
    if (keep({ names: this.waiting, until: this.until })) this.#close();
    else this.#finish(true);
  }

  /** Another table was closed or is loaded anew: what nobody has taken up in time is deleted from here. @param {Scope} scope */
  #watch(scope) {
    setTimeout(
      () => {
        const kept = scope.ended ? null : takeUp();
        if (kept) this.#delete(kept.names);
      },
      1_000 * SECONDS + LOADING_MS,
    );
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
    const held = this.box.contains(document.activeElement);
    this.box.hidden = true;
    if (held) this.toTable();
  }

  /** @param {boolean} keepalive */
  async #finish(keepalive) {
    const names = this.waiting;
    if (!names) return;
    this.#close();
    await this.#delete(names, keepalive);
  }

  /** @param {Map<string, string>} names @param {boolean} [keepalive] */
  async #delete(names, keepalive = false) {
    for (const id of names.keys()) this.going.add(id);
    await this.remove([...names.keys()], names, keepalive);
    for (const id of names.keys()) this.going.delete(id);
    this.#hide();
  }
}
