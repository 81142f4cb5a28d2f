/*
 * What the epochs asked of the machine: pace, memory, the GPU's use and power, energy.
 */

import { epochRange, rangeWords } from "../run-data/epoch-times.js";
import { nothingYet } from "../run-data/feed.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { explain } from "../ui/tooltip.js";

/** @import { Epoch, Missing, Parts, Resources } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Range } from "../run-data/epoch-times.js" */

/** @typedef {[name: string, value: string, help?: string]} Fact */

const { percent, number, count, megabytes } = format;

/** The facts that are there. @param {...(Fact | Missing<false | 0 | "">)} facts @returns {Fact[]} */
const present = (...facts) => facts.flatMap((fact) => (fact ? [fact] : []));

/** Of several epochs their median and how far they reach, behind a value. @param {Range | null} all @param {(value: number) => string} words */
const medianWords = (all, words) => (all && all.count > 1 ? `; median of ${count(all.count)} epochs ${rangeWords(all, words)}` : "");

export class Machine {
  /** @param {{parts: Parts, feed: Feed}} options */
  constructor({ parts, feed }) {
    this.parts = parts;
    this.feed = feed;
    /** @type {string | null} what is shown, as text. */
    this.drawn = null;
  }

  /** Draws the numbers of this epoch (null: there is none yet), and the energy of all up to it. @param {Epoch | null} epoch */
  draw(epoch) {
    /** @type {Fact[]} */
    const rows = epoch
      ? [
          ...this.#pace(epoch),
          ...precision(epoch.precision),
          ...memory(epoch.resources),
          ...freezing(epoch.resources),
          ...this.#peaks(epoch),
          ...gpu(epoch.resources),
          ...this.#energy(epoch),
        ]
      : [];
    const words = rows.map((each) => each.join(": ")).join("; ");
    if (words === this.drawn) return;
    this.drawn = words;
    const list = rows.flatMap(([name, value, help]) => [term(name, help), element("dd", {}, value)]);
    const nothing = element("p.picture-empty", {}, nothingYet(this.feed) || "Nothing was measured.");
    this.parts.machine.replaceChildren(rows.length ? element("dl", {}, ...list) : nothing);
  }

  /** @param {Epoch} epoch */
  #pace(epoch) {
    const { samples_per_second: pace } = epoch;
    const device = this.feed.record.device;
    const rate = (/** @type {number} */ value) => count(Math.round(value));
    const all = epochRange(this.feed.epochs.slice(0, epoch.epoch + 1), (each) => each.samples_per_second);
    return present(device && ["Device", device], pace && ["Training, wall clock", `${rate(pace)} samples/s${medianWords(all, rate)}`]);
  }

  /** A GPU's memory in this epoch alone; of the steps, where what freezing frees shows, with all epochs so far. @param {Epoch} of */
  #peaks({ epoch, resources }) {
    const { epoch_peak_device_memory_bytes: peak = null, step_peak_device_memory_bytes: steps = null } = resources || {};
    const all = epochRange(this.feed.epochs.slice(0, epoch + 1), (each) => each.resources?.step_peak_device_memory_bytes);
    return present(
      peak && [
        `Peak GPU memory in epoch ${epoch}`,
        megabytes(peak),
        "Over the whole epoch: training, measuring φ, evaluation, and the few dense steps.",
      ],
      steps && [
        "Peak GPU memory of training steps",
        `${megabytes(steps)}${medianWords(all, megabytes)}`,
        "Without the epoch's first step, in which backward plans are compared, and the few dense steps: memory freed by freezing shows here.",
      ],
    );
  }

  /** @param {Epoch} last @returns {Fact[]} */
  #energy(last) {
    const spent = this.feed.epochs.slice(0, last.epoch + 1).flatMap((epoch) => {
      const resources = epoch?.resources;
      return resources && resources.energy_kwh !== null ? [resources] : [];
    });
    if (!spent.length) return [["Energy", "not measured"]];
    const sum = (/** @type {"energy_kwh" | "co2_kg"} */ field) => spent.reduce((total, each) => total + (each[field] ?? 0), 0);
    const of = spent.length > last.epoch ? "" : ` (${count(spent.length)} of ${format.counted(last.epoch + 1, "epoch")} measured)`;
    return [
      ["Energy so far, estimated for the whole machine", `${number(sum("energy_kwh") * 1000)} Wh${of}`],
      ["CO₂ so far", `${number(sum("co2_kg") * 1000)} g`],
    ];
  }
}

/** The system tells of a process its peak so far alone. @param {Missing<Resources>} resources */
function memory(resources) {
  const { peak_memory_bytes: process = null, peak_device_memory_bytes: device = null } = resources || {};
  return present(
    process && ["Peak memory of the process so far", megabytes(process)],
    device && ["Peak GPU memory so far", megabytes(device)],
  );
}

/** What the run computed in: one word where all is the same. @param {Epoch["precision"]} of @returns {Fact[]} */
function precision(of) {
  if (!of) return [];
  const { training, evaluation, phi } = of;
  const both = training === evaluation ? `${training}, including evaluation` : `${training}, evaluation ${evaluation}`;
  return [["Precision", training === evaluation && training === phi ? training : `${both}; φ ${phi}`]];
}

/** What freezing itself kept, and in the explanation what for. @param {Missing<Resources>} resources @returns {Fact[]} */
function freezing(resources) {
  const kept = resources?.neq_memory;
  if (!kept) return [];
  const { former, optimizer_rows: rows, held, outputs, outputs_on_host: away, measuring, at_most: most, device } = kept;
  const kinds = [
    `the network of one epoch earlier, which φ is measured against (${megabytes(former)})`,
    held && `the values of frozen neurons, which the optimizer must not change (${megabytes(held)})`,
    rows && `their optimizer state, restored when they thaw (${megabytes(rows)})`,
    outputs && `the outputs of one epoch earlier${away ? ", in host memory" : ""} (${megabytes(outputs)})`,
  ].filter(Boolean);
  const where = device === "cpu" ? "in host memory" : `on the GPU (${device})`;
  const help = `NEq keeps this ${where}, in addition to the network and its optimizer: ${kinds.join("; ")}. At most ${megabytes(most)} with every neuron frozen, and ${megabytes(measuring)} more for a moment at the end of each epoch.`;
  return [["Memory used by NEq", `${megabytes(former + rows + held + outputs)}, at most ${megabytes(most)}`, help]];
}

/** What explains itself is no term any more to who hears the page: so it stands within one. @param {string} name @param {string} [help] */
function term(name, help) {
  const words = element("span", {}, name);
  explain(words, help || "");
  return element("dt", {}, words);
}

/** @param {Missing<Resources>} resources */
function gpu(resources) {
  const { device_use: use = null, device_watts: watts = null } = resources || {};
  return present(use !== null && ["GPU busy", percent(use)], watts !== null && ["GPU power", `${number(watts)} W`]);
}
