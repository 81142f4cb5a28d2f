/*
 * What there is to know about a run before anything else: that it failed and why, where it waits, that nothing is heard of
 * it, what it warns of.
 */

import * as api from "../api/runs.js";
import { queuedWords } from "../run-data/queue.js";
import { warnings } from "../run-data/warnings.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { Health, Missing, Run } from "../../types/pages" */
/** @import { Feed, Trouble } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/** @typedef {{kind: "bad" | "warn" | "quiet", title: string, more?: Missing<string>, details?: string}} Notice */

const HEALTH_MS = 5000;
const QUIET_MS = 10_000;
const SCRIPT_QUIET_MS = 25_000; // a recorder that has nothing to tell is heard every 10 s
const MOST_WARNINGS = 4;
const { duration, counted } = format;

export class RunNotice {
  /**
   * @param {Scope} scope
   * @param {HTMLElement} box what shows it.
   * @param {Feed} feed
   * @param {() => void} changed something else is to be said.
   */
  constructor(scope, box, feed, changed) {
    this.scope = scope;
    this.box = box;
    this.feed = feed;
    this.changed = changed;
    this.connection = "live";
    /** @type {Missing<string>} why the server refuses to be followed. */
    this.refusal = null;
    /** @type {Trouble | null} */
    this.trouble = null;
    /** @type {{health: Health, state: Run["state"], askedAt: number, heartbeat: number, placement: Missing<{state: string, text: string}>} | null} as it was last asked for. */
    this.asked = null;
    /** The newest that was heard of the run, and when. */
    this.newest = feed.record;
    this.heardAt = performance.now();
    /** @type {string | null} the notice that is shown, as text. */
    this.shown = null;
    scope.every(HEALTH_MS, () => this.#askHealth());
    this.#askHealth();
  }

  /** How long nothing need be heard of the run. */
  get #patience() {
    return this.feed.external ? SCRIPT_QUIET_MS : QUIET_MS;
  }

