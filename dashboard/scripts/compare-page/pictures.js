/*
 * The runs of which single neurons are shown: a few, chosen among all that are compared, joined in layer and zoom.
 */

import { ColourSwitch, modes } from "../plot/colour-modes.js";
import { wholeOf } from "../plot/line-chart.js";
import { widest } from "../run-data/feed.js";
import { element } from "../ui/dom.js";
import { Entry } from "./entry.js";

/** @import { Figure, Range } from "../plot/area.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { NeuronCell } from "../plot/heatmap.js" */
/** @import { Layer, Parts } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Member } from "./members.js" */

/**
 * @typedef {object} PicturesOptions
 * @property {Scope} scope
 * @property {Parts} parts
 * @property {Record<string, Figure>} figures
 * @property {Together} together
 * @property {string} mode of modes.
 * @property {string | null} layer the name of the layer to begin with.
 * @property {(changes: {layer?: string, colour?: string | null}) => void} onStep the reader chose: for the address.
 * @property {() => void} onNews a run tells something new.
 * @property {(id: string) => void} onDeleted
 * @property {(layer: string) => void} onLayer a layer is shown.
 */

export class Pictures {
  /** @param {PicturesOptions} options */
  constructor(options) {
    this.options = options;
    this.scope = options.scope;
    this.parts = options.parts;
    this.together = options.together;
    this.mode = options.mode;
    /** @type {string | null} the layer to look at, by name. */
    this.wanted = options.layer;
    /** @type {string | null} the one that is looked at. */
    this.layer = options.layer;
    /** @type {Entry[]} */
    this.entries = [];
    this.failure = ""; // why there are no axes
    /** @type {any} */
    this.Plotly = null;
    this.switch = this.#wireControls();
  }

