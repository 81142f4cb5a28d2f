/*
 * What frozen neurons saved, in sentences. What is measured and whether to believe it was decided by the training process
 * (`saving` of an epoch); here it is only worded. FLOPs come first: they are exact.
 */

import { nothingYet } from "../run-data/feed.js";
import * as format from "../ui/format.js";

/** @import { Change, Epoch, Range, StepFlops, StepTimes } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {NonNullable<Epoch["saving"]>} Saving as the training process judged it. */
/** @typedef {{backward: Change, step: Change, with_phi?: Range | null}} Counted what is known of an epoch's saving. */
/** @typedef {Epoch & {saving: Saving, step_ms: StepTimes}} Measured an epoch that was timed and judged. */

const { count } = format;
const CLOCKS = {
  thread: "CPU time of the training thread",
  process: "CPU time of the training process, summed over all threads",
  device: "GPU events",
  wall: "wall-clock time",
};

/** Changes by FLOPs, of an epoch whose program judged no saving yet. @param {StepFlops} flops @returns {Counted} */
function byFlops(flops) {
  const dense = flops.dense_inputs + flops.dense_weights;
  const actual = flops.inputs + flops.weights;
  const least = flops.least_inputs + flops.least_weights;
  /** @param {number} forward @param {number} backward */
  const change = (forward, backward) => (forward + backward) / (forward + dense || 1) - 1;
  /** @param {number} forward */
  const part = (forward) => ({ flops: change(forward, actual), bound: change(forward, least), measured: null, doubt: null });
  return { backward: part(0), step: part(flops.forward), with_phi: null };
}

/** What is known of an epoch's saving; null: nothing. @param {Epoch} epoch @returns {Counted | null} */
export const of = (epoch) => epoch.saving || (epoch.flops ? byFlops(epoch.flops) : null);

/** A change as `−31 %`, in whole percent, without a break in it; nearly all is not all. @param {number} fraction */
function change(fraction) {
  const percent = Math.round(100 * fraction);
  const whole = percent === -100 && fraction > -1 ? -99 : percent;
  const sign = whole < 0 ? "−" : whole > 0 ? "+" : "";
  return `${percent === -100 && fraction > -1 ? "over " : ""}${sign}${Math.abs(whole)}\u00a0%`;
}

const number = (/** @type {number} */ fraction) => change(fraction).replace("\u00a0%", "");

/** `−31 % (−35 to −28)`: median, and the 10th and the 90th percentile. @param {Range} range */
const range = ({ low, median, high }) => `${change(median)} (${number(low)} to ${number(high)})`;

/** @param {string} name @param {Change} change */
function flopWords(name, { flops, bound, measured }) {
  const time = measured ? `, ${change(measured.median)} measured` : "";
  return `${name}: ${change(flops)} FLOPs (bound ${change(bound)})${time}.`;
}

const factor = (/** @type {number} */ value) => `${value.toFixed(1)}×`;

/**
 * Why no measured change is told, by what is in doubt. Each is worded only where it is the case: what it names may not exist else.
 * @type {Record<NonNullable<Change["doubt"]>, (epoch: Measured) => string>}
 */
const DOUBTS = {
  few_batches: ({ step_ms: { batches, dense } }) =>
    `too few batches (${!dense || batches < dense.batches ? `${count(batches)} timed` : `${count(dense.batches)} dense batches timed`})`,
  no_dense_step: () => "no dense step was timed before, so there is no baseline",
  busy: ({ saving }) => `the machine was busy${loadWords(saving, " (", ")")} and batch times vary too much`,
  spread: () => "batch times vary too much",
  beyond_bound: () => "the measured change, spread included, exceeds the FLOP bound and is not shown",
  drifted: () => "the same computation now takes a different time than before, so no time is shown",
};

/**
 * By how much other programs held the processor, between two texts; empty on a GPU, whose clock does not tell.
 * @param {Saving} saving @param {string} before
 */
const loadWords = ({ held_up: heldUp }, before, after = "") =>
  typeof heldUp === "number" ? `${before}wall clock ${factor(heldUp)} the CPU time${after}` : "";

