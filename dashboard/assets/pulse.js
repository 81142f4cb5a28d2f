"use strict";
/*
 * neq.Pulse: what goes on inside an epoch: phase, step, pace, loss, and the time left for the epoch and for the run.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const RECENT_EPOCHS = 8;
  const PHASES = { train: "training", probe: "measuring φ on the probe set", evaluate: "evaluating on the test set" };
  const USUAL = { train: 0.88, probe: 0.05, evaluate: 0.07, record: 0 };
  const { number, duration, count } = neq.format;

  function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  class Pulse {
    /** @param {Record<string, HTMLElement>} parts of the page: pulse, pulse-…. @param {neq.Feed} feed */
    constructor(parts, feed) {
      Object.assign(this, { parts, feed });
    }

    /** Share of the running epoch that is over, by where the last epoch's time went. */
    get inEpoch() {
      const { progress } = this.feed.record;
      if (!progress || this.feed.ended) return 0;
      const seconds = this.feed.last?.seconds || USUAL;
      const order = ["train", "probe", "evaluate"];
      const before = order.slice(0, order.indexOf(progress.phase)).reduce((sum, phase) => sum + seconds[phase], 0);
      const share = progress.batches ? progress.batch / progress.batches : 0;
      return Math.min(1, (before + share * seconds[progress.phase]) / (neq.epochSeconds(seconds) || 1));
    }

    /** What an epoch takes, in seconds: the median of the newest ones; in the first, by its own pace; null: not known. */
    get epochTakes() {
      const recent = this.feed.epochs.slice(-RECENT_EPOCHS).filter(Boolean).map((epoch) => neq.epochSeconds(epoch.seconds));
      if (recent.length) return median(recent);
      const { progress } = this.feed.record;
      const { train_samples: samples } = this.feed.started || {};
      if (!progress?.samples_per_second || !samples) return null;
      return samples / progress.samples_per_second / USUAL.train;
    }

    /** Seconds until the run's end; null: not known, or none. */
    left(done) {
      const epochs = Math.max(0, this.feed.record.epochs_planned - done - this.inEpoch);
      return this.epochTakes * epochs || null;
    }

    draw() {
      const { parts, feed } = this;
      const { progress, state } = feed.record;
      const shown = state === "running" && Boolean(progress) && !feed.ended;
      parts.pulse.hidden = !shown;
      if (!shown) return;
      const inside = this.inEpoch;
      neq.fill(parts["pulse-bar"], inside);
      parts["pulse-progress"].setAttribute("aria-valuenow", Math.round(inside * 100));
      const step = progress.batches ? `step ${count(progress.batch)} of ${count(progress.batches)}` : "";
      neq.say(parts["pulse-phase"], `epoch ${progress.epoch}: ${PHASES[progress.phase]}${step && `, ${step}`}`);
      this.#number("pace", progress.samples_per_second, (pace) => `${count(Math.round(pace))} samples/s`);
      this.#number("loss", progress.loss, (loss) => `loss ${number(loss)}`);
      this.#number("epoch-left", this.epochTakes * (1 - inside) || null, (left) => `epoch: ${duration(left)} left`);
      this.#number("run-left", this.left(feed.done), (left) => `run: about ${duration(left)} left`);
    }

    #number(name, value, words) {
      const part = this.parts[`pulse-${name}`];
      const there = value !== null && value !== undefined;
      part.hidden = !there;
      if (there) neq.say(part, words(value));
    }
  }

  neq.Pulse = Pulse;
})();
