/*
 * The page of runs side by side: the same layer of each, joined in zoom and pointing; curves overlaid; what differs.
 */

import { ColourSwitch, modeOf, modes } from "../plot/colour-modes.js";
import { plotly } from "../plot/frame.js";
import { Heatmap } from "../plot/heatmap.js";
import { Together, wholeOf } from "../plot/line-chart.js";
import { Feed, nothingYet, widest } from "../run-data/feed.js";
import { Curves } from "../run-page/curves.js";
import { Overview } from "../run-page/overview.js";
import { element, parts } from "../ui/dom.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { go, onLeave, whenThere } from "../ui/shell.js";
import { help } from "../ui/tooltip.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import { compareAddress, distinctNames, RunPicker } from "./picker.js";
import { CompareTables } from "./tables.js";

let current = null;

class ComparePage {
  /**
   * @param {HTMLElement} root the page's frame, drawn by pages/compare.py.
   * @param {{runs: object[], settings: object[], missing: string[], left_out: number, layer: string|null, figures: object[]}} data
   *   settings: the runs' configurations, made comparable.
   */
  constructor(root, data) {
    this.root = root;
    this.scope = new Scope();
    this.parts = parts(root);
    this.data = data;
    this.wanted = this.layer = data.layer;
    this.mode = modeOf(readQuery().colour);
    this.together = new Together();
    help(this.scope, root);
    new RunPicker(this.scope, this.parts.chips, data);
    this.#sayMissing();
    if (!data.runs.length) return;
    this.names = distinctNames(data.runs);
    this.entries = data.runs.map((record, place) => this.#entry(record, place));
    this.tables = new CompareTables(this.scope, this.parts, this.entries);
    this.curves = new Curves({
      scope: this.scope,
      hosts: this.parts,
      figures: data.figures[0],
      name: "comparison",
      onPoint: (epoch) => this.#point(epoch),
    });
    this.#wireControls();
    this.drawSoon = this.scope.once(() => this.#drawCurves());
    this.#start();
  }

  #sayMissing() {
    const { missing, left_out: left, runs } = this.data;
    const words = [
      missing.length && `There is no run ${missing.join(", ")}; it may have been deleted.`,
      left && `Only four runs fit side by side; ${left} more ${left === 1 ? "was" : "were"} left out.`,
      runs.length === 1 && "Add another run to compare with.",
      !runs.length && "Choose two to four runs. Their neurons, curves and settings are then shown side by side.",
    ].filter(Boolean);
    this.parts.notice.hidden = !words.length;
    this.parts.notice.dataset.kind = missing.length ? "warn" : "quiet";
    this.parts.notice.replaceChildren(...words.map((text) => element("p", {}, text)));
  }

  /** Into the address, unless the reader has gone on to another page, which is not drawn yet. */
  #remember(changes) {
    if (!this.scope.ended && /\/compare\/*$/.test(location.pathname)) writeQuery(changes);
  }

  // ------------------------------------------------------------ one run of them

  #entry(record, place) {
    const { scope, parts, data } = this;
    const colour = `var(--neq-series-${place + 1})`;
    const feed = new Feed(scope, record);
    const name = this.names.get(record.id);
    const pane = (className) => {
      const host = element("div", { class: className });
      const note = element("p.picture-note", { hidden: true });
      const head = element("h3.compare-name", {}, element("span.swatch", { style: `background: ${colour}` }), name);
      return { host, note, box: element("div.compare-pane", {}, head, host, note) };
    };
    const neurons = pane("picture-neurons");
    const layers = pane("picture-overview");
    parts.heatmaps.append(neurons.box);
    parts.overviews.append(layers.box);
    const figures = data.figures[place];
    const heatmap = new Heatmap({
      scope,
      host: neurons.host,
      note: neurons.note,
      figure: figures.neurons,
      name: `${name} neurons`,
      mode: this.mode,
      epsilon: record.config.neq.epsilon,
      onPoint: (cell) => this.#pointCell(heatmap, cell),
      onRange: (range) => this.#zoomed(heatmap, range),
    });
    const overview = new Overview({
      scope,
      host: layers.host,
      figure: narrow(figures.overview, data.runs.length > 2 ? 84 : 120),
      feed,
      name,
      labelSigns: data.runs.length > 2 ? 12 : 17,
      onOpen: (layer) => this.open(feed.layers[layer].name),
      onPoint: (epoch) => this.#point(epoch),
    });
    this.#listen(feed, heatmap, overview);
    return { feed, name, colour, heatmap, overview, config: data.settings[place] };
  }

  #listen(feed, heatmap, overview) {
    feed.on("layers", () => this.#layersKnown());
    feed.on("history", () => this.#drawHistory());
    feed.on("cells", () => this.#layerChanged());
    feed.on("run", () => this.#tablesSoon());
    feed.on("end", () => this.#tablesSoon());
    feed.on("trouble", (message) => {
      feed.trouble = message;
      this.#explainEmpty();
    });
    feed.on("deleted", () => go(compareAddress(this.data.runs.map((run) => run.id).filter((id) => id !== feed.id))));
    feed.on("column", ({ epoch, of = "state" }) => this.drawn && of === modes[this.mode].of && heatmap.append(epoch));
    feed.on("epoch", (epoch) => {
      if (!this.drawn) return;
      this.#extend();
      overview.append(epoch);
      this.drawSoon();
    });
  }

  #tablesSoon() {
    this.tables?.draw();
    this.#explainEmpty();
  }

  // ------------------------------------------------------------ beginning

  async #start() {
    for (const { feed } of this.entries) feed.start();
    const Plotly = await plotly(this.data.plotly);
    if (this.scope.ended) return;
    const pictures = this.entries.flatMap(({ heatmap, overview }) => [heatmap, overview]);
    await Promise.all([this.curves, ...pictures].map((picture) => picture.start(Plotly)));
    if (this.scope.ended) return;
    for (const { picture } of pictures) this.together.add(picture);
    this.curves.join(this.together);
    this.drawn = true;
    this.root.dataset.drawn = "";
    this.#drawHistory();
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
    this.curves.drawMany(this.entries);
    for (const { feed, heatmap, overview } of this.entries) {
      overview.markEpochs(feed.rateChanges());
      heatmap.markDrops(feed.rateChanges());
    }
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
    this.tables.draw();
    if (this.drawn) for (const { overview } of this.entries) overview.draw();
    const all = this.entries.flatMap(({ feed }) => feed.layers);
    // A guess is made anew when another run tells its layers; a choice stays.
    this.#show(names.includes(this.wanted) ? this.wanted : all[widest(all)].name);
  }

  /** The reader opens the layer of this name. */
  open(name) {
    if (!this.#names().includes(name)) return;
    this.wanted = name;
    this.#show(name);
  }

  /** Shows the layer of this name in every run that has it. */
  #show(name) {
    const names = this.#names();
    this.layer = name;
    const { layer, "layer-back": back, "layer-on": on } = this.parts;
    layer.value = name;
    back.disabled = names.indexOf(name) === 0;
    on.disabled = names.indexOf(name) === names.length - 1;
    this.#remember({ layer: name });
    for (const { feed } of this.entries) {
      const own = feed.layers.find((each) => each.name === name);
      feed.watch(own ? [own.index] : []);
    }
    this.#layerChanged();
  }

  #layerChanged() {
    if (!this.drawn) return;
    for (const { feed, heatmap, overview } of this.entries) {
      const layer = [...feed.open.values()][0] || null;
      if (layer) overview.select(layer.index);
      if (heatmap.layer !== layer) heatmap.show(layer);
      else heatmap.redraw();
    }
    this.#explainEmpty();
  }

  #explainEmpty() {
    if (!this.drawn) return;
    for (const { feed, heatmap, overview } of this.entries) {
      const layer = [...feed.open.values()][0];
      const lacks = feed.layers.length && !layer && this.layer ? `This run has no layer ${this.layer}.` : "";
      heatmap.picture.say(feed.trouble || layer?.problem || lacks || nothingYet(feed));
      overview.picture.say(feed.trouble || nothingYet(feed));
    }
  }