  /** Asked while the run waits, and when nothing was heard of a running one for long. */
  async #askHealth() {
    const { state } = this.feed.record;
    if (this.newest !== this.feed.record) [this.newest, this.heardAt] = [this.feed.record, performance.now()];
    const silent = state === "running" && performance.now() - this.heardAt >= this.#patience;
    if (state !== "queued" && !silent) {
      this.asked = null;
      return;
    }
    const [health, run] = await Promise.all([api.health(), api.run(this.feed.id)]).catch(() => [null, null]);
    if (this.scope.ended) return;
    if (run) this.feed.renew(run); // its place in the queue changes without the run
    const [heartbeat, placement] = [run?.heard_seconds_ago ?? 0, run?.queue?.placement]; // the socket does not tell the latter
    this.asked = health && { health, state, askedAt: performance.now(), heartbeat, placement };
    this.changed();
  }

  /** How the connection is. @param {string} status @param {Missing<string>} reason why it is refused. */
  connected(status, reason) {
    this.connection = status;
    this.refusal = reason;
  }

  /** Shows what there is to say now. */
  draw() {
    const notice = this.#notice(this.feed.record);
    const { box } = this;
    box.hidden = !notice;
    const text = JSON.stringify(notice);
    if (!notice || text === this.shown) return;
    this.shown = text;
    box.dataset.kind = notice.kind;
    const more = notice.more ? [element("p", {}, ...coded(notice.more))] : [];
    const details = notice.details ? [element("pre", { tabindex: 0 }, notice.details)] : [];
    box.replaceChildren(element("h2", {}, notice.title), ...more, ...details);
  }

  /** @param {Run} run @returns {Notice | null} */
  #notice(run) {
    if (run.state === "failed") return this.#failed(run);
    if (this.connection === "lost" && !this.feed.ended) return this.#lost();
    if (this.connection === "refused" && !this.feed.ended) {
      return { kind: "warn", title: "This page does not receive live updates.", more: this.refusal };
    }
    if (run.state === "stopped" && run.reason) return this.#warned({ kind: "quiet", title: `Stopped: ${run.reason}` });
    if (run.state === "finished" && run.reason) return this.#warned({ kind: "quiet", title: `Finished early: ${run.reason}` });
    if (this.trouble) return troubled(this.trouble);
    if (run.state === "queued") return this.#queued(run);
    return this.#silent() || this.#warned(asked(run));
  }

  /** @param {Run} run @returns {Notice} */
  #failed(run) {
    const { failure, log } = this.feed;
    const lines = log.slice(-8).map((line) => line.text);
    const reason = failure?.reason || run.reason || "The run failed.";
    return { kind: "bad", title: reason, more: failure?.remedy, details: failure?.details || lines.join("\n") };
  }

  /** Why nothing is heard of a running run, if so. @returns {Notice | null} */
  #silent() {
    const { asked } = this;
    if (asked?.state !== "running" || this.feed.ended) return null;
    const { health, heartbeat, askedAt } = asked;
    if (health.store.problem)
      return { kind: "bad", title: health.store.problem, more: "The run waits for the store and then continues automatically." };
    const silent = heartbeat + (performance.now() - askedAt) / 1000;
    if (heartbeat * 1000 < this.#patience) return null;
    const more = this.feed.external
      ? "Its script has ended or cannot reach the server; if it still runs, what it records comes later."
      : "Its worker has exited or cannot reach the store; the next one resumes the run from its last checkpoint.";
    return { kind: "warn", title: `No heartbeat for ${duration(silent)}.`, more };
  }

  /** What the run itself warns of, the newest first, below what else there is to say. @param {Notice} [notice] @returns {Notice | null} */
  #warned(notice) {
    const { record, log, epochs } = this.feed;
    const [title, ...more] = [...(notice ? [notice.title] : []), ...warnings(record.turns, log, epochs)];
    if (!title) return null;
    const shown = more.slice(0, MOST_WARNINGS);
    if (more.length > shown.length) shown.push(`${more.length - shown.length} more in the log.`);
    return { kind: "warn", ...notice, title, details: shown.join("\n") };
  }

  /** @returns {Notice} */
  #lost() {
    const { last } = this.feed;
    const upTo = last ? `showing what was received up to epoch ${last.epoch}` : "nothing was received yet";
    return { kind: "warn", title: `Connection lost; ${upTo}. Reconnecting…` };
  }

  /** Where a run waits, why it waits again, and who could take it. @param {Run} run @returns {Notice} */
  #queued({ queue, turns, held }) {
    const last = turns.at(-1);
    const again = last?.kind === "run_requeued" ? last.reason : "";
    const title = `${queuedWords(queue, held)}.`;
    if (held) return { kind: "quiet", title, more: `${again} Workers pass it over until it is released.`.trim() };
    if (!this.asked) return { kind: "quiet", title, more: again };
    const alive = this.asked.health.workers.filter((worker) => worker.alive);
    if (!alive.length) {
      const more = `${again} Start a worker with \`neq worker\`; it takes the first queued run.`.trim();
      return { kind: "warn", title: `No worker is running. ${title}`, more };
    }
    const { placement } = this.asked;
    if (placement) return { kind: placement.state === "nowhere" ? "warn" : "quiet", title, more: `${again} ${placement.text}.`.trim() };
    const slots = alive.reduce((sum, worker) => sum + worker.slots, 0);
    const online = `${counted(alive.length, "worker")} online, training up to ${counted(slots, "run")} at once.`;
    return { kind: "quiet", title, more: `${again} ${online}`.trim() };
  }
}

/** That a script is asked to stop: when it does is its own affair. @param {Run} run @returns {Notice | undefined} */
function asked({ source, state, stop_requested: requested }) {
  if (source !== "external" || state !== "running" || !requested) return undefined;
  return { kind: "quiet", title: "The script was asked to stop.", more: "It stops where it looks at `run.should_stop`." };
}

/** What does not come; what the server refuses, it would refuse again. @param {Trouble} trouble @returns {Notice} */
const troubled = ({ words, retried }) => ({
  kind: "bad",
  title: words,
  more: retried ? "The page retries automatically." : "Reload the page to try again.",
});

/** Text in which `words` between backticks are code. @param {string} text */
function coded(text) {
  return text.split("`").map((piece, place) => (place % 2 ? element("code", {}, piece) : piece));
}
