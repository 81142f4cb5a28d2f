/*
 * The compared runs in a table, which is the legend of all charts: pinned, coloured, shown in pictures, taken away.
 */

import { element } from "../ui/dom.js";
import { MOST_PICTURES } from "./look.js";
import { lineSwatch } from "./members.js";
import { againstWords } from "./run-columns.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Member } from "./members.js" */
/** @import { Column } from "./run-columns.js" */

/**
 * @typedef {object} RunActions
 * @property {(id: string) => void} remove
 * @property {(id: string | null) => void} pin as the baseline; null: none.
 * @property {(id: string, shown: boolean) => void} picture
 * @property {(id: string, colour: string | null) => void} paint null: the usual colour.
 * @property {(id: string | null) => void} light
 */

/** @typedef {{base: string | null, pictures: string[], inks: Record<string, string>, grouped: boolean}} Standing `grouped`: runs are drawn as their groups. */

export class RunsTable {
  /** @param {Scope} scope @param {HTMLElement} host @param {RunActions} actions */
  constructor(scope, host, actions) {
    this.scope = scope;
    this.host = host;
    this.actions = actions;
    /** @type {{key: string, down: boolean} | null} */
    this.sorted = null;
    this.drawn = "";
    this.looks = "";
    /** @type {[Member[], Column[], Standing] | null} what was drawn last. */
    this.last = null;
    this.kept = /** @type {Set<string> | null} */ (null);
    this.rows = /** @type {Map<string, HTMLElement>} */ (new Map());
    /** Cells with a run's colour and dash. */
    this.lines = /** @type {Map<string, HTMLElement>} */ (new Map());
    /** @type {((columns: Column[]) => void)[]} what brings each cell up to date, so that the focus is not lost. */
    this.cells = [];
  }

  /** @param {Member[]} members @param {Column[]} columns @param {Standing} standing */
  draw(members, columns, standing) {
    this.last = [members, columns, standing];
    const order = this.#order(members, columns);
    const heads = columns.map(({ key, name, setting }) => [key, name, setting]);
    const { inks, grouped, ...placed } = standing;
    const text = JSON.stringify([order.map(({ id, name }) => [id, name]), heads, placed, this.sorted]);
    const looks = JSON.stringify([order.map(({ ink }) => ink), inks, grouped]);
    if (text !== this.drawn) this.#build(order, members, columns, standing);
    else {
      for (const fill of this.cells) fill(columns);
      if (looks !== this.looks) this.#paint(order, standing);
    }
    this.drawn = text;
    this.looks = looks;
  }

  /** Colours and dashes alone: laying out fifty rows of thirty cells anew would take longer than all else of another grouping. @param {Member[]} order @param {Standing} standing */
  #paint(order, standing) {
    const focus = this.#focused();
    const made = order.map((member) => this.#colour(member, standing)); // all before the first is placed: each reads a style
    for (const [at, { id }] of order.entries()) this.lines.get(id)?.replaceChildren(made[at]);
    this.#focusAgain(focus);
  }

  /** @param {Member[]} order @param {Member[]} members @param {Column[]} columns @param {Standing} standing */
  #build(order, members, columns, standing) {
    this.cells = [];
    const focus = this.#focused();
    const rows = order.map((member) => this.#row(member, members, columns, standing));
    this.rows = new Map(rows.map((row) => [row.dataset.run ?? "", row]));
    this.keep(this.kept);
    const first = columns.findIndex(({ setting }) => !setting);
    const heads = columns.map((column, at) => this.#head(column, at === first && first > 0));
    const names = ["Pictures", "Line", "Baseline"].map((words) =>
      element("th.compare-narrow", { scope: "col", "data-controls": "" }, words),
    );
    this.host.replaceChildren(
      element(
        "table.compare-table.compare-numbers",
        {},
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Run"), ...names, ...heads)),
        element("tbody", {}, ...rows),
      ),
    );
    this.#focusAgain(focus);
  }

  /** @param {string | null} where */
  #focusAgain(where) {
    if (where) /** @type {HTMLElement | null} */ (this.host.querySelector(where))?.focus();
  }