/** What is in doubt, each once. @param {Measured} epoch */
function doubtWords(epoch) {
  const { step, backward } = epoch.saving;
  // A doubt that a later program has names itself.
  const words = [step, backward].flatMap(({ doubt }) => (doubt ? [DOUBTS[doubt]?.(epoch) ?? doubt] : []));
  return [...new Set(words)].join("; ");
}

/** `Measured: …`, or why not. @param {Measured} epoch */
function measuredWords(epoch) {
  const { saving, step_ms: times } = epoch;
  const told = /** @type {const} */ (["backward", "step"]).flatMap((name) => {
    const { measured } = saving[name];
    return measured ? [`${name} ${range(measured)}`] : [];
  });
  const doubts = doubtWords(epoch);
  const why = doubts && `${told.length ? "Otherwise no time" : "No time"}: ${doubts}.`;
  if (!told.length) return why;
  const same = saving.step.measured && saving.step.measured.low <= 0 && saving.step.measured.high >= 0;
  const figures = `Measured: ${told.join(", ")}; medians of ${count(times.batches)} batches with the 10th and 90th percentile, in ${CLOCKS[times.clock]}.`;
  return [
    figures,
    same && "The step's range includes 0 %.",
    saving.with_phi && `Including the measurement of φ, the step changes by ${change(saving.with_phi.median)}.`,
    why,
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {number} first @param {number} last */
const epochs = (first, last) => (first === last ? `epoch ${first}` : `epochs ${first}–${last}`);

/** What the comparison is with, and what else held the processor. @param {Measured} epoch */
function besides({ saving, step_ms: { dense } }) {
  if (!saving.step.measured && !saving.backward.measured) return "";
  const held = saving.busy && `The machine was busy${loadWords(saving, ": ")}.`;
  return [dense && denseWords(dense), held].filter(Boolean).join(" ");
}

/** @param {NonNullable<StepTimes["dense"]>} dense the steps in which nothing was left out. */
function denseWords({ source, batches, first_epoch: first, last_epoch: last }) {
  return source === "interleaved"
    ? `Baseline: ${count(batches)} dense steps interleaved with this epoch's.`
    : `Baseline: ${count(batches)} dense batches of ${epochs(first, last)}, scaled by the forward time, which freezing does not change.`;
}

/** Whether the run was told to compute all gradients; an external one tells it elsewhere. @param {Feed["record"]} run */
const isSavingOff = (run) => run.source === "launched" && run.config.neq.savings === false;

/** The first sentence: how much was frozen, and under which setting. @param {Epoch} epoch @param {boolean} off savings are. */
function held(epoch, off) {
  const { applied_fraction: fraction, epoch: at } = epoch;
  if (!fraction) return `Nothing was frozen during epoch ${at}: its steps are dense.`;
  const frozen = fraction > 0 && fraction < 0.005 ? "under 1\u00a0%" : `${Math.round(100 * fraction)}\u00a0%`;
  const words = `${frozen} of the neurons were frozen during epoch ${at}.`;
  return off ? `Skipping frozen gradients is off: all gradients were computed. ${words}` : words;
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
    return { main: `Steps were not timed in epoch ${at}: it was trained by a version that did not time them.`, more: "" };
  }
  const first = held(epoch, isSavingOff(feed.record));
  const shown = counted && epoch.applied_fraction ? [flopWords("Step", counted.step), flopWords("Backward", counted.backward)] : [];
  return { main: [first, ...shown].join(" "), more: isMeasured(epoch) ? measured(epoch) : former(epoch) };
}

/** @param {Epoch} epoch @returns {epoch is Measured} */
const isMeasured = (epoch) => Boolean(epoch.saving && epoch.step_ms);

/** @param {Measured} epoch */
const measured = (epoch) => [measuredWords(epoch), besides(epoch)].filter(Boolean).join(" ");

/** @param {Epoch} epoch */
const former = ({ step_ms: times }) =>
  times ? "Times were recorded in wall-clock time and without their spread: they are plotted but not compared." : "";

/** How many layers have which plan: `12 stopped, 3 rows, 4 untouched`. @param {{kind: string}[]} layers */
export function planWords(layers) {
  const tally = new Map();
  for (const { kind } of layers) tally.set(kind, (tally.get(kind) || 0) + 1);
  return [...tally].map(([kind, number]) => `${count(number)} ${kind}`).join(", ");
}
