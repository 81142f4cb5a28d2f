/*
 * A queued run as a line of the queue: where it stands, when it starts, and what changes that.
 */

import { startWords } from "../run-data/queue.js";
import { element, say } from "../ui/dom.js";
import { NOTHING, parted } from "../ui/format.js";

/** @import { Waiting } from "../../types/api" */

/** @typedef {{step: (id: string, step: string) => void, prioritise: (id: string, priority: number) => void, hold: (id: string, held: boolean) => void, wrong: (words: string) => void}} Acts */

const HIGHEST = 10;
const TAIL = 22; // signs of a name's end
/** @type {[step: string, words: string, sign: string][]} */
const MOVES = [
  ["first", "Move to the front", "⤒"],
  ["up", "Move up", "↑"],
  ["down", "Move down", "↓"],
  ["last", "Move to the end", "⤓"],
];

/** The priority that was typed; null: it is not one. @param {string} text */
export function priorityOf(text) {
  const number = Number(text.trim().replace("−", "-"));
  return text.trim() && Number.isInteger(number) && Math.abs(number) <= HIGHEST ? number : null;
}

export class QueueRow {
  /** @param {string} id @param {Acts} acts */
  constructor(id, acts) {
    this.id = id;
    this.acts = acts;
    this.priority = 0;
    this.held = false;
    this.handle = element("span.queue-handle", { "aria-hidden": "true", title: "Drag to another place" }, "⠿");
    this.place = element("span.queue-place.numeric");
    this.name = element("a.queue-name.runs-name", { href: `/runs/${id}` });
    this.group = element("span.queue-group.muted");
    this.start = element("span.queue-start");
    const limits = { min: String(-HIGHEST), max: String(HIGHEST), step: "1", required: true };
    this.input = element("input", { type: "number", ...limits, onchange: () => this.#prioritise() });
    this.holdButton = element("button.button.button-small.queue-hold", { type: "button", onclick: () => acts.hold(id, !this.held) });
    this.moves = MOVES.map(([step, words, sign]) =>
      element("button.columns-button", { type: "button", "data-step": step, title: words, onclick: () => acts.step(id, step) }, sign),
    );
    this.line = element(
      "li.queue-row",
      { "data-id": id },
      this.handle,
      this.place,
      element("span.queue-called", {}, this.name, this.group),
      this.start,
      element("label.queue-priority", {}, element("span.queue-narrow", {}, "Priority"), this.input),
      this.holdButton,
      element("span.queue-moves", {}, ...this.moves),
    );
  }

  /** @param {Waiting} run @param {number | null} place null: it is held. @param {{first: boolean, last: boolean, cut: boolean}} ends of the order; cut: others follow. */
  show(run, place, { first, last, cut }) {
    this.priority = run.priority;
    this.held = run.held;
    say(this.place, place === null ? NOTHING : `${place}.`);
    this.#showName(run.name);
    say(this.group, run.group ?? "");
    say(this.start, startWords(run));
    say(this.holdButton, run.held ? "Release" : "Hold");
    this.line.classList.toggle("queue-held", run.held);
    if (document.activeElement !== this.input) this.input.value = String(run.priority);
    this.input.setAttribute("aria-label", `Priority of ${run.name}`);
    this.holdButton.setAttribute("aria-label", `${run.held ? "Release" : "Hold"}: ${run.name}`);
    for (const [at, [step, words]] of MOVES.entries()) {
      this.moves[at].setAttribute("aria-label", `${words}: ${run.name}`);
      const there = step === "first" || step === "up" ? first : last && !(cut && step === "last");
      this.moves[at].setAttribute("aria-disabled", String(there)); // disabled would lose the focus
    }
  }

  /** Its end is kept in sight: what varies in a study stands there. @param {string} name */
  #showName(name) {
    if (this.name.title === name) return;
    const [head, tail] = parted(name, TAIL);
    this.name.title = name;
    this.name.setAttribute("aria-label", name);
    this.name.replaceChildren(element("span.runs-name-head", {}, head), ...(tail ? [element("span.runs-name-tail", {}, tail)] : []));
  }

  #prioritise() {
    const priority = priorityOf(this.input.value);
    if (priority === null) {
      this.input.value = String(this.priority);
      this.acts.wrong(`A priority is a whole number from −${HIGHEST} to ${HIGHEST}.`);
    } else if (priority !== this.priority) this.acts.prioritise(this.id, priority);
  }
}
