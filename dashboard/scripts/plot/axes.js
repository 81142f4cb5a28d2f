/*
 * Plotly axes that are looked at together with others.
 *
 * The base of CellCanvas (a canvas of cells under the axes) and Chart (lines). It knows what part is seen, tells its
 * owner when the reader zooms, and lets the owner move it without telling.
 */

import { onPrint } from "../ui/print.js";
import { at } from "../ui/routes.js";
import { onScheme } from "../ui/shell.js";
import { Area } from "./area.js";
import * as palette from "./palette.js";
import { askAndSave } from "./save-figure.js";

const CONFIG = {
  displaylogo: false,
  showSendToCloud: false,
  doubleClick: false,
  scrollZoom: false,
  responsive: false,
  showTips: false,
};
const CLICK_PIXELS = 4;
const DOUBLE_CLICK_MS = 350;
const FEW = 8;
/** @type {Promise<any> | null} */
let loading = null;

/** Plotly did not come; the message is fit for a person. */
class NotLoaded extends Error {}

/** Why pictures have no axes, in words; what is no fault of the line is a bug, and reported as one. @param {unknown} problem */
export function undrawn(problem) {
  if (problem instanceof NotLoaded) return problem.message;
  reportError(problem);
  return "The picture could not be drawn; reload the page.";
}

/** Plotly, loaded once a tab from our own server; what keeps it from coming, `undrawn` says. @param {string} address */
export function plotly(address) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = at(address);
    script.dataset.told = "elsewhere"; // in the pictures; startup.js need not
    const fail = () => {
      loading = null;
      reject(new NotLoaded("The plotting library did not load; reload the page."));
    };
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : fail()); // a proxy's page loads, and is no library
    script.onerror = fail;
    document.head.append(script);
  });
  return loading;
}

/** @import { AreaOptions, Cell, Marks, Range, Update } from "./area.js" */
/** @import { DataTable } from "./figure-tables.js" */

/**
 * @typedef {object} Pointing
 * @property {(cell: Cell | null) => void} [onHover] null: the reader points at none any more.
 * @property {(cell: Cell) => void} [onClick]
 */

/**
 * @typedef {object} Drawn what a saved file has between the axes, in the colours that are asked for now.
 * @property {any[]} traces
 * @property {any[]} [images]
 * @property {any[]} [shapes]
 * @property {any[]} [annotations]
 * @property {Range} range what is seen.
 * @property {string} [span] that in words.
 */

/** @typedef {AreaOptions & Pointing} AxesOptions */

export class Axes extends Area {
  /** @param {AxesOptions} options */
  constructor(options) {
    super(options);
    this.onHover = options.onHover;
    this.onClick = options.onClick;
    /** @type {any} the library, as soon as it is there. */
    this.Plotly = null;
    this.clickedAt = 0;
    /** @type {PointerEvent | null} of a pointer that is down. */
    this.pressed = null;
    /** @type {string | undefined} the range that `onRange` knows. */
    this.told = undefined;
    this.failure = ""; // why there are no axes
  }

