/*
 * The queue: who waits in which order, kept up to date while it is open, and put into another order there.
 */

import * as api from "../api/runs.js";
import { movedBefore, places, STEPS } from "../run-data/queue.js";
import { open } from "../ui/dialog.js";
import { element, say } from "../ui/dom.js";
import { count, counted } from "../ui/format.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import { dragLines } from "./queue-drag.js";
import { QueueRow } from "./queue-row.js";

/** @import { Queue } from "../../types/api" */
/** @import { Scope } from "../ui/page-scope.js" */

const REFRESH_MS = 2_000;
const SOON_MS = 500;

/** What is said above the list. @param {Queue} told */
export function headWords({ queue, length, slots }) {
  if (!length) return "";
  const more = length > queue.length ? ` The first ${counted(queue.length, "run")} of ${count(length)} are shown.` : "";
  const nobody = slots ? "" : " No worker is online: start one with “neq worker”.";
  return `Workers take the uppermost run that is not held. A run that is moved takes the priority of its new place.${more}${nobody}`;
}

class QueueDialog {
  /** @param {Scope} scope @param {() => void} changed the queue was changed here. */
  constructor(scope, changed) {
    this.scope = scope.child();
    this.changed = changed;
    /** @type {Queue | null} */
    this.told = null;
    /** @type {Map<string, QueueRow>} */
    this.rows = new Map();
    this.reads = 0;
    this.acting = Promise.resolve();
    this.head = element("p.muted.queue-head", {}, "Loading …");
    this.problem = element("p.dialog-problem", { role: "alert" });
    this.list = element("ol.queue-list", { "aria-label": "Queued runs", hidden: true });
    const titles = ["", "", "Run", "Expected start", "Priority"].map((words) => element("span", {}, words));
    this.titles = element("div.queue-titles.muted", { "aria-hidden": "true", hidden: true }, ...titles);
    this.none = element("p", { hidden: true }, "No run is waiting. Launch one, or a study of many, under ");
    this.none.append(element("a", { href: "/new" }, "New run"), ".");
    this.done = element("button.button.button-primary", { value: "done" }, "Done");
    const buttons = element("form.question-buttons", { method: "dialog" }, this.done);
    const inside = [element("h2", { id: "queue-title" }, "Queue"), this.head, this.none, this.titles, this.list, this.problem, buttons];
    this.dialog = element("dialog.question.queue-dialog", { "aria-labelledby": "queue-title" }, ...inside);
    this.isDragged = dragLines(this.scope, this.list, ".queue-handle", (id, place) => this.#move(id, () => place));
  }

  /** @param {Scope} scope */
  open(scope) {
    this.dialog.addEventListener("close", () => this.scope.end());
    open(scope, this.dialog);
    this.done.focus();
    this.scope.every(REFRESH_MS, () => document.hidden || this.isDragged() || this.#read());
    return this.#read();
  }

  async #read() {
    const number = ++this.reads;
    const told = await api.queue().catch((/** @type {Error} */ problem) => problem);
    if (this.scope.ended || number !== this.reads || this.isDragged()) return;
    if (told instanceof Error) say(this.head, `${told.message}${this.told ? " The list may be out of date." : ""}`);
    else this.#draw(told);
  }

  /** @param {Queue} told */
  #draw(told) {
    this.told = told;
    const { queue, length } = told;
    say(this.head, headWords(told));
    this.head.hidden = !length;
    this.none.hidden = length > 0;
    this.list.hidden = this.titles.hidden = !length;
    const numbers = places(queue);
    const acts = {
      step: (/** @type {string} */ id, /** @type {string} */ step) => this.#move(id, STEPS[step]),
      prioritise: (/** @type {string} */ id, /** @type {number} */ priority) => this.#act({ action: "prioritise", ids: [id], priority }),
      hold: (/** @type {string} */ id, /** @type {boolean} */ held) => this.#act({ action: held ? "hold" : "release", ids: [id] }),
      wrong: (/** @type {string} */ words) => say(this.problem, words),
    };
    const before = this.rows;
    this.rows = new Map(queue.map(({ id }) => [id, before.get(id) ?? new QueueRow(id, acts)]));
    for (const [at, run] of queue.entries()) {
      const ends = { first: at === 0, last: at === queue.length - 1, cut: length > queue.length };
      this.rows.get(run.id)?.show(run, numbers[at], ends);
    }
    this.#arrange([...this.rows.values()].map(({ line }) => line));
  }

  /** Puts lines into an order; what has the focus keeps it, and one whose run has left the queue leaves it to the dialog. @param {HTMLElement[]} lines */
  #arrange(lines) {
    if (lines.length === this.list.children.length && lines.every((line, at) => this.list.children[at] === line)) return;
    const [focused, top] = [/** @type {HTMLElement | null} */ (document.activeElement), this.list.scrollTop];
    const within = this.list.contains(focused);
    this.list.replaceChildren(...lines);
    this.list.scrollTop = top;
    if (within) (focused?.isConnected ? focused : this.done).focus();
  }

  /** @param {string} id @param {(place: number, length: number) => number} placeOf where it is to be, from where it is. */
  #move(id, placeOf) {
    this.#do(() => {
      const order = this.told?.queue.map((run) => run.id) ?? [];
      const place = order.indexOf(id);
      const length = this.told?.length ?? 0;
      const before = place < 0 ? undefined : movedBefore(order, id, placeOf(place, length), length);
      return before === undefined ? null : { action: "move", ids: [id], before };
    });
  }

  /** @param {object} body */
  #act(body) {
    this.#do(() => body);
  }

  /** One after the other, each by the order that the one before left. @param {() => object | null} bodyOf null: there is nothing to do. */
  #do(bodyOf) {
    this.acting = this.acting.then(async () => {
      const body = bodyOf();
      if (!body || this.scope.ended) return;
      const told = await api.act(body).catch((/** @type {Error} */ problem) => problem);
      if (this.scope.ended) return;
      say(this.problem, told instanceof Error ? told.message : told.refused.map(({ message }) => message).join(" "));
      await this.#read();
      this.changed();
    });
  }
}

/** The button that opens the queue, with the number of runs that wait. */
export class QueueButton {
  /** @param {Scope} scope @param {HTMLElement} button @param {() => void} changed the queue was changed here. */
  constructor(scope, button, changed) {
    this.scope = scope;
    this.button = button;
    this.changed = changed;
    this.isOpen = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.waiting = undefined;
    scope.on(button, "click", () => this.open());
    scope.finally(() => clearTimeout(this.waiting));
    if (readQuery().queue) this.open();
    this.#count();
  }

  open() {
    if (this.isOpen) return;
    this.isOpen = true;
    writeQuery({ queue: "open" });
    const queue = new QueueDialog(this.scope, this.changed);
    queue.dialog.addEventListener("close", () => {
      this.isOpen = false;
      if (!this.scope.ended) writeQuery({ queue: null });
    });
    queue.open(this.scope);
  }

  /** Counts anew, soon: changes come together. */
  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#count(), SOON_MS);
  }

  async #count() {
    const told = await api.counts(new URLSearchParams()).catch(() => null); // the table says what is wrong
    const shown = this.button.querySelector(".runs-chip-count");
    if (told && shown && !this.scope.ended) say(shown, told.queued ? count(told.queued) : "");
  }
}
