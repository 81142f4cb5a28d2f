/*
 * The top of a run's page: state, progress, headline numbers, what to know before anything else, buttons.
 */

import * as live from "../api/live.js";
import * as rest from "../api/recorded.js";
import * as api from "../api/runs.js";
import * as timing from "../run-data/timing.js";
import { confirm } from "../ui/dialog.js";
import { element, fill, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { at } from "../ui/routes.js";
import { go, notice } from "../ui/shell.js";
import { Pulse } from "./epoch-progress.js";
import { RunNotice } from "./notice.js";
import { Tiles } from "./tiles.js";

/** @import { Fork, Parts, Run } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed, Trouble } from "../run-data/feed.js" */

const TICK_MS = 1000;
const { duration, estimate, count, counted, ago, moment } = format;

const button = (/** @type {HTMLElement} */ part) => /** @type {HTMLButtonElement} */ (part);
const link = (/** @type {HTMLElement} */ part) => /** @type {HTMLAnchorElement} */ (part);

export class RunHead {
  /**
   * @param {Scope} scope
   * @param {Parts} parts of the page, by name.
   * @param {Feed} feed
   */
  constructor(scope, parts, feed) {
    this.scope = scope;
    this.parts = parts;
    this.feed = feed;
    this.buttons = { stop: button(parts.stop), delete: button(parts.delete), resume: button(parts.resume) };
    this.links = { again: link(parts.again), compare: link(parts.compare), fork: link(parts.fork) };
    /** @type {Fork[]} runs that were forked from this one. */
    this.forks = [];
    /** @type {number | null} the epoch whose numbers are shown; null: the newest. */
    this.at = null;
    this.drawnAt = performance.now();
    /** @type {string | null} what is shown of the tags, and of where the run comes from, as text. */
    this.tags = null;
    /** @type {string | null} */
    this.facts = null;
    this.draw = scope.once(() => this.#draw());
    this.pulse = new Pulse(parts, feed);
    this.tiles = new Tiles(parts, feed);
    this.notice = new RunNotice(scope, parts.notice, feed, this.draw);
    scope.every(TICK_MS, () => this.#tick());
    scope.finally(
      live.onStatus((status, reason) => {
        this.notice.connected(status, reason);
        this.draw();
      }),
    );
    scope.on(this.buttons.stop, "click", () => this.#stop());
    scope.on(this.buttons.delete, "click", () => this.#remove());
    scope.on(this.buttons.resume, "click", () => this.#resume());
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

  /** Why nothing new comes; null: it comes again. @param {Trouble | null} trouble */
  say(trouble) {
    this.notice.trouble = trouble;
    this.draw();
  }

  #draw() {
    this.drawnAt = performance.now();
    const { buttons, links } = this;
    const run = this.feed.record;
    links.again.href = at(`/new?from=${run.id}`);
    links.compare.href = at(`/compare?runs=${run.id}`);
    links.fork.href = at(`/new?fork=${run.id}`);
    links.fork.hidden = !run.can_fork;
    buttons.stop.hidden = this.feed.ended;
    buttons.stop.disabled = run.stop_requested;
    say(buttons.stop, run.stop_requested ? (run.source === "external" ? "Asked to stop" : "Stopping…") : "Stop");
    buttons.delete.hidden = !this.feed.ended;
    buttons.resume.hidden = !run.can_resume;
    this.#drawState(run);
    this.#drawProgress(run);
    this.pulse.draw();
    this.notice.draw();
    this.tiles.draw(this.at);
  }

  /** @param {Run} run */
  #drawState(run) {
    const starting = run.source === "launched" && run.state === "running" && !this.feed.layers.length;
    this.parts.state.dataset.state = run.state;
    say(this.parts.state, starting ? "starting" : run.stop_requested && !this.feed.ended ? "stopping" : run.state);
    const tags = run.tags.join(",");
    if (this.tags !== tags) this.parts.tags.replaceChildren(...run.tags.map((tag) => element("span.tag", {}, tag)));
    this.tags = tags;
    const { script, host, commit } = this.feed.started ?? {};
    const origin =
      run.source === "external" ? [script?.split("/").at(-1), host && `on ${host}`, commit && `commit ${commit.slice(0, 12)}`] : [];
    const words = [`created ${ago(run.created_at)}`, run.device, ...origin].filter(Boolean).join(" · ");
    const facts = JSON.stringify([words, this.forks]);
    if (this.facts !== facts) this.parts.facts.replaceChildren(words, ...parentage(run), ...offspring(this.forks));
    this.facts = facts;
    this.parts.facts.title = moment(run.created_at);
  }

  // ------------------------------------------------------------ progress

  /** @param {Run} run */
  #drawProgress(run) {
    const done = Math.max(this.feed.done, run.epochs_done);
    const logged = done ? null : this.feed.metrics.lastEpoch;
    const fraction = timing.fraction(run, logged ?? done);
    this.parts.progress.hidden = fraction === null;
    fill(this.parts["progress-bar"], fraction ?? 0);
    this.parts.progress.dataset.state = run.state;
    this.parts.progress.setAttribute("aria-valuenow", String(Math.round((fraction ?? 0) * 100)));
    say(this.parts["progress-words"], logged === null ? this.#progressWords(run, done) : this.#loggedWords(run, logged));
  }

  /** How far a run is that watches no network: whether an epoch is over, nobody says. @param {Run} run @param {number} epoch that it logged last. */
  #loggedWords(run, epoch) {
    const planned = timing.planned(run, epoch);
    const of = planned === null ? "" : ` of ${count(planned)}`;
    const elapsed = duration(timing.elapsed(run));
    return this.feed.ended ? `up to epoch ${epoch}${of} in ${elapsed}` : `epoch ${epoch}${of} · ${elapsed} so far`;
  }

  /** @param {Run} run @param {number} done epochs. */
  #progressWords(run, done) {
    const elapsed = timing.elapsed(run);
    const planned = timing.planned(run, done);
    if (run.state === "queued") return `${counted(planned ?? 0, "epoch")} planned`;
    const doneWords = timing.doneWords(run, done);
    if (this.feed.ended) return `${doneWords}${elapsed === null ? "" : ` in ${duration(elapsed)}`}`;
    if (run.source === "launched" && !this.feed.layers.length) return "preparing data and network";
    if (planned === null) return `${done || this.feed.layers.length ? `${doneWords} · ` : ""}${duration(elapsed)} so far`;
    if (done === planned)
      return `${done === 1 ? "the one epoch" : `all ${count(done)} epochs`} done, finishing · ${duration(elapsed)} so far`;
    const left = timing.left(run);
    const where = `epoch ${done} (${count(done)} of ${count(planned)} done)`;
    return `${where} · ${duration(elapsed)} so far${left === null ? "" : `, about ${estimate(left)} left`}`;
  }

  // ------------------------------------------------------------ buttons

  async #stop() {
    const agreed = await confirm(this.scope, {
      title: "Stop this run?",
      words: stopWords(this.feed.record),
      action: "Stop the run",
    });
    if (!agreed) return;
    this.buttons.stop.disabled = true;
    await api.stop(this.feed.id).catch((error) => {
      this.buttons.stop.disabled = false;
      notice(error.message, "bad", "Could not stop");
    });
  }

  async #resume() {
    this.buttons.resume.disabled = true;
    await api.resume(this.feed.id).catch((error) => notice(error.message, "bad", "Could not resume"));
    this.buttons.resume.disabled = false;
  }

  async #remove() {
    const agreed = await confirm(this.scope, {
      title: "Delete this run?",
      words: `Everything recorded for “${this.feed.record.name}” will be deleted. This cannot be undone.`,
      action: "Delete the run",
    });
    if (!agreed) return;
    await api.remove(this.feed.id).then(
      () => go("/"),
      (error) => notice(error.message, "bad", "Could not delete"),
    );
  }
}

/** What stopping does to a run. @param {Run} run */
function stopWords({ source, state, epochs_done: done }) {
  const kept = done ? ` Its ${counted(done, "finished epoch")} ${done === 1 ? "is" : "are"} kept.` : "";
  if (source === "external") return `Its script is asked to stop, and stops where it looks at run.should_stop.${kept}`;
  if (state === "queued") return `No worker has claimed it; it leaves the queue immediately.${kept}`;
  return `It stops within seconds, in the middle of its epoch.${kept}`;
}

/** Where a fork comes from; its parent may be gone, and the link then says so. @param {Run} run */
function parentage(run) {
  if (!run.parent_id) return [];
  const link = element("a", { href: `/runs/${run.parent_id}` }, `run ${run.parent_id}`);
  return [" · forked from ", link, ` after epoch ${run.parent_epoch}`];
}

/** The runs that go on from this one. @param {Fork[]} forks */
function offspring(forks) {
  const linked = (/** @type {Fork} */ { id, name, epoch }) =>
    element("a", { href: `/runs/${id}`, title: name }, `run ${id} after epoch ${epoch}`);
  return forks.flatMap((fork, place) => [place ? ", " : " · forked into ", linked(fork)]);
}
