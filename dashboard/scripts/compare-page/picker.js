/*
 * RunPicker: which runs are compared, and a search for another.
 */

import * as rest from "../api/recorded.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { go } from "../ui/shell.js";
import { readQuery } from "../ui/url-state.js";

const SEARCH_MS = 200;
const FOUND = 8;
const { percent } = format;

/** The address of the comparison of these runs, with the layer and colours that are chosen now. */
export function compareAddress(ids) {
  const { layer, colour } = readQuery();
  const rest = Object.entries({ layer, colour }).filter(([, value]) => value);
  const query = rest.map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join("");
  return ids.length ? `/compare?runs=${ids.join(",")}${query}` : "/compare";
}

/** What compared runs are called, by id: their names, and with their ids those of one name. */
export function distinctNames(runs) {
  const isAlone = (run) => runs.every((other) => other.id === run.id || other.name !== run.name);
  return new Map(runs.map((run) => [run.id, isAlone(run) ? run.name : `${run.name} (${run.id})`]));
}

/** The chosen runs as chips that can be taken away, and a search for another. */
export class RunPicker {
  constructor(scope, host, { runs, most }) {
    Object.assign(this, { scope, runs, ids: runs.map((run) => run.id), names: distinctNames(runs) });
    host.replaceChildren(...runs.map((run, place) => this.#chip(run, place)));
    if (runs.length < most) host.append(this.#search());
  }

  #chip(run, place) {
    const without = this.ids.filter((id) => id !== run.id);
    const name = this.names.get(run.id);
    return element(
      "span.compare-chip",
      {},
      element("span.swatch", { style: `background: var(--neq-series-${place + 1})` }),
      element("a", { href: `/runs/${run.id}` }, name),
      element(
        "button.chip-away",
        {
          type: "button",
          "aria-label": `Take ${name} away`,
          onclick: () => go(compareAddress(without)),
        },
        "×",
      ),
    );
  }

  #search() {
    const label = "Add a run: search by name, tag or id";
    this.input = element("input.compare-search", {
      type: "search",
      placeholder: "Add a run…",
      "aria-label": label,
      autocomplete: "off",
    });
    this.list = element("div.compare-found", { hidden: true });
    const box = element("div.compare-picker", {}, this.input, this.list);
    this.box = box;
    this.scope.on(this.input, "input", () => this.#findSoon(SEARCH_MS));
    this.scope.on(this.input, "focus", () => this.#findSoon(0));
    this.scope.on(box, "focusout", (event) => {
      if (!box.contains(event.relatedTarget)) this.list.hidden = true;
    });
    this.scope.on(box, "keydown", (event) => this.#key(event));
    return box;
  }

  #findSoon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(), ms);
  }

  async #find() {
    clearTimeout(this.timer);
    const words = this.input.value.trim();
    const found = await rest.runs(words, FOUND + this.ids.length, this.scope.signal).catch(() => null);
    if (this.scope.ended || words !== this.input.value.trim()) return;
    const others = (found || []).filter((run) => !this.ids.includes(run.id)).slice(0, FOUND);
    this.foundFor = words;
    const empty = found ? "No other run is found." : "The server did not answer.";
    this.list.replaceChildren(...(others.length ? others.map((run) => this.#choice(run)) : [element("p.muted", {}, empty)]));
    this.list.hidden = !this.box.contains(document.activeElement); // the reader may have gone on meanwhile
  }

  /** The first run that is found by what stands there now; who types fast is ahead of the search. */
  async #takeFirst() {
    if (this.list.hidden || this.foundFor !== this.input.value.trim()) await this.#find();
    if (!this.scope.ended) this.list.querySelector("button")?.click();
  }

  #choice(run) {
    const facts = `${run.state}, ${run.epochs_done} of ${format.counted(run.epochs_planned, "epoch")}, ${percent(run.test_accuracy)}`;
    return element(
      "button.compare-choice",
      { type: "button", onclick: () => go(compareAddress([...this.ids, run.id])) },
      element("span", {}, run.name),
      element("span.muted", {}, facts),
    );
  }

  #key(event) {
    const choices = [...this.list.querySelectorAll("button")];
    const at = choices.indexOf(document.activeElement);
    if (event.key === "Escape") this.list.hidden = true;
    if (event.key === "Enter" && at === -1) this.#takeFirst();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || this.list.hidden) return;
    event.preventDefault();
    (choices[at + step] || (step < 0 ? this.input : null))?.focus();
  }
}