  /** Draws the axes. @param {any} Plotly */
  async start(Plotly) {
    if (this.scope.ended) return;
    this.Plotly = Plotly;
    const { data, layout } = palette.resolve(this.figure);
    Object.assign(layout, palette.resolve(this.marks), this.#size());
    const buttons = [
      ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d"],
      [this.#resetButton(), this.#saveButton()],
    ];
    await Plotly.newPlot(this.plot, data, layout, { ...CONFIG, modeBarButtons: buttons });
    this.scope.finally(() => Plotly.purge(this.plot));
    this.#nameButtons();
    if (!this.scope.ended) this.#watch();
  }

  /** There will be no axes, and the picture says why, whatever else there is to say. @param {string} words */
  fail(words) {
    if (this.started) return;
    this.failure = words;
    this.host.classList.add("plot-failed");
    this.say(words);
  }

  /** @param {string} words */
  say(words) {
    super.say(this.failure || words);
  }

  /** Plotly names its buttons alike in every plot of the page; with the plot's own name they are told apart. */
  #nameButtons() {
    this.plot.querySelector(".modebar")?.setAttribute("aria-label", `Tools: ${this.name}`);
    for (const button of this.plot.querySelectorAll(".modebar-btn")) {
      button.setAttribute("aria-label", `${button.dataset.title}: ${this.name}`);
    }
  }

  get started() {
    return Boolean(this.plot._fullLayout?.xaxis?.range);
  }

  #watch() {
    const { scope, host } = this;
    this.told = this.#text();
    this.#tickWholes();
    this.plot.on("plotly_relayout", () => this.#moved(true));
    this.plot.on("plotly_relayouting", () => this.#moved(false));
    scope.watchSize(
      host,
      scope.once(() => this.#fit()),
    );
    scope.finally(onScheme(() => this.recolour()));
    scope.finally(onPrint(() => this.#fit()));
    scope.on(host, "pointermove", (event) => event.buttons || this.onHover?.(this.cellAt(event.clientX, event.clientY)));
    scope.on(host, "pointerleave", () => this.onHover?.(null));
    scope.on(host, "pointerdown", (event) => (this.pressed = event), { capture: true });
    scope.on(window, "pointerup", (event) => this.#release(event), { capture: true });
  }

  /** A size of our own: Plotly would look for one at each change, which lays out the page. */
  #size() {
    const { clientWidth: width, clientHeight: height } = this.host;
    return width && height ? { width, height } : {};
  }

  #fit() {
    const { width, height } = this.#size();
    const { layout } = this.plot;
    if (!width || (layout.width === width && layout.height === height)) return;
    this.Plotly.relayout(this.plot, { width, height });
    this.moved();
  }

  // ------------------------------------------------------------ what is seen

  /** @returns {Range} */
  get range() {
    if (!this.started) return super.range;
    const { xaxis, yaxis } = this.plot._fullLayout;
    return { x: xaxis.range.map(Number), y: yaxis.range.map(Number) };
  }

  get area() {
    if (!this.started) return super.area;
    const { l, t, w, h } = this.plot._fullLayout._size;
    return { left: l, top: t, width: w, height: h };
  }

  #text() {
    return JSON.stringify(this.range);
  }

  /** Plotly tells of a change later, and of ours too: only what is not known yet was the reader's. @param {boolean} settled */
  #moved(settled) {
    const now = this.#text();
    if (settled) this.#tickWholes();
    this.moved();
    if (!settled || now === this.told) return;
    this.told = now;
    this.onRange?.(this.range);
  }

  /** Changes axes without telling `onRange`. @param {Update} update */
  adjust(update) {
    if (!this.started) return super.adjust(update);
    this.Plotly.relayout(this.plot, this.#limited({ ...this.#wholeTicks(update), ...update }));
    this.told = this.#text();
    return this.moved();
  }

  /**
   * An update without the limits of those axes whose range it changes: Plotly reads them with the range, and would draw the
   * whole chart anew if it was told of them, which takes six times as long.
   * @param {Update} update
   */
  #limited(update) {
    const { layout } = this.plot;
    const isLimit = (/** @type {string} */ path) => {
      const [axis, name] = path.split(".");
      return (name === "minallowed" || name === "maxallowed") && `${axis}.range` in update;
    };
    for (const path of Object.keys(update).filter(isLimit)) {
      const [axis, name] = path.split(".");
      layout[axis][name] = update[path];
    }
    return Object.fromEntries(Object.entries(update).filter(([path]) => !isLimit(path)));
  }

  /** After Plotly changed what is seen by itself. */
  #tickWholes() {
    const ticks = this.#wholeTicks({});
    if (Object.keys(ticks).length) this.Plotly.relayout(this.plot, ticks);
  }

  /** Whether an axis counts something, such as epochs. @param {"x" | "y"} name */
  counts(name) {
    return this.plot._fullLayout[`${name}axis`].tickformat === "d";
  }

  /**
   * Of few epochs or neurons each has its tick: Plotly puts several between two, and names them alike.
   * @param {Update} update what else is going to change. @returns {Update}
   */
  #wholeTicks(update) {
    const ticks = /** @type {Update} */ ({});
    for (const name of /** @type {const} */ (["x", "y"])) {
      const axis = `${name}axis`;
      const { tickmode } = this.plot.layout[axis];
      const [from, to] = /** @type {number[]} */ (update[`${axis}.range`] ?? this.range[name]);
      const few = this.counts(name) && Math.abs(to - from) <= FEW;
      if (tickmode === "array" || few === (tickmode === "linear")) continue; // names are no numbers
      Object.assign(ticks, { [`${axis}.tickmode`]: few ? "linear" : "auto", [`${axis}.tick0`]: 0, [`${axis}.dtick`]: few ? 1 : null });
    }
    return ticks;
  }

  /** Lines and labels, with `var(--…)` colours. @param {Marks} marks */
  mark(marks) {
    if (JSON.stringify(marks) === JSON.stringify(this.marks)) return;
    this.marks = marks;
    if (this.started) this.adjust(palette.resolve(marks));
  }

  /** Takes the colours of axes and marks anew from the style sheet. */
  recolour() {
    const { layout } = palette.resolve(this.figure);
    const update = { "font.color": layout.font.color, ...palette.resolve(this.marks) };
    for (const axis of ["xaxis", "yaxis"]) {
      for (const ink of ["tickcolor", "linecolor", "gridcolor"]) {
        if (layout[axis][ink]) update[`${axis}.${ink}`] = layout[axis][ink];
      }
    }
    for (const ink of ["bgcolor", "color", "activecolor"]) update[`modebar.${ink}`] = layout.modebar[ink];
    if (layout.title) update["title.font.color"] = layout.title.font.color;
    this.adjust(update);
  }

  /**
   * Plotly catches clicks for itself; a press that went nowhere is one, and two at once ask for all.
   * @param {PointerEvent} event
   */
  #release(event) {
    const start = this.pressed;
    this.pressed = null;
    const pressed = /** @type {Element | null | undefined} */ (start?.target);
    if (!start || event.button !== 0 || pressed?.closest(".modebar")) return;
    if (Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_PIXELS) return;
    const cell = this.cellAt(event.clientX, event.clientY);
    if (!cell) return;
    const again = event.timeStamp - this.clickedAt < DOUBLE_CLICK_MS;
    this.clickedAt = again ? 0 : event.timeStamp;
    if (again) this.showAll();
    else this.onClick?.(cell);
  }

  // ------------------------------------------------------------ buttons

  #resetButton() {
    const icon = this.Plotly.Icons.home;
    return { name: "all", title: "Reset zoom (double-click)", icon, click: () => this.showAll() };
  }

  #saveButton() {
    const icon = this.Plotly.Icons.disk;
    return { name: "save", title: "Save…", icon, click: () => askAndSave(this) };
  }

  /** What the horizontal axis is of. */
  get across() {
    return this.plot.layout?.xaxis?.title?.text || "epoch";
  }

  /** For heirs: what a saved file has between the axes. @returns {Drawn} */
  drawn() {
    return { traces: this.plot.data, range: this.range };
  }

  /** The data of what is seen. @returns {DataTable | Promise<DataTable>} */
  dataTable() {
    return this.data?.(this.range) ?? { header: [this.across], rows: [] };
  }
}
