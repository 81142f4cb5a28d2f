/*
 * The page of runs side by side: curves of all, neurons of a few, masks of two; what differs, and what came of it.
 */

import * as api from "../api/compare.js";
import { plotly, undrawn } from "../plot/axes.js";
import { modeOf } from "../plot/colour-modes.js";
import { Cursor, CursorBar } from "../plot/epoch-cursor.js";
import { Together } from "../plot/line-chart.js";
import * as metricNames from "../run-data/metric-names.js";
import { parts } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Keys } from "../ui/keys.js";
import { Scope } from "../ui/page-scope.js";
import { go, onLeave, whenThere } from "../ui/shell.js";
import { help } from "../ui/tooltip.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import * as views from "../ui/views-dialog.js";
import { CurvesCard } from "./curves-card.js";
import { groupingsOf, RunGroups } from "./groups.js";
import { compareKeys } from "./keys.js";
import { knownOf, leftOut } from "./left-out.js";
import { lookQuery, MOST_PICTURES, readLook } from "./look.js";
import { MaskCard } from "./masks.js";
import { firstPictured, isActive, membersOf, settingsOf } from "./members.js";
import { sayNotice } from "./notice.js";
import { ParallelCard } from "./parallel.js";
import { compareAddress, RunPicker } from "./picker.js";
import { Pictures } from "./pictures.js";
import { columnsOf } from "./run-columns.js";
import { RunsTable } from "./runs-table.js";
import { ScatterCard } from "./scatter.js";
import { SettingsTable } from "./tables.js";

/** @import { Titles } from "../run-data/settings.js" */
/** @import { Comparison } from "../../types/api" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Look } from "./look.js" */
/** @import { ToldOnce } from "./members.js" */
/** @import { Column } from "./run-columns.js" */

/** @type {ComparePage | null} */
let current = null;

const SETTLE_MS = 250; // of the reader's hand, before the address is written
const POLL_MS = 3000; // while a run goes on whose neurons are not shown
const SOON_MS = 400;
/**
 * @typedef {object} CompareData what pages/compare.py draws from.
 * @property {Comparison} comparison
 * @property {ToldOnce} settings the runs' configurations, made comparable; the records have none.
 * @property {Titles} titles
 * @property {number} left_out how many more were asked for than fit.
 * @property {number} most how many fit.
 * @property {string | null} layer the name of the layer to begin with.
 * @property {Record<string, Figure>} figures
 * @property {string} plotly its address.
 */

