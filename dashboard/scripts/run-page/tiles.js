/*
 * A run's headline numbers.
 */

import { epochRange, epochSeconds, rangeWords } from "../run-data/epoch-times.js";
import { headlines } from "../run-data/metric-groups.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { explain } from "../ui/tooltip.js";

/** @import { Epoch, Missing, Parts } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Known } from "../run-data/metric-feed.js" */

/** @typedef {Epoch["seconds"]} Seconds of an epoch, by part. */
/** @typedef {{label: string, value: string, more?: Missing<string | false | 0>, help?: string, bar?: Seconds}} Fact what a tile tells. */

const PHASES = /** @type {const} */ (["train", "probe", "evaluate", "record"]);
const { percent, number, duration, count } = format;

const NEXT = {
  label: "Frozen next epoch",
  help: "Decided at the end of the latest epoch: these neurons are not updated in the next one.",
};
const AT_THE_END = { label: "Frozen at the end", help: "Decided at the end of the last epoch; none follows." };

export class Tiles {
  /** @param {Parts} parts of the page: tiles, tiles-epoch. @param {Feed} feed */
  constructor(parts, feed) {
    this.parts = parts;
    this.feed = feed;
    /** @type {Tile[]} */
    this.shown = [];
  }

  /** Draws the numbers of an epoch; null: of the newest. The tiles stay when their numbers change. @param {number | null} at */
  draw(at) {
    const last = at === null ? this.feed.last : this.feed.epochs[at];
    this.parts["tiles-epoch"].hidden = at === null;
    say(this.parts["tiles-epoch"], `Numbers of epoch ${at}`);
    const facts = this.feed.external ? this.#recorded(last) : this.#launched(last);
    this.parts.tiles.hidden = !facts.length; // an external run may have logged nothing yet
    if (this.shown.length !== facts.length) {
      this.shown = facts.map(tile);
      this.parts.tiles.replaceChildren(...this.shown.map(({ box }) => box));
    }
    for (const [place, fact] of facts.entries()) fill(this.shown[place], fact);
  }

  /** @param {Missing<Epoch>} last */
  #launched(last) {
    return [this.#accuracy(last), ...this.#frozen(last), this.#loss(last), this.#rate(last), this.#time(last)];
  }

  /** Of an external run: what it logged, and of a network that it watches what is frozen. @param {Missing<Epoch>} last */
  #recorded(last) {
    const watched = this.feed.layers.length > 0;
    const own = headlines(this.feed.metrics.own, watched ? 3 : 6).map(logged);
    return watched ? [...own, ...this.#frozen(last), this.#time(last)] : own;
  }

  /** @param {Missing<Epoch>} last @returns {Fact} */
  #accuracy(last) {
    const accuracy = (/** @type {Epoch} */ epoch) => Number(epoch.test_accuracy);
    const best = this.feed.epochs
      .filter(Boolean)
      .reduce((top, epoch) => (!top || accuracy(epoch) > accuracy(top) ? epoch : top), /** @type {Epoch | null} */ (null));
    const more = best && `best ${percent(best.test_accuracy)}, epoch ${best.epoch}`;
    return { label: "Test accuracy", value: percent(last?.test_accuracy), more };
  }

  /** @param {Missing<Epoch>} last @returns {Fact[]} */
  #frozen(last) {
    const run = this.feed.record;
    const resting = last && run.neurons && Math.round(last.frozen_fraction * run.neurons);
    const beyond = last?.beyond_fraction && run.neurons ? `, ${count(Math.round(last.beyond_fraction * run.neurons))} beyond the rule` : "";
    const more = last && run.neurons && `${count(resting)} of ${count(run.neurons)} neurons${beyond}`;
    return [
      {
        ...(this.#isTheEnd(last) ? AT_THE_END : NEXT),
        value: percent(last?.frozen_fraction),
        more,
      },
      {
        label: last ? `Frozen during epoch ${last.epoch}` : "Frozen during the epoch",
        value: percent(last?.applied_fraction),
        more: last && (last.epoch ? `mask from epoch ${last.epoch - 1}` : "no mask yet"),
        help: "Applied: these neurons were not updated during the latest finished epoch.",
      },
    ];
  }

  /** Whether no epoch follows this one: all are done, or the run ended here for good. @param {Missing<Epoch>} last */
  #isTheEnd(last) {
    const { record, ended } = this.feed;
    return last && (last.epoch + 1 >= (record.epochs_planned ?? Infinity) || (ended && !record.can_resume && last === this.feed.last));
  }

  /** @param {Missing<Epoch>} last @returns {Fact} */
  #loss(last) {
    return { label: "Training loss", value: number(last?.train_loss), more: last && `test ${number(last.test_loss)}` };
  }

  /** @param {Missing<Epoch>} last @returns {Fact} */
  #rate(last) {
    const drop = last && this.feed.drops().findLast(({ epoch }) => epoch <= last.epoch);
    const more = drop ? `dropped at epoch ${drop.epoch}` : last && "no drop yet";
    return { label: "Learning rate", value: format.rate(last?.learning_rate), more };
  }

  /** @param {Missing<Epoch>} last @returns {Fact} */
  #time(last) {
    if (!last) return { label: "Time per epoch", value: "–" };
    const { seconds } = last;
    const all = epochRange(this.feed.epochs, (epoch) => epochSeconds(epoch.seconds));
    /** @param {"probe" | "evaluate"} name @param {string} words */
    const phase = (name, words) => `${words} ${duration(seconds[name])}`;
    return {
      label: "Time per epoch",
      value: duration(epochSeconds(seconds)),
      bar: seconds,
      help: [
        `All epochs so far, wall clock: ${rangeWords(all, duration)}. This epoch: training ${duration(seconds.train)}`,
        phase("probe", "measuring φ"),
        phase("evaluate", "evaluating"),
        `recording ${duration(recording(seconds))}`,
      ].join(", "),
    };
  }
}

/** A metric as it stands now, whatever epoch the page shows. @param {Known} metric @returns {Fact} */
function logged({ name, last, last_step: step }) {
  return { label: name, value: number(last, 4), more: step !== undefined && `latest, step ${count(step)}` };
}

/** Seconds in which an epoch was put down: its records and its checkpoint. @param {Seconds} seconds */
function recording({ record, checkpoint = 0 }) {
  return record + checkpoint;
}

/** @typedef {ReturnType<typeof tile>} Tile its elements. */

/** A tile without its number. */
function tile() {
  const [label, value, more] = ["label", "value", "more"].map((name) => element(`div.tile-${name}`));
  const bar = element("div.phase-bar", {}, ...PHASES.map((phase) => element("span", { class: `phase-${phase}` })));
  return { box: element("div.tile", {}, label, value, bar, more), label, value, bar, more };
}

/** @param {Tile} tile @param {Fact} fact */
function fill({ box, label, value, bar, more }, fact) {
  say(label, fact.label);
  say(value, fact.value);
  say(more, fact.more || "\u00a0");
  more.hidden = Boolean(fact.bar);
  bar.hidden = !fact.bar;
  if (fact.bar) drawPhases(bar, fact.bar);
  explain(box, fact.help || "");
}

/** How an epoch's time was spent. @param {HTMLElement} bar @param {Seconds} seconds */
function drawPhases(bar, seconds) {
  const all = epochSeconds(seconds) || 1;
  PHASES.forEach((phase, place) => {
    const spent = phase === "record" ? recording(seconds) : seconds[phase];
    const part = /** @type {HTMLElement} */ (bar.children[place]);
    part.style.width = `${((100 * spent) / all).toFixed(1)}%`;
  });
}
