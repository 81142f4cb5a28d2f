// @ts-nocheck (types to come)
/*
 * RunHead: the top of a run's page: state, progress, headline numbers, what to know before anything else, buttons.
 */

import * as live from "../api/live.js";
import * as rest from "../api/recorded.js";
import * as api from "../api/runs.js";
import { queuedWords } from "../run-data/queue.js";
import * as timing from "../run-data/timing.js";
import { warnings } from "../run-data/warnings.js";
import { confirm } from "../ui/dialog.js";
import { element, fill, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { at } from "../ui/routes.js";
import { go, notice } from "../ui/shell.js";
import { Pulse } from "./epoch-progress.js";
import { Tiles } from "./tiles.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

const HEALTH_MS = 5000;
const QUIET_MS = 10_000;
const MOST_WARNINGS = 4;
const TICK_MS = 1000;
const { duration, estimate, count, counted, ago, moment } = format;

export class RunHead {
  /**
   * @param {Scope} scope
   * @param {Record<string, HTMLElement>} parts of the page, by name.
   * @param {Feed} feed
   */
  constructor(scope, parts, feed) {
    Object.assign(this, { scope, parts, feed });
    this.connection = "live";
    this.trouble = null;
    this.health = null;
    /** The newest that was heard of the run, and when. */
    this.newest = null;
    this.heardAt = performance.now();
    /** Runs that were forked from this one. */
    this.forks = [];
    /** The epoch whose numbers are shown; null: the newest. */
    this.at = null;
    this.pulse = new Pulse(parts, feed);
    this.tiles = new Tiles(parts, feed);
    this.draw = scope.once(() => this.#draw());
    scope.every(TICK_MS, () => this.#tick());
    scope.every(HEALTH_MS, () => this.#askHealth());
    scope.finally(live.onStatus((status, reason) => this.#connected(status, reason)));
    scope.on(parts.stop, "click", () => this.#stop());
    scope.on(parts.delete, "click", () => this.#remove());
    scope.on(parts.resume, "click", () => this.#resume());
    this.#askHealth();
    this.#askForks();
    this.draw();
  }

  /** Time goes on while nothing is heard. */
  #tick() {
    if (!this.feed.ended && performance.now() - this.drawnAt >= 0.9 * TICK_MS) this.draw();
  }

  async #askForks() {
    this.forks = await rest.forks(this.feed.id, this.scope.signal).catch(() => []);
    if (this.forks.length) this.draw();
  }

  #connected(status, reason) {
    this.connection = status;
    this.refusal = reason;
    this.draw();
  }

  /** Asked while the run waits, and when nothing was heard of a running one for long. */
  async #askHealth() {
    const { state } = this.feed.record;
    if (this.newest !== this.feed.record) [this.newest, this.heardAt] = [this.feed.record, performance.now()];
    const silent = state === "running" && performance.now() - this.heardAt >= QUIET_MS;
    if (state !== "queued" && !silent) {
      this.health = null;
      return;
    }
    const [health, run] = await Promise.all([api.health(), api.run(this.feed.id)]).catch(() => [null, null]);
    if (this.scope.ended) return;
    this.health = health;
    if (run) this.feed.renew(run); // its place in the queue changes without the run
    this.heartbeat = run?.heard_seconds_ago ?? 0;
    Object.assign(this, { askedWhile: state, askedAt: performance.now() });
    this.draw();
  }

  #draw() {
    this.drawnAt = performance.now();
    const { parts } = this;
    const run = this.feed.record;
    parts.again.href = at(`/new?from=${run.id}`);
    parts.compare.href = at(`/compare?runs=${run.id}`);
    parts.stop.hidden = this.feed.ended;
    parts.stop.disabled = run.stop_requested;
    say(parts.stop, run.stop_requested ? "Stopping…" : "Stop");
    parts.delete.hidden = !this.feed.ended;
    parts.resume.hidden = !run.can_resume;
    parts.fork.hidden = !run.can_fork;
    parts.fork.href = at(`/new?fork=${run.id}`);
    this.#drawState(run);
    this.#drawProgress(run);
    this.pulse.draw();
    this.#drawNotice(run);
    this.tiles.draw(this.at);
  }

  #drawState(run) {
    const starting = run.state === "running" && !this.feed.layers.length;
    this.parts.state.dataset.state = run.state;
    say(this.parts.state, starting ? "starting" : run.stop_requested && !this.feed.ended ? "stopping" : run.state);
    const tags = run.tags.join(",");
    if (this.tags !== tags) this.parts.tags.replaceChildren(...run.tags.map((tag) => element("span.tag", {}, tag)));
    this.tags = tags;
    const words = [`created ${ago(run.created_at)}`, run.device].filter(Boolean).join(" · ");
    const facts = JSON.stringify([words, this.forks]);
    if (this.facts !== facts) this.parts.facts.replaceChildren(words, ...parentage(run), ...offspring(this.forks));
    this.facts = facts;
    this.parts.facts.title = moment(run.created_at);
  }

  // ------------------------------------------------------------ progress

  #drawProgress(run) {
    const done = Math.max(this.feed.done, run.epochs_done);
    const share = timing.fraction(run, done);
    fill(this.parts["progress-bar"], share);
    this.parts.progress.dataset.state = run.state;
    this.parts.progress.setAttribute("aria-valuenow", Math.round(share * 100));
    say(this.parts["progress-words"], this.#progressWords(run, done));
  }

  #progressWords(run, done) {
    const of = `of ${count(run.epochs_planned)}`;
    const elapsed = timing.elapsed(run);
    if (run.state === "queued") return `${counted(run.epochs_planned, "epoch")} planned`;
    if (this.feed.ended)
      return `${count(done)} of ${counted(run.epochs_planned, "epoch")}${elapsed === null ? "" : ` in ${duration(elapsed)}`}`;
    if (!this.feed.layers.length) return "preparing data and network";
    if (done === run.epochs_planned)
      return `${done === 1 ? "the one epoch" : `all ${count(done)} epochs`} done, ending · ${duration(elapsed)} so far`;
    const left = timing.left(run);
    const where = `epoch ${done} (${count(done)} ${of} done)`;
    return `${where} · ${duration(elapsed)} so far${left === null ? "" : `, about ${estimate(left)} left`}`;
  }

  // ------------------------------------------------------------ notices

  #drawNotice(run) {
    const notice = this.#notice(run);
    const { notice: box } = this.parts;
    box.hidden = !notice;
    const text = JSON.stringify(notice);
    if (!notice || text === this.noticed) return;
    this.noticed = text;
    box.dataset.kind = notice.kind;
    const more = notice.more && element("p", {}, ...coded(notice.more));
    const details = notice.details && element("pre", { tabindex: 0 }, notice.details);
    box.replaceChildren(element("h2", {}, notice.title), ...[more, details].filter(Boolean));
  }

  #notice(run) {
    if (run.state === "failed") {
      const { failure } = this.feed;
      const lines = this.feed.log
        .slice(-8)
        .map((line) => line.text)
        .join("\n");
      const reason = failure?.reason || run.reason || "The run failed.";
      return { kind: "bad", title: reason, more: failure?.remedy, details: failure?.details || lines };
    }
    if (this.connection === "lost" && !this.feed.ended) return this.#lost();
    if (this.connection === "refused" && !this.feed.ended) {
      return { kind: "warn", title: "This page is not live.", more: this.refusal };
    }
    if (run.state === "stopped" && run.reason) return this.#warned({ kind: "quiet", title: `Stopped: ${run.reason}` });
    if (this.trouble) return { kind: "bad", title: this.trouble, more: "The page tries again by itself." };
    if (run.state === "queued") return this.#queued(run);
    return this.#silent() || this.#warned();
  }

  /** Why nothing is heard of a running run, if so. */
  #silent() {
    if (!this.health || this.askedWhile !== "running" || this.feed.ended) return null;
    const { store } = this.health;
    if (store.problem) return { kind: "bad", title: store.problem, more: "The run waits, and goes on by itself." };
    const silent = this.heartbeat + (performance.now() - this.askedAt) / 1000;
    if (this.heartbeat * 1000 < QUIET_MS) return null;
    const more = "Its worker has ended or does not reach the store; the next one resumes it from the last checkpoint.";
    return { kind: "warn", title: `No heartbeat for ${duration(silent)}.`, more };
  }

  /** What the run itself warns of, the newest first, below what else there is to say. */
  #warned(notice = null) {
    const { record, log, epochs } = this.feed;
    const [title, ...more] = [...(notice ? [notice.title] : []), ...warnings(record.turns, log, epochs)];
    if (!title) return null;
    const shown = more.slice(0, MOST_WARNINGS);
    if (more.length > shown.length) shown.push(`${more.length - shown.length} more in the log.`);
    return { kind: "warn", ...notice, title, details: shown.join("\n") };
  }

  #lost() {
    const { last } = this.feed;
    const upTo = last ? `showing what was received up to epoch ${last.epoch}` : "nothing was received yet";
    return { kind: "warn", title: `Connection lost; ${upTo}. Reconnecting…` };
  }

  /** Where a run waits, why it waits again, and who could take it. */
  #queued({ queue, turns }) {
    const last = turns.at(-1);
    const again = last?.kind === "run_requeued" ? last.reason : "";
    const title = `${queuedWords(queue)}.`;
    if (!this.health) return { kind: "quiet", title, more: again };
    const alive = this.health.workers.filter((worker) => worker.alive);
    if (!alive.length) {
      const more = `${again} Start a worker with \`neq worker\`; it takes the oldest queued run.`.trim();
      return { kind: "warn", title: `No worker is running. ${title}`, more };
    }
    const slots = alive.reduce((sum, worker) => sum + worker.slots, 0);
    const online = `${counted(alive.length, "worker")} online, training up to ${counted(slots, "run")} at once.`;
    return { kind: "quiet", title, more: `${again} ${online}`.trim() };
  }

  // ------------------------------------------------------------ buttons

  async #stop() {
    const agreed = await confirm(this.scope, {
      title: "Stop this run?",
      words: stopWords(this.feed.record),
      action: "Stop the run",
    });
    if (!agreed) return;
    this.parts.stop.disabled = true;
    await api.stop(this.feed.id).catch((error) => {
      this.parts.stop.disabled = false;
      notice(error.message, "bad", "Not stopped");
    });
  }

  async #resume() {
    this.parts.resume.disabled = true;
    await api.resume(this.feed.id).catch((error) => notice(error.message, "bad", "Could not resume"));
    this.parts.resume.disabled = false;
  }

  async #remove() {
    const agreed = await confirm(this.scope, {
      title: "Delete this run?",
      words: `All that “${this.feed.record.name}” recorded is deleted for good.`,
      action: "Delete the run",
    });
    if (!agreed) return;
    await api.remove(this.feed.id).then(
      () => go("/"),
      (error) => notice(error.message, "bad", "Not deleted"),
    );
  }
}

/** What stopping does to a run. */
function stopWords({ state, epochs_done: done }) {
  const kept = done ? ` Its ${counted(done, "finished epoch")} ${done === 1 ? "is" : "are"} kept.` : "";
  if (state === "queued") return `No worker has it: it leaves the queue at once.${kept}`;
  return `It ends within seconds, in the middle of its epoch.${kept}`;
}

/** Where a fork comes from; its parent may be gone, and the link then says so. */
function parentage(run) {
  if (!run.parent_id) return [];
  const link = element("a", { href: `/runs/${run.parent_id}` }, `run ${run.parent_id}`);
  return [" · forked from ", link, ` after epoch ${run.parent_epoch}`];
}

/** The runs that go on from this one. */
function offspring(forks) {
  const link = ({ id, name, epoch }) => element("a", { href: `/runs/${id}`, title: name }, `run ${id} after epoch ${epoch}`);
  return forks.flatMap((fork, place) => [place ? ", " : " · forked into ", link(fork)]);
}

/** Text in which `words` between backticks are code. */
function coded(text) {
  return text.split("`").map((piece, place) => (place % 2 ? element("code", {}, piece) : piece));
}
