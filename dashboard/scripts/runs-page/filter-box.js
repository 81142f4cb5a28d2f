/*
 * The filter above the table: completion while it is typed, and errors marked at their place (WAI-ARIA, combobox).
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { optionsAt, partsAround, placeAt, taken } from "../run-data/completion.js";
import { element } from "../ui/dom.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { KnownField, Option, Place } from "../run-data/completion.js" */

const TYPED_MS = 250;

/** @typedef {{message: string, start?: number, end?: number}} Wrong */

/** What an answer says is wrong with the filter. @param {Error} problem @returns {Wrong} */
function wrongOf(problem) {
  const entries = problem instanceof Refused && Array.isArray(problem.detail) ? problem.detail : [];
  return entries.find((/** @type {{field: string}} */ { field }) => field === "where") ?? { message: problem.message };
}

export class FilterBox {
  /**
   * @param {Scope} scope @param {HTMLElement} place what it is put into.
   * @param {(where: string) => Promise<Error | null>} apply asks for the runs; why that was refused.
   */
  constructor(scope, place, apply) {
    this.scope = scope;
    this.apply = apply;
    this.input = element("input", {
      ...{
        type: "text",
        id: "runs-where",
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "Filter, such as state = finished and neq.epsilon < 0.01",
      },
      ...{
        role: "combobox",
        "aria-label": "Filter",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": "runs-where-options",
      },
      ...{ "aria-describedby": "runs-where-problem", maxlength: "2000" },
    });
    this.mark = element("div.filter-mark", { "aria-hidden": "true" });
    this.clearButton = element(
      "button.filter-clear",
      { type: "button", "aria-label": "Clear the filter", title: "Clear the filter", hidden: true },
      "×",
    );
    this.list = element("ul.filter-options", { id: "runs-where-options", role: "listbox", "aria-label": "Completions", hidden: true });
    this.problem = element("p.filter-problem", { id: "runs-where-problem", role: "alert" });
    place.replaceChildren(element("div.filter-field", {}, this.mark, this.input, this.clearButton), this.problem, this.list);
    /** @type {Option[]} */
    this.options = [];
    this.active = -1;
    /** @type {KnownField[]} */
    this.known = [];
    /** @type {Map<string, {value: string, runs: number}[]>} */
    this.frequent = new Map();
    /** @type {Place} */
    this.place = placeAt("", 0);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.typing = undefined;
    this.unsaid = false; // whether an error waits until the reader has finished
    this.#listen();
  }

  #listen() {
    const { scope, input } = this;
    scope.on(input, "focus", () => this.#readFields());
    scope.on(input, "input", () => this.#typed());
    scope.on(input, "click", () => this.#complete());
    scope.on(input, "scroll", () => this.#follow());
    scope.on(input, "keydown", (event) => this.#key(event));
    scope.on(input, "blur", () => this.#left());
    scope.on(this.clearButton, "click", () => {
      this.clear();
      input.focus();
    });
    // The box keeps the focus while one of its options is pressed.
    scope.on(this.list, "mousedown", (event) => event.preventDefault());
    scope.on(this.list, "click", (event) => {
      const row = /** @type {Element} */ (event.target).closest("[role=option]");
      if (row) this.#take([...this.list.children].indexOf(row));
    });
    scope.finally(() => clearTimeout(this.typing));
  }

  focus = () => this.input.focus();
  clear = () => this.set("");

  /** Puts a filter in, and applies it. @param {string} where */
  set(where) {
    this.show(where);
    this.#close();
    return this.#applyNow(true);
  }

  /** Puts a filter in that is applied already. @param {string} where */
  show(where) {
    this.input.value = where;
    this.clearButton.hidden = !where;
    this.wrong(null);
  }

  /** Marks what is wrong; null: nothing is. @param {Error | null} problem */
  wrong(problem) {
    const wrong = problem && wrongOf(problem);
    this.problem.textContent = wrong ? wrong.message : "";
    this.input.setAttribute("aria-invalid", String(Boolean(wrong)));
    this.mark.replaceChildren();
    if (wrong?.start === undefined || wrong.end === undefined) return;
    const [before, within, behind] = partsAround(this.input.value, wrong.start, wrong.end);
    this.mark.append(before, element("span", {}, within || " "), behind);
    this.#follow();
  }

  #follow() {
    this.mark.scrollLeft = this.input.scrollLeft;
  }

  #typed() {
    this.clearButton.hidden = !this.input.value;
    this.#complete();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#applyNow(false), TYPED_MS);
  }

  /** @param {boolean} finished whether the reader has said that the filter is: one that just goes on is no error yet. */
  async #applyNow(finished) {
    clearTimeout(this.typing);
    const where = this.input.value;
    const problem = await this.apply(where);
    if (this.scope.ended || where !== this.input.value) return;
    const unfinished = !finished && problem !== null && (wrongOf(problem).end ?? 0) >= [...where.trimEnd()].length;
    this.wrong(unfinished ? null : problem);
    this.unsaid = unfinished;
  }

  #left() {
    this.#close();
    if (this.unsaid) this.#applyNow(true);
  }

  // ---------------------------------------------------------------- completion

  async #readFields() {
    const answer = await api.fields({ limit: "500" }).catch(() => null); // without completions it can be typed all the same
    if (!answer || this.scope.ended) return;
    this.known = answer.fields;
    this.frequent.clear();
    if (document.activeElement === this.input && this.input.value) this.#complete();
  }

  /** @param {string} field */
  async #readValues(field) {
    this.frequent.set(field, []);
    const answer = await api.fields({ field, limit: "1" }).catch(() => null);
    if (!answer?.values?.length || this.scope.ended) return;
    this.frequent.set(field, answer.values);
    if (document.activeElement === this.input) this.#complete();
  }

  #complete() {
    this.place = placeAt(this.input.value, this.input.selectionStart ?? this.input.value.length);
    const { expected, field } = this.place;
    if (expected === "value" && !this.frequent.has(field)) this.#readValues(field);
    this.options = optionsAt(this.place, this.known, this.frequent.get(field) ?? []);
    this.active = -1;
    this.#draw();
  }

  #draw() {
    const rows = this.options.map(({ text, note }, place) =>
      element(
        "li",
        { role: "option", id: `runs-where-${place}`, "aria-selected": String(place === this.active) },
        element("span", {}, text),
        note && element("span.muted", {}, note),
      ),
    );
    this.list.replaceChildren(...rows);
    this.list.hidden = !rows.length;
    this.input.setAttribute("aria-expanded", String(rows.length > 0));
    if (this.active < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `runs-where-${this.active}`);
    rows[this.active]?.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.options = [];
    this.active = -1;
    this.#draw();
  }

  /** @param {number} place */
  #take(place) {
    const cursor = this.input.selectionStart ?? this.input.value.length;
    const [text, at] = taken(this.input.value, cursor, this.place, this.options[place]);
    this.input.value = text;
    this.input.setSelectionRange(at, at);
    this.#typed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key, shiftKey } = event;
    const number = this.options.length;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!number) this.#complete();
      else {
        const step = key === "ArrowDown" ? 1 : -1;
        this.active = (this.active < 0 && step < 0 ? number - 1 : this.active + step + number) % number;
        this.#draw();
      }
    } else if (key === "Escape" && number) this.#close();
    else if (key === "Tab" && !shiftKey && number && (this.active >= 0 || this.place.typed)) this.#take(Math.max(0, this.active));
    else if (key === "Enter" && this.active >= 0) this.#take(this.active);
    else if (key === "Enter") {
      this.#close();
      this.#applyNow(true);
    } else return;
    event.preventDefault();
  }
}
