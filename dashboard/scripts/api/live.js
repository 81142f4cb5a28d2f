/*
 * The one socket of a tab.
 *
 * Whoever wants to follow a run subscribes with a cursor (`after`, the last sequence number it has seen) and gets each
 * later event exactly once and in order, however often the connection breaks in between: on every reconnect each
 * run is asked for again from the oldest cursor of those who follow it, and each follower drops what it has seen.
 * Nothing of this passes through Dash.
 */

import { openFrame } from "./frames.js";
import { send, serve, settle, tell } from "./socket.js";

/** @import { DisplayHeader, FromServer, NumberedEvent } from "../../types/live" */
/** @import { Run } from "../../types/pages" */

const GATHER_MS = 25; // how long events wait for the record behind them

/**
 * @typedef {object} Callbacks
 * @property {(run: Run) => void} [onRun] the run's record, at first and after each change.
 * @property {(events: NumberedEvent[]) => void} [onEvents] new ones, in order, never twice.
 * @property {(display: {epoch: number, seq: number, columns: {layer: number, bytes: Uint8Array}[]}) => void} [onDisplay]
 *   one epoch of the layers asked for; may come again after a reconnect, with the same bytes.
 * @property {(message: string) => void} [onError] the server's refusal, such as an unknown run.
 * @property {(run: string) => void} [onDeleted] the run was deleted.
 */

/** @typedef {{run: string, cursor: number, layers: number[] | "all"} & Callbacks} Follower */
/** @typedef {{onRun?: (run: Run) => void, onDeleted?: (run: string) => void}} Watcher */

const followers = /** @type {Set<Follower>} */ (new Set());
const watchers = /** @type {Set<Watcher>} */ (new Set());
/** @type {(FromServer | ArrayBuffer)[]} */
let gathered = [];
/** @type {ReturnType<typeof setTimeout> | undefined} for how long events wait. */
let gathering;

serve({ wants: () => followers.size + watchers.size > 0, opened: askForEverything, heard: hear, dropped: forget });

// ---------------------------------------------------------------- asking

/** @param {string} run */
function followersOf(run) {
  return [...followers].filter((follower) => follower.run === run);
}

/** @param {Follower[]} group @returns {number[] | "all"} */
function layersOf(group) {
  if (group.some((follower) => follower.layers === "all")) return "all";
  return [...new Set(group.flatMap(({ layers }) => (layers === "all" ? [] : layers)))].sort((a, b) => a - b);
}

/** @param {string} run */
function askFor(run) {
  const group = followersOf(run);
  if (!group.length) return send({ type: "unsubscribe", run });
  const after = Math.min(...group.map((follower) => follower.cursor));
  return send({ type: "subscribe", run, after, layers: layersOf(group) });
}

function askForEverything() {
  if (watchers.size) send({ type: "subscribe_runs" });
  for (const run of new Set([...followers].map((follower) => follower.run))) askFor(run);
}

// ---------------------------------------------------------------- hearing

/**
 * An epoch's events, its columns and then the run's record are three messages. Told apart, each may take a frame of its
 * own, at ten milliseconds and more; so events wait for the record that follows them, GATHER_MS at most.
 * @param {string | ArrayBuffer} data
 */
function hear(data) {
  /** @type {FromServer | ArrayBuffer} */
  const message = data instanceof ArrayBuffer ? data : JSON.parse(data);
  gathered.push(message);
  const type = message instanceof ArrayBuffer ? "display" : message.type;
  if (type === "events") gathering ??= setTimeout(handOut, GATHER_MS);
  else if (type === "run" || gathering === undefined) handOut();
}

/** What waits is asked for again: cursors have not moved past it. */
function forget() {
  clearTimeout(gathering);
  gathering = undefined;
  gathered = [];
}

function handOut() {
  const messages = gathered;
  forget();
  for (const message of messages) hearMessage(message);
}

/** @param {FromServer | ArrayBuffer} message */
function hearMessage(message) {
  if (message instanceof ArrayBuffer) hearDisplay(message);
  else if (message.type === "events") hearEvents(message);
  else if (message.type === "run") hearRun(message.run);
  else if (message.type === "run_deleted") hearDeleted(message.run);
  else if (message.type === "error") hearError(message);
}

/** @param {Run} run */
function hearRun(run) {
  for (const watcher of [...watchers]) tell(watcher.onRun, run);
  for (const follower of followersOf(run.id)) tell(follower.onRun, run);
}

/** @param {string} run */
function hearDeleted(run) {
  for (const watcher of [...watchers]) tell(watcher.onDeleted, run);
  for (const follower of followersOf(run)) tell(follower.onDeleted, run);
}

/** @param {{message: string, run?: string}} message */
function hearError(message) {
  const group = message.run ? followersOf(message.run) : [...followers];
  for (const follower of group) tell(follower.onError, message.message);
}

/** @param {{run: string, events: NumberedEvent[]}} message */
function hearEvents(message) {
  for (const follower of followersOf(message.run)) {
    const fresh = message.events.filter((event) => event.seq > follower.cursor);
    if (!fresh.length) continue;
    // The last one received, not the message's last_seq: a batch may be one of several.
    follower.cursor = fresh[fresh.length - 1].seq;
    tell(follower.onEvents, fresh);
  }
}

/** Each layer's display bytes, in one binary frame. @param {ArrayBuffer} buffer */
function hearDisplay(buffer) {
  const frame = openFrame(buffer);
  /** @type {DisplayHeader} */
  const header = frame.header;
  const columns = header.layers.map(([layer, neurons]) => ({ layer, bytes: frame.take(neurons) }));
  for (const follower of followersOf(header.run)) {
    const own = columns.filter(({ layer }) => follower.layers === "all" || follower.layers.includes(layer));
    if (own.length) tell(follower.onDisplay, { epoch: header.epoch, seq: header.seq, columns: own });
  }
}

// ---------------------------------------------------------------- public

/**
 * Follows one run.
 *
 * @param {string} run its id.
 * @param {{after?: number, layers?: number[] | "all"} & Callbacks} [options] `after`: last sequence number already known,
 *   events above it are delivered, 0: all. `layers`: those whose display bytes are sent after each epoch.
 * @returns {{update: (change: {layers: number[]|"all"}) => void, close: () => void, cursor: () => number}}
 */
export function subscribe(run, { after = 0, layers = [], ...callbacks } = {}) {
  /** @type {Follower} */
  const follower = { run, cursor: after, layers, ...callbacks };
  followers.add(follower);
  settle();
  askFor(run);
  return {
    cursor: () => follower.cursor,
    /** @param {{layers: number[] | "all"}} change */
    update(change) {
      follower.layers = change.layers;
      if (followers.has(follower)) askFor(run);
    },
    close() {
      if (!followers.delete(follower)) return;
      askFor(run);
      settle();
    },
  };
}

/**
 * Hears of every run: on subscribing (by the server's choice) and whenever one changes.
 *
 * @param {Watcher} callbacks
 * @returns {{close: () => void}}
 */
export function subscribeRuns(callbacks) {
  const watcher = { ...callbacks };
  watchers.add(watcher);
  settle();
  if (watchers.size === 1) send({ type: "subscribe_runs" });
  return {
    close() {
      if (!watchers.delete(watcher)) return;
      if (!watchers.size) send({ type: "unsubscribe_runs" });
      settle();
    },
  };
}

export { onStatus, start } from "./socket.js";
