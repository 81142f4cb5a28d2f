"use strict";
/*
 * neq.Pulse: what goes on inside an epoch: phase, step, pace, loss, and the time left for the epoch and for the run.
 */
(() => {
  const { neq } = window;
  const PHASES = { train: "training", probe: "measuring φ on the probe set", evaluate: "evaluating on the test set" };
  const { number, estimate, count } = neq.format;

  class Pulse {
    /** @param {Record<string, HTMLElement>} parts of the page: pulse, pulse-…. @param {neq.Feed} feed */
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
      const inside = neq.timing.inEpoch(feed.record);
      const { seconds_per_epoch: perEpoch } = feed.record.timing;
      neq.fill(parts["pulse-bar"], inside);
      parts["pulse-progress"].setAttribute("aria-valuenow", String(Math.round(inside * 100)));
      const step = progress.batches ? `step ${count(progress.batch)} of ${count(progress.batches)}` : "";
      neq.say(parts["pulse-phase"], `epoch ${progress.epoch}: ${PHASES[progress.phase]}${step && `, ${step}`}`);
      this.#number("pace", progress.samples_per_second, (pace) => `${count(Math.round(pace))} samples/s`);
      this.#number("loss", progress.loss, (loss) => `loss ${number(loss)}`);
      this.#number("epoch-left", perEpoch === null ? null : perEpoch * (1 - inside) || null, (left) => `epoch: ${estimate(left)} left`);
      this.#number("run-left", neq.timing.left(feed.record), (left) => `run: about ${estimate(left)} left`);
    }

    /** @param {string} name @param {neq.Missing<number>} value @param {(value: number) => string} words */
    #number(name, value, words) {
      const part = this.parts[`pulse-${name}`];
      const there = value !== null && value !== undefined;
      part.hidden = !there;
      if (there) neq.say(part, words(value));
    }
  }

  neq.Pulse = Pulse;
})();
