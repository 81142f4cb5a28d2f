/*
 * The page of runs side by side: the same layer of each, joined in zoom and pointing; curves overlaid; what differs.
 */

import { plotly, undrawn } from "../plot/axes.js";
import { ColourSwitch, modeOf, modes } from "../plot/colour-modes.js";
import { Together, wholeOf } from "../plot/line-chart.js";
import { widest } from "../run-data/feed.js";
import { compared } from "../run-data/metric-feed.js";
import { Curves } from "../run-page/curves.js";
import { lookOf, MetricsCard } from "../run-page/metrics-card.js";
import { element, parts } from "../ui/dom.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { go, onLeave, whenThere } from "../ui/shell.js";
import { help } from "../ui/tooltip.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import { Entry } from "./entry.js";
import { MaskCard } from "./masks.js";
import { compareAddress, distinctNames, RunPicker } from "./picker.js";
import { CompareTables } from "./tables.js";

/** @import { Titles } from "../run-data/settings.js" */
/** @import { RunConfig } from "../../types/api" */
/** @import { Layer, Run } from "../../types/pages" */
/** @import { Figure, Range } from "../plot/area.js" */
/** @import { NeuronCell } from "../plot/heatmap.js" */

/** @type {ComparePage | null} */
let current = null;

/**
 * @typedef {object} CompareData what pages/compare.py draws from.
 * @property {Run[]} runs
 * @property {RunConfig[]} settings the runs' configurations, made comparable.
 * @property {Titles} titles
 * @property {string[]} missing ids of runs that do not exist.
 * @property {number} left_out how many more were asked for than fit.
 * @property {number} most how many fit.
 * @property {string | null} layer the name of the layer to begin with.
 * @property {Record<string, Figure>[]} figures
 * @property {string} plotly its address.
 */

class ComparePage {
  /**
   * @param {HTMLElement} root the page's frame, drawn by pages/compare.py.
   * @param {CompareData} data
   */
  constructor(root, data) {
    this.root = root;
    this.scope = new Scope();
    this.parts = parts(root);
    this.data = data;
    /** @type {string | null} the layer to look at, by name. */
    this.wanted = data.layer;
    /** @type {string | null} the one that is looked at. */
    this.layer = data.layer;
    this.drawn = false;
    /** @type {ColourSwitch | null} */
    this.switch = null;
    this.mode = modeOf(readQuery().colour);
    this.together = new Together();
    help(this.scope, root);
    new RunPicker(this.scope, this.parts.chips, data);
    this.#sayMissing();
    this.names = distinctNames(data.runs);
    /** @type {Entry[]} */
    this.entries = [];
    this.drawSoon = this.scope.once(() => this.#drawCurves());
    if (data.runs.length) this.#build();
  }

  #build() {
    const { data } = this;
    this.entries = data.runs.map((record, place) => this.#entry(record, place));
    this.tables = new CompareTables({ scope: this.scope, parts: this.parts, entries: this.entries, titles: data.titles });
    this.curves = new Curves({
      scope: this.scope,
      hosts: this.parts,
      figures: data.figures[0],
      name: "comparison",
      onPoint: (epoch) => this.together.point(epoch),
    });
    this.metrics = this.#logged();
    this.parts["masks-card"].hidden = this.entries.length < 2;
    this.masks = this.entries.length < 2 ? null : this.#masks();
    this.#wireControls();
    this.#start(this.curves);
  }

  /** The metrics that several of the runs logged under one name. */
  #logged() {
    const { scope, parts, data, entries } = this;
    const feeds = entries.map(({ feed }) => feed);
    return new MetricsCard({
      scope,
      parts,
      sources: entries,
      listed: () => compared(feeds),
      title: "comparison",
      figures: data.figures[0],
      look: lookOf(readQuery()),
      onStep: (changes) => this.#remember(/** @type {Record<string, string | null>} */ (changes)),
    });
  }

