// @ts-nocheck (types to come)
/*
 * savings: what frozen neurons saved, in sentences. What is measured and whether to believe it was decided by the training
 * process (`saving` of an epoch); here it is only worded. FLOPs come first: they are exact.
 */

import { nothingYet } from "../run-data/feed.js";
import * as format from "../ui/format.js";

/** @import { Feed } from "../run-data/feed.js" */

const { count } = format;
export const PARTS = ["forward", "backward", "optimizer"];
const CLOCKS = {
  thread: "processor time of the training thread",
  process: "processor time of the training process, all threads together",
  device: "the GPU's own events",
  wall: "wall-clock time",
};

/** Milliseconds of a batch, without the measurement of φ. */
export const step = (times) => times.ranges?.step.median ?? PARTS.reduce((sum, part) => sum + times[part], 0);

/** Changes by FLOPs, of an epoch whose program judged no saving yet. */
function byFlops(flops) {
  const dense = flops.dense_inputs + flops.dense_weights;
  const change = (forward, key) => (forward + flops[`${key}inputs`] + flops[`${key}weights`]) / (forward + dense || 1) - 1;
  const part = (forward) => ({ flops: change(forward, ""), bound: change(forward, "least_"), measured: null, doubt: null });
  return { backward: part(0), step: part(flops.forward), with_phi: null, held_up: null };
}

/** What is known of an epoch's saving; null: nothing. */
export const of = (epoch) => epoch.saving || (epoch.flops ? byFlops(epoch.flops) : null);

/** A change as `−31 %`, in whole percent, without a break in it; nearly all is not all. */
function change(share) {
  const percent = Math.round(100 * share);
  const whole = percent === -100 && share > -1 ? -99 : percent;
  const sign = whole < 0 ? "−" : whole > 0 ? "+" : "";
  return `${percent === -100 && share > -1 ? "over " : ""}${sign}${Math.abs(whole)}\u00a0%`;
}

const number = (share) => change(share).replace("\u00a0%", "");

/** `−31 % (−35 to −28)`: median, and the 10th and the 90th percentile. */
export const range = ({ low, median, high }) => `${change(median)} (${number(low)} to ${number(high)})`;

function flopWords(name, { flops, bound, measured }) {
  const time = measured ? `, ${change(measured.median)} measured` : "";
  return `${name}: ${change(flops)} FLOPs (bound ${change(bound)})${time}.`;
}

const factor = (value) => `${value.toFixed(1)}×`;

/** Why no measured change is told, by what is in doubt. Each is worded only where it is the case: what it names may not exist else. */
const DOUBTS = {
  few_batches: ({ step_ms: { batches, dense } }) =>
    `too few batches to tell (${batches < (dense?.batches ?? Infinity) ? `${count(batches)} timed` : `${count(dense.batches)} dense ones timed`})`,
  no_dense_step: () => "no dense step was timed before, so there is nothing to compare with",
  busy: ({ saving }) => `the machine was busy${loadWords(saving, " (", ")")} and batches differ too much to tell`,
  spread: () => "batches differ too much to tell",
  beyond_bound: () => "the measured change lies beyond the FLOP bound, spread included, and is not shown",
  drifted: () => "the same computation measured a different time than before, so no figure is shown",
};

/** By how much other programs held the processor, between two texts; empty on a GPU, whose clock does not tell. */
const loadWords = ({ held_up: heldUp }, before, after = "") =>
  typeof heldUp === "number" ? `${before}wall clock ${factor(heldUp)} the processor time${after}` : "";

const doubtWords = (doubt, epoch) => DOUBTS[doubt]?.(epoch) ?? doubt;

/** `Measured: …`, or why not. */
function measuredWords(epoch) {
  const { saving, step_ms: times } = epoch;
  const told = [
    ["backward", saving.backward],
    ["step", saving.step],
  ].filter(([, part]) => part.measured);
  const doubts = [...new Set([saving.step, saving.backward].filter(({ doubt }) => doubt).map(({ doubt }) => doubtWords(doubt, epoch)))];
  const why = doubts.length ? `${told.length ? "Else not told" : "Time is not told"}: ${doubts.join("; ")}.` : "";
  if (!told.length) return why;
  const shares = told.map(([name, { measured }]) => `${name} ${range(measured)}`).join(", ");
  const same = saving.step.measured && saving.step.measured.low <= 0 && saving.step.measured.high >= 0;
  const told1 = `Measured: ${shares}; medians of ${count(times.batches)} batches with the 10th and 90th percentile, in ${CLOCKS[times.clock]}.`;
  return [
    told1,
    same && "The step's range includes no change.",
    saving.with_phi && `With φ's measurement the step is ${change(saving.with_phi.median)}.`,
    why,
  ]
    .filter(Boolean)
    .join(" ");
}

const epochs = (first, last) => (first === last ? `epoch ${first}` : `epochs ${first}–${last}`);

/** What the comparison is with, and what else held the processor. */
function besides(epoch) {
  const {
    saving,
    step_ms: { dense },
  } = epoch;
  if (!saving.step.measured && !saving.backward.measured) return "";
  const { source, batches, first_epoch: first, last_epoch: last } = dense || {};
  const beside =
    source === "interleaved"
      ? `Compared with ${count(batches)} dense steps among those of this epoch.`
      : source
        ? `Compared with ${count(batches)} dense batches of ${epochs(first, last)}, scaled by the forward pass, which freezing does not change.`
        : "";
  const held = saving.busy && `The machine was busy${loadWords(saving, ": ")}.`;
  return [beside, held].filter(Boolean).join(" ");
}

/** The first sentence: how much was frozen, and under which setting. */
function held(epoch, off) {
  const { applied_share: share, epoch: at } = epoch;
  if (!share) return `Nothing was frozen in epoch ${at}: its steps are dense.`;
  const frozen = share > 0 && share < 0.005 ? "under 1\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
  const words = `${frozen} of the neurons were frozen in epoch ${at}.`;
  return off ? `Savings are off: everything was computed all the same. ${words}` : words;
}

/**
 * What the card says of an epoch: sentences for everybody, and what to know besides.
 *
 * @param {Feed} feed
 * @param {number} at the epoch; -1: none is finished.
 * @returns {{main: string, more: string}}
 */
export function words(feed, at) {
  const nothing = nothingYet(feed);
  const epoch = feed.epochs[at];
  if (nothing || !epoch) return { main: nothing || "Loading…", more: "" };
  const counted = of(epoch);
  if (!counted && !epoch.step_ms) {
    return { main: `Steps were not timed in epoch ${at}: a program that did not yet do so trained it.`, more: "" };
  }
  const first = held(epoch, feed.record.config.neq.savings === false);
  const shown = counted && epoch.applied_share ? ["Step", "Backward"].map((name) => flopWords(name, counted[name.toLowerCase()])) : [];
  return { main: [first, ...shown].join(" "), more: epoch.saving && epoch.step_ms ? measured(epoch) : former(epoch) };
}

const measured = (epoch) => [measuredWords(epoch), besides(epoch)].filter(Boolean).join(" ");

const former = ({ step_ms: times }) =>
  times ? "Times were recorded without their spread, in wall-clock time: they are drawn, but not compared." : "";

/** How many layers have which plan: `12 stopped, 3 rows, 4 untouched`. */
export function planWords(layers) {
  const tally = new Map();
  for (const { kind } of layers) tally.set(kind, (tally.get(kind) || 0) + 1);
  return [...tally].map(([kind, number]) => `${count(number)} ${kind}`).join(", ");
}
