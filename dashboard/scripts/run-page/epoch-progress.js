/*
 * What goes on inside an epoch: phase, step, pace, loss, and the time left for the epoch and for the run.
 */

import * as timing from "../run-data/timing.js";
import { fill, say } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { Feed } from "../run-data/feed.js" */
/** @import { Missing } from "../../types/pages" */

const PHASES = { train: "training", probe: "measuring φ on the probe set", evaluate: "evaluating on the test set" };
const { number, estimate, count } = format;

export class Pulse {
  /** @param {Record<string, HTMLElement>} parts of the page: pulse, pulse-…. @param {Feed} feed */
  constructor(parts, feed) {
    this.parts = parts;
    this.feed = feed;
  }

  draw() {
    const { parts, feed } = this;
    const { progress, state } = feed.record;
    const shown = state === "running" && !!progress && !feed.ended;
    parts.pulse.hidden = !shown;
    if (!shown) return;
    const inside = timing.inEpoch(feed.record);
    const { seconds_per_epoch: perEpoch } = feed.record.timing;
    fill(parts["pulse-bar"], inside);
    parts["pulse-progress"].setAttribute("aria-valuenow", String(Math.round(inside * 100)));
    const step = progress.batches ? `step ${count(progress.batch)} of ${count(progress.batches)}` : "";
    say(parts["pulse-phase"], `epoch ${progress.epoch}: ${PHASES[progress.phase]}${step && `, ${step}`}`);
    this.#number("pace", progress.samples_per_second, (pace) => `${count(Math.round(pace))} samples/s`);
    this.#number("loss", progress.loss, (loss) => `loss ${number(loss)}`);
    this.#number("epoch-left", perEpoch === null ? null : perEpoch * (1 - inside) || null, (left) => `epoch: ${estimate(left)} left`);
    this.#number("run-left", timing.left(feed.record), (left) => `run: about ${estimate(left)} left`);
  }

  /** @param {string} name @param {Missing<number>} value @param {(value: number) => string} words */
  #number(name, value, words) {
    const part = this.parts[`pulse-${name}`];
    const there = value !== null && value !== undefined;
    part.hidden = !there;
    if (there) say(part, words(value));
  }
}
