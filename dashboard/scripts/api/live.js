/*
 * The one socket of a tab.
 *
 * Whoever wants to follow a run subscribes with a cursor (`after`, the last sequence number it has seen) and gets each
 * later event exactly once and in order, however often the connection breaks in between: on every reconnect each
 * run is asked for again from the oldest cursor of those who follow it, and each follower drops what it has seen.
 * Nothing of this passes through Dash.
 */

import { at } from "../ui/routes.js";

/** @import { DisplayHeader, FromBrowser, FromServer, NumberedEvent } from "../../types/live" */
/** @import { Run } from "../../types/pages" */

const PATH = "/api/v1/live";
const SILENCE_MS = 25_000; // the server pings every 10 s: two and a half of them missed means the line is dead
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const LINGER_MS = 1_000; // keeps the socket over a change of page
const GATHER_MS = 25; // how long events wait for the record behind them
const PROBE_MS = 5_000;
const NOT_PASSED_ON =
  "The server answers, but live updates do not reach this page: a proxy in front of it may not pass WebSockets on. " +
  "Load the page again to see what is new.";

/** @typedef {"connecting" | "live" | "lost" | "refused"} Status */

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
const listeners = /** @type {Set<(status: Status, reason: string | null) => void>} */ (new Set());
/** @type {Record<"retry" | "silence" | "linger" | "gather", number>} */
const timers = { retry: 0, silence: 0, linger: 0, gather: 0 };
/** @type {WebSocket | null} */
let socket = null;
/** @type {(FromServer | ArrayBuffer)[]} */
let gathered = [];
/** @type {Status} */
let status = "connecting";
let attempt = 0;
let heardAt = 0;
let greeted = false;
/** @type {string | null} */
let reason = null;

// ---------------------------------------------------------------- calls to others

/**
 * Calls a subscriber; its error is its own and stops nobody else.
 * @template {any[]} V @param {((...values: V) => void) | undefined} callback @param {V} values
 */
function tell(callback, ...values) {
  if (!callback) return;
  try {
    callback(...values);
  } catch (error) {
    reportError(error);
  }
}

/** @param {Status} next @param {string | null} [why] */
function setStatus(next, why = null) {
  if (next === status && why === reason) return;
  status = next;
  reason = why;
  for (const listener of [...listeners]) tell(listener, status, reason);
}

// ---------------------------------------------------------------- the wire

function wanted() {
  return followers.size + watchers.size + listeners.size > 0;
}

function address() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${at(PATH)}`;
}

/** @param {FromBrowser} message */
function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  clearTimeout(timers.retry);
  timers.retry = 0;
  if (socket || !wanted()) return;
  const opened = new WebSocket(address());
  opened.binaryType = "arraybuffer";
  opened.onopen = askForEverything;
  opened.onmessage = (message) => socket === opened && hear(message.data);
  opened.onclose = () => socket === opened && lose();
  socket = opened;
  greeted = false;
  heardAt = performance.now();
  watchSilence();
}

/** Forgets a socket at once: closing a dead line politely may take minutes. */
function drop() {
  clearTimeout(timers.silence);
  forget(); // cursors have not moved past it, so it is asked for again
  const old = socket;
  socket = null;
  if (!old) return;
  old.onopen = old.onmessage = old.onclose = null;
  old.close();
}

function lose() {
  drop();
  if (!wanted()) return;
  if (greeted) setStatus("lost");
  else askWhyRefused();
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  attempt += 1;
  timers.retry = setTimeout(connect, wait * (0.75 + Math.random() / 2)); // not all tabs at once
}

/** Of a socket that did not open, a browser tells no reason: the same address, asked without a socket, does. */
async function askWhyRefused() {
  let answer;
  try {
    answer = await fetch(at(PATH), { method: "POST", signal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    return socket || setStatus("lost");
  }
  const { detail } = await answer.json().catch(() => ({}));
  if (greeted) return null;
  if (answer.ok) return setStatus("refused", NOT_PASSED_ON);
  return [400, 401, 403].includes(answer.status) ? setStatus("refused", detail || null) : setStatus("lost");
}

function watchSilence() {
  clearTimeout(timers.silence);
  timers.silence = setTimeout(
    () => {
      // A sleeping or hidden tab's clock jumps: only the time really measured counts.
      if (performance.now() - heardAt >= SILENCE_MS) lose();
      else watchSilence();
    },
    SILENCE_MS - (performance.now() - heardAt) + 10,
  );
}

/** Opens the socket when the first one asks, and closes it when nobody has asked for a while. */
function settle() {
  clearTimeout(timers.linger);
  if (wanted()) {
    if (!timers.retry) connect();
    return;
  }
  timers.linger = setTimeout(() => {
    clearTimeout(timers.retry);
    timers.retry = 0;
    drop();
    attempt = 0;
    status = "connecting";
  }, LINGER_MS);
}

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
  heardAt = performance.now();
  attempt = 0;
  greeted = true;
  setStatus("live");
  /** @type {FromServer | ArrayBuffer} */
  const message = data instanceof ArrayBuffer ? data : JSON.parse(data);
  gathered.push(message);
  const type = message instanceof ArrayBuffer ? "display" : message.type;
  if (type === "events") timers.gather ||= setTimeout(handOut, GATHER_MS);
  else if (type === "run" || !timers.gather) handOut();
}

function forget() {
  clearTimeout(timers.gather);
  timers.gather = 0;
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

/** Takes a binary frame apart: u32 header length, header JSON, then each layer's display bytes. @param {ArrayBuffer} buffer */
function hearDisplay(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {DisplayHeader} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const columns = header.layers.map(([layer, neurons]) => {
    const bytes = new Uint8Array(buffer, offset, neurons);
    offset += neurons;
    return { layer, bytes };
  });
  for (const follower of followersOf(header.run)) {
    const own = columns.filter(({ layer }) => follower.layers === "all" || follower.layers.includes(layer));
    if (own.length) tell(follower.onDisplay, { epoch: header.epoch, seq: header.seq, columns: own });
  }
}

// ---------------------------------------------------------------- the tab

/** Tries at once when there is a new reason to hope: the tab is seen again, or the network is back. */
function hurry() {
  if (document.visibilityState === "hidden" || !wanted()) return;
  if (socket && performance.now() - heardAt >= SILENCE_MS) lose();
  if (socket) return;
  attempt = 0;
  connect();
}

/** Listens for what the tab goes through. */
export function start() {
  document.addEventListener("visibilitychange", hurry);
  window.addEventListener("online", hurry);
  window.addEventListener("pageshow", hurry);
  window.addEventListener("pagehide", drop); // else the page cannot rest in the browser's back-forward store
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

/**
 * Says how the connection is, at once and whenever that changes: "connecting", "live", "lost", or "refused" with the
 * reason for a person.
 *
 * @param {(status: Status, reason: string|null) => void} listener
 * @returns {() => void} stops listening.
 */
export function onStatus(listener) {
  listeners.add(listener);
  tell(listener, status, reason);
  settle();
  return () => {
    listeners.delete(listener);
    settle();
  };
}
