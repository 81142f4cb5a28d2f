/*
 * Which runs are compared, and a search for another.
 */

import * as rest from "../api/recorded.js";
import { accuracyOf, fractionWords } from "../run-data/accuracy.js";
import * as timing from "../run-data/timing.js";
import { element } from "../ui/dom.js";
import { go } from "../ui/shell.js";
import { readQuery } from "../ui/url-state.js";
import { KEYS } from "./look.js";

/** @import { Run } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */

const SEARCH_MS = 200;
const FOUND = 8;
const LONG = 28; // signs of a name
/** What names runs in the address, and goes with them. */
const OF_RUNS = ["base", "pictures", "inks"];
/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** The address of the comparison of these runs, seen as it is now. @param {string[]} ids */
export function compareAddress(ids) {
  const now = readQuery();
  const isLeft = (/** @type {string} */ each) => ids.includes(each.split(":")[0]);
  const kept = KEYS.flatMap((key) => {
    const value = OF_RUNS.includes(key) ? now[key]?.split(",").filter(isLeft).join(",") : now[key];
    return value ? [[key, value]] : [];
  });
  const query = kept.map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join("");
  return ids.length ? `/compare?runs=${ids.join(",")}${query}` : "/compare";
}

/** What compared runs are called, by id: their names, and with their ids those of one name. @param {Run[]} runs */
export function distinctNames(runs) {
  const isAlone = (/** @type {Run} */ run) => runs.every((other) => other.id === run.id || other.name !== run.name);
  return new Map(runs.map((run) => [run.id, isAlone(run) ? run.name : `${run.name} (${run.id})`]));
}

/** Names without the words with which all begin, where some are long: a list that is narrow shows beginnings alone. @param {string[]} names */
export function withoutCommonStart(names) {
  if (names.length < 2 || names.every((name) => name.length <= LONG)) return names;
  const [first] = names;
  let alike = 0;
  while (alike < first.length && names.every((name) => name[alike] === first[alike])) alike += 1;
  const start = first.lastIndexOf(" ", alike - 1) + 1;
  return start ? names.map((name) => `… ${name.slice(start)}`) : names;
}

/** A search for another run; the first that are found are offered to be added. */
export class RunPicker {
  /** @param {Scope} scope @param {HTMLElement} host @param {{runs: Run[], most: number}} data `most`: how many fit. */
  constructor(scope, host, { runs, most }) {
    this.scope = scope;
    this.ids = runs.map((run) => run.id);
    const label = "Add a run: search by name, tag or id";
    const search = { type: "search", placeholder: "Add a run…", "aria-label": label, autocomplete: "off" };
    this.input = /** @type {HTMLInputElement} */ (element("input.compare-search", search));
    this.list = element("div.compare-found", { hidden: true });
    this.box = element("div.compare-picker", {}, this.input, this.list);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {string | null} what the list was found for. */
    this.foundFor = null;
    host.replaceChildren(...(runs.length < most ? [this.box] : []));
    if (runs.length < most) this.#listen();
  }

  #listen() {
    const { scope, input, box } = this;
    scope.on(input, "input", () => this.#findSoon(SEARCH_MS));
    scope.on(input, "focus", () => this.#findSoon(0));
    scope.on(box, "focusout", (event) => {
      if (!box.contains(/** @type {Node | null} */ (event.relatedTarget))) this.list.hidden = true;
    });
    scope.on(box, "keydown", (event) => this.#key(event));
  }

  /** @param {number} ms */
  #findSoon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(), ms);
  }

  async #find() {
    clearTimeout(this.timer);
    const words = this.input.value.trim();
    const found = await rest.runs(words, FOUND + this.ids.length, this.scope.signal).catch(() => null);
    if (this.scope.ended || words !== this.input.value.trim()) return;
    /** @type {Run[]} */
    const others = (found || []).filter((/** @type {Run} */ run) => !this.ids.includes(run.id)).slice(0, FOUND);
    this.foundFor = words;
    const empty = found ? "No other runs found." : "The server did not respond.";
    this.list.replaceChildren(...(others.length ? others.map((run) => this.#choice(run)) : [element("p.muted", {}, empty)]));
    this.list.hidden = !this.box.contains(document.activeElement); // the reader may have gone on meanwhile
  }

  /** The first run that is found by what stands there now; who types fast is ahead of the search. */
  async #takeFirst() {
    if (this.list.hidden || this.foundFor !== this.input.value.trim()) await this.#find();
    if (!this.scope.ended) this.list.querySelector("button")?.click();
  }

  /** @param {Run} run */
  #choice(run) {
    const known = accuracyOf(run);
    const accuracy = known === null ? [] : [fractionWords(known)];
    const facts = [run.state, timing.doneWords(run), ...accuracy].join(", ");
    return element(
      "button.compare-choice",
      { type: "button", onclick: () => go(compareAddress([...this.ids, run.id])) },
      element("span", {}, run.name),
      element("span.muted", {}, facts),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const choices = [...this.list.querySelectorAll("button")];
    const at = choices.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (event.key === "Escape") this.list.hidden = true;
    if (event.key === "Enter" && at === -1) this.#takeFirst();
    const step = STEPS[event.key];
    if (!step || this.list.hidden) return;
    event.preventDefault();
    (choices[at + step] || (step < 0 ? this.input : null))?.focus();
  }
}
