"use strict";
/*
 * neq.savings: what frozen neurons saved, in numbers and in sentences, from what the epochs say of their steps.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const { percent, count } = neq.format;
  const PARTS = ["forward", "backward", "optimizer"];
  const SAME = 0.005;

  /** Milliseconds of a batch, without the measurement of φ. */
  const step = (times) => PARTS.reduce((sum, part) => sum + times[part], 0);

  /**
   * The dense step to compare with: the mean of the first epochs, those before anything was frozen.
   *
   * @param {object[]} epochs as the feed has them.
   * @returns {{first: number, last: number, backward: number, step: number}|null} null: none of them was timed.
   */
  function baseline(epochs) {
    const known = epochs.filter(Boolean);
    const frozen = known.findIndex((epoch) => epoch.applied_share > 0);
    const dense = known.slice(0, frozen === -1 ? known.length : frozen).filter((epoch) => epoch.step_ms);
    if (!dense.length) return null;
    const mean = (of) => dense.reduce((sum, { step_ms }) => sum + of(step_ms), 0) / dense.length;
    return { first: dense[0].epoch, last: dense.at(-1).epoch, backward: mean((times) => times.backward), step: mean(step) };
  }

  /** Shares of the dense step's operations that were counted, and that the masks make needless at most. */
  function counted(flops) {
    const dense = flops.dense_inputs + flops.dense_weights;
    const done = flops.inputs + flops.weights;
    const least = flops.least_inputs + flops.least_weights;
    const whole = flops.forward + dense;
    return {
      backward: done / dense, backwardLeast: least / dense,
      step: (flops.forward + done) / whole, stepLeast: (flops.forward + least) / whole,
    };
  }

  /** In whole percent, without a break in it; nearly all is not all. */
  function round(share) {
    const words = share > 0.995 && share < 1 ? "over 99 %" : percent(share, 0);
    return words.replaceAll(" ", "\u00a0");
  }

  /** `31 % less time`, `4 % more time`, `as much time`, of a share of the former time. */
  function change(share) {
    if (Math.abs(1 - share) < SAME) return "as much time as";
    return `${round(Math.abs(1 - share))} ${share < 1 ? "less" : "more"} time than`;
  }

  /** How many times as fast, to two digits behind the point. */
  const times = (factor) => `${factor.toFixed(2)}\u00a0times`;

  function since({ first, last }) {
    return first === last ? `epoch ${first}, in which nothing was frozen` : `the mean of epochs ${first}–${last}, before anything froze`;
  }

  function off({ flops, applied_share: held }) {
    if (!held) return "Savings are off, and nothing was frozen in this epoch.";
    const most = flops ? ` At most ${round(1 - counted(flops).stepLeast)} of a step's operations could have been left out.` : "";
    return `Savings are off: ${round(held)} of the neurons stayed put, and everything was computed all the same.${most}`;
  }

  /** The counted operations, as the end of a sentence. */
  function byCount(flops) {
    if (!flops) return ".";
    const { backward, backwardLeast } = counted(flops);
    return `; counted operations say ${round(1 - backward)} less, and allow ${round(1 - backwardLeast)} at most.`;
  }

  function compared(epoch, dense) {
    const { step_ms, flops, applied_share } = epoch;
    const share = step(step_ms) / dense.step;
    const ceiling = flops ? `, and by operations could be ${times(flops.ceiling)} at most` : "";
    const held = `With ${round(applied_share)} of the neurons held frozen in epoch ${epoch.epoch}, `;
    const backward = `backward took ${change(step_ms.backward / dense.backward)} before anything froze`;
    const whole = ` The whole step took ${change(share)} then: it was ${times(1 / share)} as fast${ceiling}.`;
    return held + backward + byCount(flops) + whole;
  }

  /** What measuring φ takes off the saving, and what the comparison is with. */
  function besides({ step_ms }, dense) {
    const net = (step(step_ms) + step_ms.probe) / dense.step;
    const probe = `Measuring φ, which plain training does not need, is not in that; with it an epoch's training took ${change(net)} it did without.`;
    return `${probe} Compared with ${since(dense)}.`;
  }

  /**
   * What the card says of an epoch: a sentence for everybody, and what to know besides.
   *
   * @param {neq.Feed} feed
   * @param {number} at the epoch; -1: none is finished.
   * @returns {{main: string, more: string}}
   */
  function words(feed, at) {
    const nothing = neq.nothingYet(feed);
    const epoch = feed.epochs[at];
    if (nothing || !epoch) return { main: nothing || "Loading…", more: "" };
    if (!epoch.step_ms) return { main: `Steps were not timed in epoch ${at}: a program that did not yet do so trained it.`, more: "" };
    const dense = baseline(feed.epochs);
    if (feed.record.config.neq.savings === false) return { main: off(epoch), more: "" };
    if (!epoch.applied_share) return { main: `Nothing was frozen in epoch ${at}: its steps are dense, and later ones are compared with such.`, more: "" };
    if (!dense) return { main: "No epoch without frozen neurons was timed: there is nothing to compare with.", more: "" };
    return { main: compared(epoch, dense), more: besides(epoch, dense) };
  }

  /** How many layers have which plan: `12 stopped, 3 rows, 4 untouched`. */
  function planWords(layers) {
    const tally = new Map();
    for (const { kind } of layers) tally.set(kind, (tally.get(kind) || 0) + 1);
    return [...tally].map(([kind, number]) => `${count(number)} ${kind}`).join(", ");
  }

  neq.savings = { PARTS, step, baseline, counted, words, planWords };
})();
