/*
 * Plotly axes that are looked at together with others.
 *
 * The base of CellCanvas (a canvas of cells under the axes) and Chart (lines). It knows what part is seen, tells its
 * owner when the reader zooms, and lets the owner move it without telling.
 */

import { at } from "../ui/routes.js";
import { notice, onScheme } from "../ui/shell.js";
import { Area } from "./area.js";
import * as palette from "./palette.js";

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
const HEAD_PIXELS = 30;
const LEGEND_PIXELS = 34;
/** Where a saved file has its title and its legend. */
const TITLE = { x: 0, xref: "paper", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 8 } };
const LEGEND = { orientation: "h", x: 0, xanchor: "left", y: 0, yref: "container", yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" };
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

/** @import { AreaOptions, Cell, Figure, Key, Marks, Range, Update } from "./area.js" */

/** A trace that is nowhere but in the legend. @param {Key} line */
function key({ name, colour, dash }) {
  const look = dash
    ? { mode: "lines", line: { color: colour, dash } }
    : { mode: "markers", marker: { color: colour, symbol: "square", size: 11 } };
  return { type: "scatter", x: [null], y: [null], name: name.replaceAll("<", "&lt;"), showlegend: true, ...look };
}

/**
 * @typedef {object} Pointing
 * @property {(cell: Cell | null) => void} [onHover] null: the reader points at none any more.
 * @property {(cell: Cell) => void} [onClick]
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
    Object.assign(layout, palette.resolve(this.marks));
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
    scope.on(host, "pointermove", (event) => event.buttons || this.onHover?.(this.cellAt(event.clientX, event.clientY)));
    scope.on(host, "pointerleave", () => this.onHover?.(null));
    scope.on(host, "pointerdown", (event) => (this.pressed = event), { capture: true });
    scope.on(window, "pointerup", (event) => this.#release(event), { capture: true });
  }

  #fit() {
    if (!this.host.clientWidth) return;
    this.Plotly.Plots.resize(this.plot).then(
      () => !this.scope.ended && this.moved(),
      () => {},
    );
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
    this.Plotly.relayout(this.plot, update);
    this.#tickWholes();
    this.told = this.#text();
    return this.moved();
  }

  /** Of few epochs or neurons each has its tick: Plotly puts several between two, and names them alike. */
  #tickWholes() {
    const update = {};
    for (const name of /** @type {const} */ (["x", "y"])) {
      const axis = `${name}axis`;
      const { tickformat, tickmode } = this.plot._fullLayout[axis];
      const [from, to] = this.range[name];
      const few = Math.abs(to - from) <= FEW;
      if (tickformat !== "d" || tickmode === "array" || few === (tickmode === "linear")) continue; // names are no numbers
      Object.assign(update, { [`${axis}.tickmode`]: few ? "linear" : "auto", [`${axis}.tick0`]: 0, [`${axis}.dtick`]: few ? 1 : null });
    }
    if (Object.keys(update).length) this.Plotly.relayout(this.plot, update);
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
    const icon = this.Plotly.Icons.camera;
    return { name: "save", title: "Save as PNG", icon, click: () => this.#saveOrSay() };
  }

  /** For heirs: what lies under the axes in a saved file, as Plotly layout images. @returns {object[]} */
  underlay() {
    return [];
  }

  /** The plot as a file shows it: as it is seen, with its title and its legend, on the card's ground. @returns {Figure} */
  figureToSave() {
    const { layout } = this.plot;
    const { clientWidth: width, clientHeight } = this.host;
    const keys = (this.legend?.() || []).map(key);
    const height = clientHeight + HEAD_PIXELS + (keys.length ? LEGEND_PIXELS : 0);
    const margin = { ...layout.margin, t: layout.margin.t + HEAD_PIXELS, b: layout.margin.b + (keys.length ? LEGEND_PIXELS : 0) };
    const text = this.name.replaceAll("<", "&lt;");
    const title = { ...TITLE, text, font: { size: 14, color: palette.token("--neq-text") } };
    const changes = { title, legend: { ...LEGEND }, margin, width, height, images: this.underlay(), showlegend: keys.length > 0 };
    const ground = palette.token("--neq-surface");
    return { data: keys.length ? palette.resolve(keys) : this.plot.data, layout: { ...layout, ...changes, paper_bgcolor: ground } };
  }

  async #saveOrSay() {
    try {
      await this.save();
    } catch (problem) {
      reportError(problem);
      if (!this.scope.ended) notice("The picture could not be saved.", "bad");
    }
  }

  /** Saves the plot as a PNG file. */
  async save() {
    const figure = this.figureToSave();
    const { width, height } = figure.layout;
    await this.Plotly.downloadImage(figure, { format: "png", scale: 2, width, height, filename: this.name });
  }
}