/** When what was drawn is on the screen. */
const framePainted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

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
    this.configs = settingsOf(data.settings);
    const runs = data.comparison.runs.map((run, at) => ({ ...run, config: this.configs[at] }));
    this.comparison = /** @type {Comparison} */ ({ ...data.comparison, runs });
    const leftOut = this.#mendAddress();
    this.look = readLook(readQuery());
    // Scripts that tell no epochs have steps alone.
    if (!readQuery().x && data.comparison.runs.length && data.comparison.runs.every((run) => !run.epochs_done)) this.look.axis = "step";
    this.groups = new RunGroups();
    this.members = this.#membersNow();
    /** Whose neurons are shown until the reader chooses: those that have some to show come first, as it was when the page opened. */
    this.firstPictured = firstPictured(data.comparison);
    this.together = new Together();
    this.drawn = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.soon = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.settling = undefined;
    this.scope.finally(() => clearTimeout(this.settling));
    help(this.scope, root);
    new RunPicker(this.scope, this.parts.picker, { runs: /** @type {any} */ (runs), most: data.most });
    this.scope.on(this.parts["compare-views"], "click", () => this.#chooseView());
    if (runs.length) this.#build();
    sayNotice(this.parts.notice, data, [...leftOut, ...this.#mendBrushes()]);
  }

  /** Takes out of the address what cannot be followed, before the look is read from it. */
  #mendAddress() {
    if (!this.comparison.runs.length) return [];
    const { words, changes } = leftOut(readQuery(), knownOf(this.comparison, this.configs));
    if (Object.keys(changes).length) writeQuery(changes);
    return words;
  }

  /** What the address has brushed of which there is no axis, where none will come. */
  #mendBrushes() {
    const unread = isActive(this.members) ? [] : (this.parallel?.unread ?? []);
    if (unread.length) this.#keep({ brush: this.look.brush.filter((text) => !unread.includes(text)) });
    return unread.map((text) => `what is brushed by “${text}”`);
  }

  #chooseView() {
    const show = (/** @type {string} */ query) => go(query ? `/compare?${query}` : "/compare");
    views.choose(this.scope, {
      page: "compare",
      home: "/compare",
      what: "these runs, and how they are compared, as the address has it",
      show,
    });
  }

  #build() {
    const { scope, parts, data, members, look } = this;
    const { figures, titles } = data;
    const onLook = (/** @type {Partial<Look>} */ changes) => this.#keep(changes);
    const onLight = (/** @type {string | null} */ key) => this.#light(key);
    this.settings = new SettingsTable({ scope, parts, members, configs: this.configs, titles });
    this.runs = new RunsTable(scope, parts.numbers, {
      remove: (id) => go(compareAddress(this.#ids().filter((each) => each !== id))),
      pin: (id) => this.#pin(id),
      picture: (id, shown) => this.#picture(id, shown),
      paint: (id, colour) => this.#paint(id, colour),
      light: (id) => this.#light(id),
    });
    const together = this.together;
    // The curves are what was asked for: what goes by them is drawn once they have been.
    const followSoon = scope.once(() => setTimeout(() => this.#paintAll() || this.#drawTable()));
    this.curves = new CurvesCard({
      scope,
      parts,
      figure: figures.metric,
      look,
      groupings: groupingsOf(this.settings.compared, titles),
      groups: this.groups,
      together,
      onLight,
      onLook,
      onGroups: followSoon,
      onDrawn: followSoon,
    });
    this.scatter = new ScatterCard({ scope, parts, figure: figures.scatter, look, onLight, onLook });
    this.parallel = new ParallelCard({
      scope,
      parts,
      titles,
      library: data.plotly,
      look,
      onBrush: (kept) => this.#brush(kept),
      onLight,
      onLook: (changes) => this.#keepSoon(changes),
    });
    this.pictures = new Pictures({
      scope,
      parts,
      figures,
      together,
      mode: modeOf(readQuery().colour),
      layer: data.layer,
      onStep: (changes) => this.#remember(changes),
      onNews: () => this.#news(),
      onDeleted: (id) => go(compareAddress(this.#ids().filter((each) => each !== id))),
      onLayer: (layer) => this.masks?.open(layer),
    });
    this.#buildMasks();
    this.#buildCursor();
    // Curves first: they say most. Neurons and the library of axes are many more bytes, and wait until curves have pixels.
    const curvesDrawn = this.#update().finally(framePainted);
    curvesDrawn.finally(() => scope.ended || this.pictures?.show(this.#pictured()));
    this.#start(curvesDrawn);
    scope.every(POLL_MS, () => isActive(this.members) && !document.hidden && this.refresh());
  }

  #buildMasks() {
    const { scope, parts, members, data } = this;
    const chosen = this.firstPictured.slice(0, 2).map((id) => members.findIndex((member) => member.id === id));
    parts["masks-card"].hidden = members.length < 2;
    this.masks =
      members.length < 2
        ? null
        : new MaskCard({ scope, parts, members, chosen, figures: data.figures, onOpen: (layer) => this.pictures?.open(layer) });
    this.masks?.hold(this.look.base);
  }

  #buildCursor() {
    const { scope, parts } = this;
    const cursor = new Cursor(scope, this.look.epoch, () => {
      bar.draw();
      this.together.setCursor(cursor.following || cursor.epoch < 0 ? null : cursor.epoch);
      if (!cursor.playing && cursor.chosen !== this.look.epoch) this.#keepSoon({ epoch: cursor.chosen });
      this.#drawTable();
    });
    const bar = new CursorBar(scope, parts, cursor);
    this.cursor = cursor;
    this.together.onChoose = (epoch) => cursor.move(epoch);
    const step = (/** @type {1 | -1} */ by) => this.pictures?.step(by);
    const keys = new Keys(
      scope,
      compareKeys({ cursor, step, help: () => keys.help() }),
      "On a neuron heatmap, the arrow keys move between cells, + and − zoom, and 0 resets the zoom.",
    );
  }

  /** @param {Promise<void>} curvesDrawn they are lines on a canvas, which come before the library that draws axes. */
  async #start(curvesDrawn) {
    await curvesDrawn;
    const { scope, pictures, curves, masks, scatter, together } = this;
    /** @type {any} */
    let Plotly;
    try {
      Plotly = await plotly(this.data.plotly);
      if (scope.ended) return;
      await Promise.all([curves?.start(Plotly), pictures?.start(Plotly), scatter?.start(Plotly)]);
    } catch (problem) {
      if (scope.ended) return;
      const words = undrawn(problem);
      together.fail(words);
      pictures?.fail(words);
      curves?.failPictures(words);
      scatter?.picture.fail(words);
      return;
    }
    if (scope.ended) return;
    masks?.start(Plotly, together);
    this.drawn = true;
    this.root.dataset.drawn = "";
  }

  // ------------------------------------------------------------ what is known

  #membersNow() {
    return membersOf(this.comparison, this.look.inks, (id) => this.groups.inkOfRun(id));
  }

  #ids() {
    return this.members.map(({ id }) => id);
  }

  /** Those whose neurons are shown. */
  #pictured() {
    const { pictures } = this.look;
    if (pictures !== null) return this.members.filter(({ id }) => pictures.includes(id)).slice(0, MOST_PICTURES);
    return this.firstPictured.flatMap((each) => this.members.filter(({ id }) => id === each));
  }

  /** A run whose neurons are shown told something: what is written is written anew, soon. */
  #news() {
    if (this.pictures) this.cursor?.reach(this.pictures.done - 1);
    this.#note();
    // Not put off by what follows: of several busy runs there is always news.
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.refresh();
    }, SOON_MS);
    this.masks?.changed();
  }

  /** Asks for all runs as they stand now. */
  async refresh() {
    if (this.scope.ended) return;
    const told = await api.comparison(this.#ids(), this.scope.signal).catch(() => null); // it is asked for again
    if (!told || this.scope.ended) return;
    const before = this.comparison.runs.map(({ id, revision, last_seq: seq }) => `${id} ${revision} ${seq}`).join();
    const now = told.runs.map(({ id, revision, last_seq: seq }) => `${id} ${revision} ${seq}`).join();
    const gone = told.missing.length > 0 && told.runs.length < this.comparison.runs.length;
    if (gone) return void go(compareAddress(told.runs.map(({ id }) => id)));
    this.comparison = told;
    if (before !== now) this.#update();
    else this.#drawTable(); // time passes
  }

  async #update() {
    this.members = this.#membersNow();
    this.#note();
    this.#drawFigures();
    await this.curves?.update(this.members, this.comparison);
  }

  /** What is drawn of runs without asking: the table, and figures against each other. */
  #drawFigures() {
    const { comparison, members } = this;
    this.#drawTable();
    this.scatter?.update(members, comparison);
    if (this.settings) this.parallel?.update(members, comparison, this.settings.compared);
  }

  /** Draws all runs in the colours and dashes that they have now, unless they had them before. @returns {boolean} whether it did. */
  #paintAll() {
    if (this.scope.ended) return false;
    const before = this.members;
    this.members = this.#membersNow();
    if (JSON.stringify(before.map(({ ink }) => ink)) === JSON.stringify(this.members.map(({ ink }) => ink))) return false;
    this.settings?.update(this.members);
    this.pictures?.paint(this.members);
    this.#drawFigures();
    return true;
  }

  #note() {
    const entries = this.pictures?.entries ?? [];
    const shown = this.#pictured();
    this.settings?.note(
      entries.map(({ feed }) => feed.layers),
      shown,
    );
  }

  #drawTable() {
    const { settings, runs, comparison, members, look, data } = this;
    if (!settings || !runs || this.scope.ended) return;
    const columns = columnsOf(members, comparison, settings.compared, data.titles);
    const { base, inks } = look;
    const grouped = this.groups.by !== "";
    runs.draw(members, this.#atCursor(columns), { base, inks, grouped, pictures: this.#pictured().map(({ id }) => id) });
  }

  /** Metrics at the epoch of the cursor, where it stands at one and the curves go by epoch. @param {Column[]} columns */
  #atCursor(columns) {
    const { cursor, curves } = this;
    if (!cursor || cursor.following || cursor.epoch < 0 || !curves) return columns;
    return columns.map((column) => {
      const metric = column.key.replace(/\.last$/, "");
      const values = column.setting ? null : curves.valuesAt(metric, cursor.epoch, this.#ids());
      if (!values) return column;
      const words = values.map((value) => metricNames.words(metric, value));
      return { ...column, name: `${column.name} @ epoch ${cursor.epoch}`, values, words };
    });
  }

  // ------------------------------------------------------------ what the reader does

  /** @param {Partial<Look>} changes */
  #keep(changes) {
    this.look = { ...this.look, ...changes };
    this.#remember(lookQuery(this.look));
  }

  /** What changes many times a second goes into the address when the reader's hand rests. @param {Partial<Look>} changes */
  #keepSoon(changes) {
    this.look = { ...this.look, ...changes };
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#keep({}), SETTLE_MS);
  }

  /** Into the address, unless the reader has gone on to another page, which is not drawn yet. @param {Record<string, string | null>} changes */
  #remember(changes) {
    if (!this.scope.ended && /\/compare\/*$/.test(location.pathname)) writeQuery(changes);
  }

  /** @param {string | null} id */
  #pin(id) {
    this.#keep({ base: id });
    this.#drawTable();
    this.curves?.lookAt({ ...(this.curves.look ?? this.look), base: id });
    this.masks?.hold(id);
  }

  /** @param {string} id @param {boolean} shown */
  #picture(id, shown) {
    const now = this.#pictured().map((member) => member.id);
    this.#keep({ pictures: shown ? [...now, id] : now.filter((each) => each !== id) });
    this.pictures?.show(this.#pictured());
    this.#drawTable();
    this.#note();
  }

  /** @param {string} id @param {string | null} colour */
  #paint(id, colour) {
    const { [id]: _, ...others } = this.look.inks;
    this.#keep({ inks: colour === null ? others : { ...others, [id]: colour } });
    this.#paintAll();
    this.curves?.paint(this.members);
  }

  /** Lights a run in the table and all charts; a group in the curves alone. @param {string | null} key */
  #light(key) {
    this.curves?.light(key);
    this.scatter?.light(key);
    this.runs?.light(key);
    this.parallel?.light(key);
  }

  /** @param {Set<string> | null} kept */
  #brush(kept) {
    this.curves?.keep(kept);
    this.scatter?.keep(kept);
    this.runs?.keep(kept);
    this.parts["brush-words"].hidden = kept === null;
    this.parts["brush-words"].textContent =
      kept === null ? "" : `${format.counted(kept.size, "run")} of ${this.members.length} brushed below.`;
  }
}

/** Called by Dash when the layout is there; the former page's scripts end first. @param {CompareData | null} data */
export async function mount(data) {
  if (!data) return null;
  current?.scope.end();
  const root = await whenThere("compare-page");
  for (const row of root.querySelectorAll(".compare-row, [data-part=curves]")) row.replaceChildren();
  const page = new ComparePage(root, data);
  current = page;
  onLeave(() => page.scope.end());
  return data.comparison.runs.map((run) => run.id).join(",");
}

export const present = () => current;