  /** Shows these runs, in this order. @param {Member[]} members */
  async show(members) {
    const same = this.entries.length === members.length && this.entries.every(({ feed }, at) => feed.id === members[at].id);
    if (same) return;
    const kept = this.entries.filter(({ feed }) => members.some(({ id }) => id === feed.id));
    for (const entry of this.entries) if (!kept.includes(entry)) entry.end();
    const crowded = members.length > 2;
    this.entries = members.map((member) => kept.find(({ feed }) => feed.id === member.id) ?? this.#entry(member, crowded));
    for (const row of [this.parts.heatmaps, this.parts.overviews]) row.dataset.runs = String(members.length);
    this.parts.heatmaps.append(...this.entries.map(({ panes }) => panes[0]));
    this.parts.overviews.append(...this.entries.map(({ panes }) => panes[1]));
    await Promise.all(this.entries.filter((entry) => !kept.includes(entry)).map((entry) => this.#begin(entry)));
  }

  /** @param {Entry} entry */
  async #begin(entry) {
    entry.feed.start();
    if (this.failure) this.fail(this.failure);
    if (this.Plotly) await this.#draw(entry);
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    this.Plotly = Plotly;
    await Promise.all(this.entries.map((entry) => this.#draw(entry)));
  }

  /** @param {Entry} entry */
  async #draw(entry) {
    const pictures = [entry.heatmap, entry.overview];
    await Promise.all(pictures.map((picture) => picture.start(this.Plotly)));
    if (entry.scope.ended) return;
    for (const { picture } of pictures) this.together.add(picture);
    entry.drawn = true;
    this.drawHistory();
  }

  /** There will be no axes. @param {string} words */
  fail(words) {
    this.failure = words;
    for (const { heatmap, overview } of this.entries) for (const { picture } of [heatmap, overview]) picture.fail(words);
  }

  /** @param {Member} member @param {boolean} crowded */
  #entry(member, crowded) {
    const { figures, parts } = this.options;
    const entry = new Entry({
      scope: this.scope.child(),
      parts,
      record: member.record,
      figures,
      name: member.name,
      ink: member.ink,
      crowded,
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
    const { onNews, onDeleted } = this.options;
    feed.on("layers", () => this.#layersKnown());
    feed.on("history", () => this.drawHistory());
    feed.on("cells", () => this.#layerChanged());
    feed.on("run", onNews);
    feed.on("end", onNews);
    feed.on("metrics", onNews);
    feed.on("trouble", (trouble) => {
      entry.trouble = trouble?.words ?? null;
      this.#explainEmpty();
    });
    feed.on("deleted", () => onDeleted(feed.id));
    feed.on("column", ({ epoch, of = "state" }) => entry.drawn && of === modes[this.mode].of && heatmap.append(epoch));
    feed.on("epoch", (epoch) => {
      onNews();
      if (!entry.drawn) return;
      this.extend();
      overview.append(epoch);
      entry.markRates();
      entry.explainEmpty(this.layer); // the first epoch is here
    });
  }

  /** Epochs that are finished in the run that has come furthest. */
  get done() {
    return Math.max(0, ...this.entries.map(({ feed }) => feed.done));
  }

  /** The runs are drawn otherwise from now on. @param {Member[]} members */
  paint(members) {
    for (const entry of this.entries) {
      const member = members.find(({ id }) => id === entry.feed.id);
      if (member) entry.paint(member.ink);
    }
  }

  extend() {
    this.together.extend(wholeOf(this.done, Math.max(1, ...this.entries.map(({ feed }) => feed.planned))));
  }

  drawHistory() {
    const drawn = this.entries.filter((entry) => entry.drawn);
    if (!drawn.length) return;
    this.extend();
    for (const entry of drawn) {
      entry.overview.draw();
      entry.markRates();
    }
    this.#layerChanged();
    this.options.onNews();
  }

  // ------------------------------------------------------------ the layer

  /** Names of all layers of all runs, in the order of the first run that has them. */
  names() {
    return [...new Set(this.entries.flatMap(({ feed }) => feed.layers.map((layer) => layer.name)))];
  }

  #layersKnown() {
    const names = this.names();
    this.parts.layer.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    this.parts["layer-controls"].hidden = false;
    this.switch.epsilon = this.#epsilon();
    this.switch.show(this.mode);
    for (const { overview, drawn } of this.entries) if (drawn) overview.draw();
    const had = (/** @type {Layer} */ { name }) => this.entries.every(({ feed }) => feed.layers.some((each) => each.name === name));
    const every = this.entries.flatMap(({ feed }) => feed.layers);
    const common = every.filter(had);
    const all = common.length ? common : every;
    this.options.onNews();
    // A guess is made anew when another run tells its layers; a choice stays.
    this.#show(this.wanted !== null && names.includes(this.wanted) ? this.wanted : all[widest(all)].name);
  }

  /** The reader opens the layer of this name. @param {string} name */
  open(name) {
    if (!this.names().includes(name)) return;
    this.wanted = name;
    this.#show(name);
  }

  /** Shows the layer of this name in every run that has it. @param {string} name */
  #show(name) {
    const names = this.names();
    this.layer = name;
    const { choice, back, on } = this.#layerControls();
    choice.value = name;
    back.disabled = names.indexOf(name) === 0;
    on.disabled = names.indexOf(name) === names.length - 1;
    this.options.onStep({ layer: name });
    const first = this.entries.find(({ feed }) => feed.layers.some((layer) => layer.name === name));
    for (const entry of this.entries) entry.open(name, first?.feed.layers ?? []);
    this.options.onLayer(name);
    this.#layerChanged();
  }

  #layerChanged() {
    for (const entry of this.entries) if (entry.drawn) entry.drawLayer();
    this.#explainEmpty();
  }

  #explainEmpty() {
    for (const entry of this.entries) if (entry.drawn) entry.explainEmpty(this.layer);
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

  /** To the next layer or the one before. @param {1 | -1} by */
  step(by) {
    const names = this.names();
    this.open(names[names.indexOf(this.layer ?? "") + by]);
  }

  #wireControls() {
    const { scope, parts } = this;
    const { choice, back, on } = this.#layerControls();
    scope.on(choice, "change", () => this.open(choice.value));
    scope.on(back, "click", () => this.step(-1));
    scope.on(on, "click", () => this.step(1));
    return new ColourSwitch(scope, parts, 0, this.mode, (mode) => {
      this.mode = mode;
      this.options.onStep({ colour: modes[mode].query });
      for (const { heatmap } of this.entries) heatmap.colourBy(mode);
    });
  }
}