  // ------------------------------------------------------------ joined

  #pointCell(from, cell) {
    this.#point(cell?.column ?? null);
    for (const { heatmap } of this.entries) if (heatmap !== from) heatmap.echo(cell);
  }

  #point(epoch) {
    this.together.point(epoch);
  }

  /** Epochs are joined by Together; rows only among layers of the same size. */
  #zoomed(from, range) {
    for (const { heatmap } of this.entries) {
      const same = heatmap.layer && from.layer && heatmap.layer.layer.neurons === from.layer.layer.neurons;
      if (heatmap !== from && same) heatmap.picture.show({ y: range.y });
    }
  }

  // ------------------------------------------------------------ controls

  #wireControls() {
    const { scope, parts } = this;
    const step = (by) => {
      const names = this.#names();
      this.open(names[names.indexOf(this.layer) + by]);
    };
    scope.on(parts.layer, "change", () => this.open(parts.layer.value));
    scope.on(parts["layer-back"], "click", () => step(-1));
    scope.on(parts["layer-on"], "click", () => step(1));
    const keys = new Keys(
      scope,
      [
        { keys: ["l"], shown: "l · Shift+L", words: "the next layer, the one before", act: (event) => step(event.shiftKey ? -1 : 1) },
        { keys: ["?"], shown: "?", words: "this help", act: () => keys.help() },
      ],
      "On a picture of neurons the arrow keys go from cell to cell, + and − zoom, 0 shows all.",
    );
    const thresholds = new Set(this.entries.map(({ feed }) => feed.record.config.neq.epsilon));
    const epsilon = thresholds.size === 1 ? [...thresholds][0] : 0;
    new ColourSwitch(scope, parts, epsilon, this.mode, (mode) => {
      this.mode = mode;
      this.#remember({ colour: modes[mode].query });
      for (const { heatmap } of this.entries) heatmap.colourBy(mode);
    });
  }
}

/** A figure with another left margin. */
export const narrow = (figure, left) => ({
  ...figure,
  layout: { ...figure.layout, margin: { ...figure.layout.margin, l: left } },
});

/** Called by Dash when the layout is there; the former page's scripts end first. */
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
