/*
 * The page of one run: joins what is known of it (Feed) to its head, pictures, configuration and log.
 */

import { plotly, undrawn } from "../plot/axes.js";
import { Cursor, CursorBar } from "../plot/epoch-cursor.js";
import { wholeOf } from "../plot/line-chart.js";
import { Feed, nothingYet, widest } from "../run-data/feed.js";
import { launchCommand } from "../run-data/settings.js";
import { copy } from "../ui/clipboard.js";
import { element, fillChoice, frameShown, parts, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { go, notice, onLeave, whenThere } from "../ui/shell.js";
import { help } from "../ui/tooltip.js";
import { readQuery } from "../ui/url-state.js";
import { Address, edgesOf, spanOf, whole } from "../ui/view-address.js";
import { drawConfig, drawTold } from "./config-card.js";
import { Coverage } from "./coverage.js";
import { DataCard } from "./data-card.js";
import { RunHead } from "./head.js";
import { runKeys } from "./keys.js";
import { LogView } from "./log-view.js";
import { lookOf } from "./metrics-card.js";
import { modeOf as overviewModeOf, MODES as overviewModes } from "./overview-modes.js";
import { Published } from "./paper-comparison.js";
import { buildPictures, viewOf } from "./pictures.js";
import { Machine } from "./resources.js";

/** @import { Epoch, Layer, Missing, Run } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Numbers } from "../run-data/layer-tables.js" */
/** @import { Titles } from "../run-data/settings.js" */
/** @import { Recipe } from "./paper-comparison.js" */
/** @import { Query } from "./pictures.js" */

/**
 * @typedef {object} Data what pages/run.py draws from.
 * @property {Run} run
 * @property {number | null} layer
 * @property {Record<string, Figure>} figures
 * @property {string} plotly its address.
 * @property {Recipe | null} recipe
 * @property {Titles} titles
 */

/** @type {RunPage | null} */
let current = null;

class RunPage {
  /**
   * @param {HTMLElement} root the page's frame, drawn by pages/run.py.
   * @param {Data} data
   */
  constructor(root, data) {
    this.root = root;
    this.drawn = false; // its axes are there
    this.scope = new Scope();
    this.parts = parts(root);
    this.data = data;
    this.feed = new Feed(this.scope, data.run);
    this.address = new Address(this.scope, (query) => this.#go(query), `/runs/${data.run.id}`);
    this.drawSoon = this.scope.once(() => this.#drawCurves());
    const query = readQuery();
    this.index = whole(query.layer);
    this.cursor = new Cursor(this.scope, whole(query.epoch), () => this.#cursorMoved());
    this.head = new RunHead(this.scope, this.parts, this.feed);
    this.log = new LogView({ scope: this.scope, host: this.parts.log, follow: this.parts.follow, feed: this.feed });
    help(this.scope, root);
    this.#drawConfig();
    this.published = new Published({ parts: this.parts, feed: this.feed, recipe: data.recipe, titles: data.titles });
    this.coverage = new Coverage({ scope: this.scope, host: this.parts.coverage, feed: this.feed });
    this.machine = new Machine({ parts: this.parts, feed: this.feed });
    this.dataCard = new DataCard({ scope: this.scope, host: this.parts["data-found"], card: this.parts["data-card"], feed: this.feed });
    const pictures = this.#buildPictures(query);
    this.together = pictures.together;
    this.overview = pictures.overview;
    this.card = pictures.card;
    this.values = pictures.values;
    this.curves = pictures.curves;
    this.savings = pictures.savings;
    this.metrics = pictures.metrics;
    this.multiples = pictures.multiples;
    this.heatmap = this.card.main;
    this.distribution = this.values.distribution;
    this.epochs = edgesOf(query.epochs);
    this.bar = new CursorBar(this.scope, this.parts, this.cursor);
    /** @type {Keys} */
    this.keys = new Keys(
      this.scope,
      runKeys(this),
      "On a neuron heatmap, the arrow keys move between cells, + and − zoom, 0 resets the zoom, and Enter opens the neuron.",
    );
    this.#listen();
    this.#wireControls();
    this.#start();
  }

  /** @param {Query} query */
  #buildPictures(query) {
    const { scope, parts, feed, cursor, address, data } = this;
    return buildPictures({
      scope,
      parts,
      feed,
      cursor,
      address,
      data,
      query,
      onOpen: (layer) => this.open(layer),
      onEpochs: (range) => this.#epochsShown(range),
      onData: () => this.#explainEmpty(),
    });
  }

  /** The history first, then the axes: cells are seen before Plotly has come. */
  async #start() {
    await this.feed.start();
    await frameShown(); // else Plotly, half of all scripts, is read before the cells are seen
    try {
      await this.#startPictures();
    } catch (problem) {
      if (!this.scope.ended) this.together.fail(undrawn(problem));
      return;
    }
    if (this.scope.ended) return;
    this.drawn = true;
    this.root.dataset.drawn = "";
    this.feed.tables.want("thawed");
    this.#drawHistory();
  }

  async #startPictures() {
    const { overview, card, distribution, curves, savings, metrics } = this;
    const Plotly = await plotly(this.data.plotly);
    for (const picture of [overview, card, distribution, curves, savings, metrics]) {
      if (this.scope.ended) return;
      await picture.start(Plotly);
    }
  }

  // ------------------------------------------------------------ what the run says

  #listen() {
    const { feed, head, card } = this;
    feed.on("run", () => this.#runChanged());
    feed.on("progress", () => head.draw());
    feed.on("log", () => this.log.draw());
    feed.on("started", () => this.#toldOfItself());
    feed.on("metrics", () => head.draw());
    feed.on("layers", () => this.#layersKnown());
    feed.on("history", () => this.#drawHistory());
    feed.on("epoch", (epoch) => this.#epochCame(epoch));
    feed.on("counts", ({ epoch, layers }) => this.distribution.take(epoch, layers));
    feed.on("cells", () => {
      card.draw();
      this.#explainEmpty();
    });
    feed.on("column", ({ layer, epoch, of }) => card.append(layer, epoch, of));
    feed.on("table", () => {
      card.markRare();
      this.overview.draw();
      this.drawSoon();
    });
    feed.on("small", (layers) => this.multiples.changed(layers));
    feed.on("end", () => this.#runChanged());
    feed.on("trouble", (trouble) => head.say(trouble));
    feed.on("deleted", () => {
      notice("This run was deleted.", "bad");
      go("/");
    });
  }

  #runChanged() {
    this.head.draw();
    this.#drawNumbers();
    this.#explainEmpty();
  }

  #layersKnown() {
    const { layers } = this.feed;
    this.root.dataset.watched = "";
    this.#toldOfItself();
    const option = (/** @type {Layer} */ { index, name, type, neurons }) =>
      element("option", { value: index }, `${index} · ${name} (${type}, ${format.count(neurons)})`);
    this.parts.layer.replaceChildren(...layers.map(option));
    this.parts["layer-controls"].hidden = false;
    this.multiples.layOut();
    this.coverage.ask();
    this.overview.draw();
    this.#show(Math.max(0, Math.min(this.index ?? widest(layers), layers.length - 1)), this.card.neuron);
    this.address.settle({ layer: this.index });
  }

  /** An external run told more of itself: how its script was started, or what it watches. */
  #toldOfItself() {
    if (!this.feed.external) return;
    this.head.draw();
    this.#drawConfig();
  }

  #drawConfig() {
    const { parts, feed, data } = this;
    const { record, started, watches } = feed;
    parts["copy-command"].hidden = record.source === "external" && !started?.command;
    if (record.source === "launched") drawConfig(parts.config, record.config, data.titles);
    else drawTold(parts.config, { config: record.config, notes: record.notes, group: record.group, started, watches });
  }

  #extend() {
    const all = wholeOf(this.feed.done, this.feed.planned);
    this.together.extend(all);
    if (!this.epochs) this.multiples.show(all);
  }

  #drawHistory() {
    this.#extend();
    if (this.epochs && this.feed.done) this.#showEpochs();
    this.cursor.reach(this.feed.done - 1);
    this.overview.draw();
    this.feed.small.ask();
    this.card.draw();
    this.#drawCurves();
    this.#runChanged();
  }

  /** @param {number} epoch */
  #epochCame(epoch) {
    this.#extend();
    this.cursor.reach(this.feed.done - 1);
    this.overview.append(epoch);
    this.card.timeline.refresh();
    this.#runChanged();
    this.drawSoon();
  }

  #drawCurves() {
    const changes = this.feed.rateChanges();
    this.curves.drawOne(this.feed);
    this.overview.markEpochs(changes, this.feed.tables.bursts());
    for (const heatmap of [this.card.main, this.card.other]) heatmap.markDrops(changes);
    this.distribution.markDrops(changes);
  }

  /** The tables that are about the cursor's epoch. */
  #drawNumbers() {
    const epoch = this.cursor.following === false ? this.feed.epochs[this.cursor.epoch] : this.feed.last;
    this.published.draw(epoch ?? null);
    this.machine.draw(epoch ?? null);
    if (!this.feed.external) return;
    const told = (/** @type {(epoch: Epoch) => unknown} */ of) => this.feed.epochs.some((each) => of(each));
    this.parts["savings-card"].hidden = !told(({ saving, step_ms: times }) => saving ?? times);
    this.parts["machine-card"].hidden = !told(({ resources, samples_per_second: pace }) => resources ?? pace);
  }

  /** An empty picture says why. */
  #explainEmpty() {
    const { done, loaded } = this.feed;
    const nothing = nothingYet(this.feed);
    const early = done === 1 && this.values.field !== "phi" && "Δφ and v need two values of φ: the first appear when epoch 1 ends.";
    this.overview.picture.say(nothing);
    this.card.say(nothing);
    this.distribution.picture.say(this.distribution.data?.problem || (loaded && early) || nothing);
    this.parts["multiples-empty"].hidden = !nothing;
    say(this.parts["multiples-empty"], nothing);
  }

  // ------------------------------------------------------------ what is looked at

  /** Opens a layer, as a step of the reader's. @param {number} index */
  open(index) {
    if (!this.feed.layers[index] || index === this.index) return;
    this.card.rows = null;
    this.#show(index);
    this.address.step({ layer: index, neuron: null, rows: null });
  }

  /** @param {number} index @param {number | null} [neuron] */
  #show(index, neuron = null) {
    const { parts, feed } = this;
    this.index = index;
    /** @type {HTMLSelectElement} */ (parts.layer).value = String(index);
    parts["layer-back"].toggleAttribute("disabled", index === 0);
    parts["layer-on"].toggleAttribute("disabled", index === feed.layers.length - 1);
    this.card.open(index, neuron);
    this.overview.select(index);
    this.multiples.select(index);
    this.values.open(index);
    this.#explainEmpty();
  }

  /** @param {Numbers} mode */
  #colourOverview(mode) {
    /** @type {HTMLSelectElement} */ (this.parts["overview-mode"]).value = mode;
    this.overview.colourBy(mode);
  }

  #cursorMoved() {
    const { epoch, following } = this.cursor;
    this.head.at = following ? null : epoch;
    this.head.draw();
    this.#drawNumbers();
    this.bar.draw();
    const line = following || epoch < 0 ? null : epoch; // at the newest epoch it would stand at the edge
    this.together.setCursor(line);
    this.distribution.setCursor(epoch);
    this.savings.setCursor(epoch, following);
    this.multiples.setCursor(epoch, line);
    if (this.feed.loaded) this.address.settle({ epoch: following ? null : epoch });
  }

  #showEpochs() {
    const range = this.epochs ?? wholeOf(this.feed.done, this.feed.planned);
    this.together.show(range);
    this.multiples.show(range);
  }

  /** The reader zoomed along the epochs in one picture, or shows all again. @param {number[]} range */
  #epochsShown(range) {
    const all = wholeOf(this.feed.done, this.feed.planned);
    this.epochs = range[0] === all[0] && range[1] === all[1] ? null : range;
    this.multiples.show(range);
    this.address.settle({ epochs: this.epochs && spanOf(range) });
  }

  /** Closes what is open, one thing at a time: the neuron, then the zoom. */
  escape() {
    if (this.card.neuron !== null) return this.card.openNeuron(null);
    return this.overview.picture.showAll();
  }

  /** Back or forward: shows what the address says. @param {Query} query */
  #go(query) {
    const { card } = this;
    const view = viewOf(query);
    const layer = whole(query.layer) ?? this.index;
    Object.assign(card, { order: view.order, pair: view.pair, rows: view.rows });
    card.colour(view.mode);
    /** @type {HTMLSelectElement} */ (this.parts.order).value = view.order;
    this.values.look(query);
    this.metrics.lookAt(lookOf(query));
    this.#colourOverview(overviewModeOf(query.overview));
    if (layer !== null && this.feed.layers[layer]) this.#show(layer, view.neuron);
    card.arrange();
    this.epochs = edgesOf(query.epochs);
    this.#showEpochs();
    this.cursor.move(whole(query.epoch));
  }

  // ------------------------------------------------------------ controls

  #wireControls() {
    const { scope, parts } = this;
    const { run } = this.data;
    const command = () => (run.source === "launched" ? launchCommand(run.config) : (this.feed.started?.command ?? ""));
    const layer = /** @type {HTMLSelectElement} */ (parts.layer);
    const colour = /** @type {HTMLSelectElement} */ (parts["overview-mode"]);
    scope.on(layer, "change", () => this.open(Number(layer.value)));
    scope.on(parts["layer-back"], "click", () => this.open(Number(this.index) - 1));
    scope.on(parts["layer-on"], "click", () => this.open(Number(this.index) + 1));
    fillChoice(colour, overviewModes, this.overview.mode);
    scope.on(colour, "change", () => {
      const mode = overviewModeOf(colour.value);
      this.#colourOverview(mode);
      this.address.step({ overview: mode === "frozen" ? null : mode });
    });
    scope.on(parts["copy-json"], "click", () => copy(parts["copy-json"], JSON.stringify(run.config, null, 2)));
    scope.on(parts["copy-command"], "click", () => copy(parts["copy-command"], command()));
    scope.on(parts["keys-help"], "click", () => this.keys.help());
  }
}

/** Called by Dash when the layout of a run is there; the former page's scripts end first. @param {Missing<Data>} data */
export async function mount(data) {
  if (!data) return null;
  current?.scope.end();
  const root = await whenThere("run-page");
  const page = new RunPage(root, data);
  current = page;
  onLeave(() => page.scope.end());
  return data.run.id;
}

export const present = () => current;
