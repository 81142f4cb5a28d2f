/*
 * What a saving is held against: the controls of a run, launched beside it and listed with what came of them.
 */

import * as compare from "../api/compare.js";
import * as api from "../api/runs.js";
import { CONTROL, ofControls, tableAddress } from "../run-data/filters.js";
import * as timing from "../run-data/timing.js";
import { askControls, controlsWords } from "../ui/controls-dialog.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { notice } from "../ui/shell.js";
import { fileButtons } from "../ui/table-buttons.js";

/** @import { Parts, Run } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */

const REFRESH_MS = 10_000;
const MOST_COMPARED = 4;

/** The run that another is a control of; null: it is none. @param {Run} run */
export const controlOf = (run) => run.tags.find((tag) => tag.startsWith(CONTROL))?.slice(CONTROL.length) ?? null;

/** What a control did better, in percentage points of test accuracy. @param {Run} control @param {Run} run */
export function better(control, run) {
  if (control.test_accuracy === null || run.test_accuracy === null) return format.NOTHING;
  const points = 100 * (control.test_accuracy - run.test_accuracy);
  const rounded = Math.abs(points) < 0.05 ? 0 : points;
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : "±"}${Math.abs(rounded).toFixed(1)}`;
}

/**
 * What runs trained for in seconds of processor time, which other programs on the machine do not lengthen: the last place
 * of any curve over it. @param {string[]} ids @returns {Promise<Map<string, number>>}
 */
async function cpuSeconds(ids) {
  const { charts } = await compare.curves(ids, ["frozen_fraction"], "cpu_seconds");
  return new Map(
    charts.flatMap(({ curves }) => curves.flatMap(({ run, x }) => (x.length ? [[run, /** @type {number} */ (x.at(-1))]] : []))),
  );
}

export class Controls {
  /** @param {{scope: Scope, parts: Parts, feed: Feed}} options */
  constructor({ scope, parts, feed }) {
    this.scope = scope;
    this.host = parts.controls;
    this.feed = feed;
    /** @type {Run[]} */
    this.found = [];
    /** @type {Map<string, number>} seconds of processor time that the runs trained for, by id. */
    this.spent = new Map();
    if (feed.external) return;
    this.#ask();
    feed.on("end", () => this.#ask());
    scope.every(REFRESH_MS, () => this.found.some(({ state }) => state === "queued" || state === "running") && this.#ask());
  }

  async #ask() {
    const { id } = this.feed;
    const answer = await api.tagged(`${CONTROL}${id}`).catch(() => null);
    if (answer) this.found = answer.runs;
    if (this.found.length) this.spent = await cpuSeconds([id, ...this.found.map((run) => run.id)]).catch(() => this.spent);
    if (!this.scope.ended) this.#draw();
  }

  #draw() {
    const { record } = this.feed;
    const origin = controlOf(record);
    if (origin) {
      const link = element("a", { href: `/runs/${origin}` }, "another run");
      return this.host.replaceChildren(element("p.muted", {}, "This run is a control of ", link, ": hold the two against each other."));
    }
    const launch = element("button.button.button-small", { type: "button", onclick: () => this.#choose() }, "Launch controls…");
    const words = this.found.length
      ? "Held against its controls, with the same network, data and seed:"
      : "No control was run beside this run: what a saving is worth shows only against a training without it.";
    const table = this.found.length ? [this.#table(record)] : [];
    return this.host.replaceChildren(element("p.controls-head", {}, element("span", {}, words), launch), ...table);
  }

  /** @param {Run} record */
  #table(record) {
    const heads = ["Control", "State", "Test accuracy", "Against this run, points", "Frozen", "CPU time of training", "Elapsed"];
    const row = (/** @type {Run} */ run, /** @type {string} */ name, /** @type {string} */ against) => {
      const { percent, duration } = format;
      const spent = duration(this.spent.get(run.id) ?? null);
      const values = [run.state, percent(run.test_accuracy), against, percent(run.frozen_fraction), spent, duration(timing.elapsed(run))];
      const link = element("a", { href: `/runs/${run.id}` }, name);
      return element("tr", {}, element("th", { scope: "row" }, link), ...values.map((value) => element("td", {}, value)));
    };
    const named = (/** @type {Run} */ run) => run.name.split(" · ").at(-1) ?? run.name;
    const rows = [row(record, "This run", ""), ...this.found.toReversed().map((run) => row(run, named(run), better(run, record)))];
    const ids = [record.id, ...this.found.map(({ id }) => id)].slice(0, MOST_COMPARED);
    const links = element(
      "p.muted",
      {},
      element("a", { href: `/compare?runs=${ids.join(",")}` }, "Compare"),
      " · ",
      element("a", { href: tableAddress(ofControls(record.id)) }, "show in the table"),
    );
    const head = element("tr", {}, ...heads.map((words) => element("th", { scope: "col" }, words)));
    const table = element("table.controls-table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    const frame = element("div.table-frame", { tabindex: 0, role: "region", "aria-label": "Controls" }, table);
    return element(
      "div",
      {},
      frame,
      fileButtons(frame, "Controls", () => record.name),
      links,
    );
  }

  async #choose() {
    const controls = await askControls(this.scope, {
      title: "Launch controls",
      legend: "Each is a run of its own, with this run's seed",
    });
    if (!controls) return;
    try {
      const told = await api.launchControls([this.feed.id], controls);
      const left = told.left_out.length > 0;
      notice(controlsWords(told), left ? "bad" : "good", left ? "Some were left out" : undefined); // one, as another would take its place
    } catch (problem) {
      notice(/** @type {Error} */ (problem).message, "bad", "No control was launched");
    }
    if (!this.scope.ended) await this.#ask();
  }
}