  /** Where the focus is, so that it stays there when the table is drawn anew. */
  #focused() {
    const at = /** @type {HTMLElement | null} */ (document.activeElement);
    return at?.dataset.control && this.host.contains(at) ? `[data-control="${CSS.escape(at.dataset.control)}"]` : null;
  }

  /** @param {Member[]} members @param {Column[]} columns */
  #order(members, columns) {
    const column = columns.find(({ key }) => key === this.sorted?.key);
    if (!column) return members;
    const { values } = column;
    const compare = (/** @type {any} */ a, /** @type {any} */ b) =>
      typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    const known = members.filter(({ place }) => (values[place] ?? null) !== null);
    known.sort((a, b) => compare(values[a.place], values[b.place]) * (this.sorted?.down ? -1 : 1));
    return [...known, ...members.filter((member) => !known.includes(member))];
  }

  /** @param {Column} column @param {boolean} begins the results. */
  #head({ key, name, unit }, begins) {
    const own = this.sorted?.key === key ? this.sorted : null;
    const turn = () => {
      this.sorted = own ? (own.down ? { key, down: false } : null) : { key, down: true };
      if (this.last) this.draw(...this.last);
    };
    const arrow = own ? (own.down ? " ↓" : " ↑") : "";
    const sort = own ? (own.down ? "descending" : "ascending") : "none";
    const button = element("button.compare-sort", { type: "button", "data-control": `sort ${key}`, onclick: turn }, name + arrow);
    return element(
      "th",
      { scope: "col", "aria-sort": sort, "data-name": name, "data-unit": unit || null, class: begins ? "compare-results" : null },
      button,
    );
  }

  /** @param {Member} member @param {Member[]} members @param {Column[]} columns @param {Standing} standing */
  #row(member, members, columns, standing) {
    const { id, name, place } = member;
    const base = members.find((each) => each.id === standing.base)?.place ?? -1;
    const first = columns.findIndex(({ setting }) => !setting);
    const cells = columns.map((column, at) => {
      const number = column.values.some((value) => typeof value === "number") ? "numeric" : "";
      const looks = [number, at === first && first > 0 ? "compare-results" : "", column.key === "Notes" ? "compare-notes" : ""].filter(
        Boolean,
      );
      const cell = element("td", { class: looks.join(" ") || null, "data-of": column.name });
      const fill = (/** @type {Column[]} */ now) => fillCell(cell, now[at], place, base);
      this.cells.push(fill);
      fill(columns);
      return cell;
    });
    const link = element("a", { href: `/runs/${id}` }, name);
    const away = element(
      "button.chip-away",
      { type: "button", "aria-label": `Remove ${name}`, "data-control": `remove ${id}`, onclick: () => this.actions.remove(id) },
      "×",
    );
    const line = element("td.compare-narrow", {}, this.#colour(member, standing));
    this.lines.set(id, line);
    return element(
      "tr",
      {
        "data-run": id,
        class: place === base ? "compare-base" : null,
        onmouseenter: () => this.actions.light(id),
        onmouseleave: () => this.actions.light(null),
      },
      element("th", { scope: "row", "data-words": name }, element("span.compare-run", {}, link, away)),
      element("td.compare-narrow", {}, this.#picture(member, standing)),
      line,
      element("td.compare-narrow", {}, this.#pin(member, standing)),
      ...cells,
    );
  }

  /** @param {Member} member @param {Standing} standing */
  #picture({ id, name }, { pictures }) {
    const shown = pictures.includes(id);
    const full = !shown && pictures.length >= MOST_PICTURES;
    return element("input", {
      type: "checkbox",
      checked: shown,
      disabled: full,
      "data-control": `picture ${id}`,
      "aria-label": `Show the neurons of ${name}`,
      title: full ? `Neurons of ${MOST_PICTURES} runs are shown at most` : "Show its neurons below",
      onchange: (/** @type {Event} */ event) => this.actions.picture(id, /** @type {HTMLInputElement} */ (event.target).checked),
    });
  }

  /** @param {Member} member @param {Standing} standing */
  #colour({ id, name, ink }, { inks, grouped }) {
    if (grouped) return element("span.compare-ink", { title: "Drawn as its group" }, lineSwatch(ink));
    const value = hex(ink.colour);
    const input = element("input.compare-colour", {
      type: "color",
      value,
      "data-control": `colour ${id}`,
      "aria-label": `Colour of ${name}`,
      title: inks[id] ? "Another colour; double-click for the usual one" : "Another colour",
      onchange: (/** @type {Event} */ event) => this.actions.paint(id, /** @type {HTMLInputElement} */ (event.target).value),
      ondblclick: () => this.actions.paint(id, null),
    });
    return element("span.compare-ink", {}, lineSwatch(ink), input);
  }

  /** @param {Member} member @param {Standing} standing */
  #pin({ id, name }, { base }) {
    const pinned = base === id;
    return element(
      "button.compare-pin",
      {
        type: "button",
        "data-control": `pin ${id}`,
        "aria-pressed": String(pinned),
        "aria-label": `Hold the others against ${name}`,
        title: pinned ? "The others are held against it" : "Hold the others against it",
        onclick: () => this.actions.pin(pinned ? null : id),
      },
      pinned ? "★" : "☆",
    );
  }

  /** Only these runs are brushed; null: all. @param {Set<string> | null} kept */
  keep(kept) {
    this.kept = kept;
    for (const [run, row] of this.rows) row.classList.toggle("compare-dim", kept !== null && !kept.has(run));
  }

  /** @param {string | null} id */
  light(id) {
    for (const [run, row] of this.rows) row.classList.toggle("compare-lit", run === id);
  }
}

/** @param {HTMLElement} cell @param {Column} column @param {number} place @param {number} base of the baseline; -1: none. */
function fillCell(cell, column, place, base) {
  const against = base >= 0 && base !== place ? againstWords(column, place, base) : "";
  const text = `${column.words[place]}|${against}`;
  if (cell.dataset.said === text) return;
  cell.dataset.said = text;
  cell.dataset.words = column.words[place];
  const value = column.values[place];
  if (typeof value === "number") cell.dataset.value = String(value);
  else delete cell.dataset.value;
  cell.replaceChildren(column.words[place], ...(against ? [element("div.compare-against", {}, against)] : []));
}

/** A colour as an input of colours takes it. @param {string} colour */
function hex(colour) {
  const pen = document.createElement("canvas").getContext("2d");
  if (!pen) return "#000000";
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  pen.fillStyle = name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : colour;
  return String(pen.fillStyle);
}