  /** Two of the runs, mask against mask. */
  #masks() {
    const { scope, parts, entries, data } = this;
    return new MaskCard({ scope, parts, entries, figures: data.figures[0], onOpen: (layer) => this.open(layer) });
  }

  #sayMissing() {
    const { missing, left_out: left, runs } = this.data;
    const words = [
      missing.length && `There is no run ${missing.join(", ")}; it may have been deleted.`,
      left && `At most four runs can be compared; ${left} more ${left === 1 ? "was" : "were"} left out.`,
      runs.length === 1 && "Add a second run.",
      !runs.length && "Select two to four runs to compare their neurons, curves and settings.",
    ].filter((text) => typeof text === "string");
    this.parts.notice.hidden = !words.length;
    this.parts.notice.dataset.kind = missing.length ? "warn" : "quiet";
    this.parts.notice.replaceChildren(...words.map((text) => element("p", {}, text)));
  }

  /** Into the address, unless the reader has gone on to another page, which is not drawn yet. @param {Record<string, string | null>} changes */
  #remember(changes) {
    if (!this.scope.ended && /\/compare\/*$/.test(location.pathname)) writeQuery(changes);
  }

  // ------------------------------------------------------------ one run of them

  /** @param {Run} record @param {number} place */
  #entry(record, place) {
    const { scope, parts, data } = this;
    const entry = new Entry({
      scope,
      parts,
      record,
      place,
      config: data.settings[place],
      figures: data.figures[place],
      name: this.names.get(record.id) ?? record.name,
      crowded: data.runs.length > 2,
      mode: this.mode,
      onOpen: (layer) => this.open(layer),
      onPoint: (epoch) => this.together.point(epoch),
      onPointCell: (cell) => this.#pointCell(entry, cell),
      onRange: (range) => this.#zoomed(entry, range),
    });
    this.#listen(entry);
    return entry;
  }

  /** @param {Entry} entry */
  #listen(entry) {
    const { feed, heatmap, overview } = entry;
    feed.on("layers", () => this.#layersKnown());
    feed.on("history", () => this.#drawHistory());
    feed.on("cells", () => this.#layerChanged());
    feed.on("run", () => this.#tablesSoon());
    feed.on("end", () => this.#tablesSoon());
    feed.on("trouble", (trouble) => {
      entry.trouble = trouble?.words ?? null;
      this.#explainEmpty();
    });
    feed.on("deleted", () => go(compareAddress(this.data.runs.map((run) => run.id).filter((id) => id !== feed.id))));
    feed.on("column", ({ epoch, of = "state" }) => this.drawn && of === modes[this.mode].of && heatmap.append(epoch));
    feed.on("epoch", (epoch) => {
      if (!this.drawn) return;
      this.#extend();
      overview.append(epoch);
      this.masks?.changed();
      this.drawSoon();
    });
  }

  #tablesSoon() {
    this.tables?.draw();
    this.#explainEmpty();
  }

  // ------------------------------------------------------------ beginning

  /** @param {Curves} curves */
  async #start(curves) {
    const someTold = this.entries.some(({ feed }) => feed.external);
    for (const { feed } of this.entries) feed.start().then(() => someTold && feed.metrics.start());
    /** @type {any} */
    let Plotly;
    const pictures = this.entries.flatMap(({ heatmap, overview }) => [heatmap, overview]);
    try {
      Plotly = await plotly(this.data.plotly);
      if (this.scope.ended) return;
      await Promise.all([curves, ...pictures].map((picture) => picture.start(Plotly)));
    } catch (problem) {
      if (!this.scope.ended) this.#join(curves).fail(undrawn(problem));
      return;
    }
    if (this.scope.ended) return;
    this.#join(curves);
    this.metrics?.start(Plotly);
    this.masks?.start(Plotly, this.together);
    this.drawn = true;
    this.root.dataset.drawn = "";
    this.#drawHistory();
  }

  /** Joins all pictures by their epochs. @param {Curves} curves */
  #join(curves) {
    for (const { heatmap, overview } of this.entries) for (const { picture } of [heatmap, overview]) this.together.add(picture);
    curves.join(this.together);
    return this.together;
  }

  #extend() {
    const done = Math.max(...this.entries.map(({ feed }) => feed.done));
    const planned = Math.max(...this.entries.map(({ feed }) => feed.planned));
    this.together.extend(wholeOf(done, planned));
  }

  #drawHistory() {
    if (!this.drawn) return;
    this.#extend();
    for (const { overview } of this.entries) overview.draw();
    this.#layerChanged();
    this.#drawCurves();
  }

  #drawCurves() {
    if (!this.drawn) return;
    this.curves?.drawMany(this.entries);
    for (const entry of this.entries) entry.markRates();
    this.#tablesSoon();
  }

  // ------------------------------------------------------------ the layer

  /** Names of all layers of all runs, in the order of the first run that has them. */
  #names() {
    return [...new Set(this.entries.flatMap(({ feed }) => feed.layers.map((layer) => layer.name)))];
  }

  #layersKnown() {
    const names = this.#names();
    this.parts.layer.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    this.parts["layer-controls"].hidden = false;
    this.tables?.draw();
    if (this.switch) this.switch.epsilon = this.#epsilon();
    this.switch?.show(this.mode);
    if (this.drawn) for (const { overview } of this.entries) overview.draw();
    const had = (/** @type {Layer} */ { name }) => this.entries.every(({ feed }) => feed.layers.some((each) => each.name === name));
    const every = this.entries.flatMap(({ feed }) => feed.layers);
    const common = every.filter(had);
    const all = common.length ? common : every;
    // A guess is made anew when another run tells its layers; a choice stays.
    this.#show(this.wanted !== null && names.includes(this.wanted) ? this.wanted : all[widest(all)].name);
  }

  /** The reader opens the layer of this name. @param {string} name */
  open(name) {
    if (!this.#names().includes(name)) return;
    this.wanted = name;
    this.#show(name);
  }

  /** Shows the layer of this name in every run that has it. @param {string} name */
  #show(name) {
    const names = this.#names();
    this.layer = name;
    const { choice, back, on } = this.#layerControls();
    choice.value = name;
    back.disabled = names.indexOf(name) === 0;
    on.disabled = names.indexOf(name) === names.length - 1;
    this.#remember({ layer: name });
    for (const entry of this.entries) entry.open(name);
    this.masks?.open(name);
    this.#layerChanged();
  }

  #layerChanged() {
    if (!this.drawn) return;
    for (const entry of this.entries) entry.drawLayer();
    this.#explainEmpty();
  }

  #explainEmpty() {
    if (!this.drawn) return;
    for (const entry of this.entries) entry.explainEmpty(this.layer);
  }

  // ------------------------------------------------------------ joined

  /** @param {Entry} from @param {NeuronCell | null} cell */
  #pointCell(from, cell) {
    this.together.point(cell?.column ?? null);
    for (const entry of this.entries) if (entry !== from) entry.heatmap.echo(cell);
  }

  /** Epochs are joined by Together; rows only among layers of the same size. @param {Entry} from @param {Range} range */
  #zoomed(from, range) {
    const size = from.heatmap.layer?.layer.neurons;
    for (const entry of this.entries) {
      const same = size !== undefined && entry.heatmap.layer?.layer.neurons === size;
      if (entry !== from && same) entry.heatmap.picture.show({ y: range.y });
    }
  }

  /** The threshold of the runs' layers; 0: they have not one in common. */
  #epsilon() {
    const thresholds = new Set(this.entries.map(({ feed }) => feed.epsilonOf(null)));
    return thresholds.size === 1 ? [...thresholds][0] : 0;
  }

  // ------------------------------------------------------------ controls

  #layerControls() {
    const { layer: choice, "layer-back": back, "layer-on": on } = this.parts;
    return {
      choice: /** @type {HTMLSelectElement} */ (choice),
      back: /** @type {HTMLButtonElement} */ (back),
      on: /** @type {HTMLButtonElement} */ (on),
    };
  }

  #wireControls() {
    const { scope, parts } = this;
    const step = (/** @type {1 | -1} */ by) => {
      const names = this.#names();
      this.open(names[names.indexOf(this.layer ?? "") + by]);
    };
    const { choice, back, on } = this.#layerControls();
    scope.on(choice, "change", () => this.open(choice.value));
    scope.on(back, "click", () => step(-1));
    scope.on(on, "click", () => step(1));
    const keys = new Keys(
      scope,
      [
        { keys: ["l"], shown: "l · Shift+L", words: "next layer, previous layer", act: (event) => step(event.shiftKey ? -1 : 1) },
        { keys: ["?"], shown: "?", words: "show these shortcuts", act: () => keys.help() },
      ],
      "On a neuron heatmap, the arrow keys move between cells, + and − zoom, and 0 resets the zoom.",
    );
    this.switch = new ColourSwitch(scope, parts, this.#epsilon(), this.mode, (mode) => {
      this.mode = mode;
      this.#remember({ colour: modes[mode].query });
      for (const { heatmap } of this.entries) heatmap.colourBy(mode);
    });
  }
}

/** Called by Dash when the layout is there; the former page's scripts end first. @param {CompareData | null} data */
export async function mount(data) {
  if (!data) return null;
  current?.scope.end();
  const root = await whenThere("compare-page");
  for (const row of root.querySelectorAll(".compare-row")) row.replaceChildren();
  const page = new ComparePage(root, data);
  current = page;
  onLeave(() => page.scope.end());
  return data.runs.map((run) => run.id).join(",");
}

export const present = () => current;
