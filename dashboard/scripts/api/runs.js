// The browser's share of the HTTP API: its addresses, and one way to ask.

import { at } from "../ui/routes.js";

const ROOT = "/api/v1";
const PATIENCE_MS = 60_000;

/** The server did not answer at all. */
export class Unreachable extends Error {}

/** The server answered, and refused: `status`, and `detail` as it said it. */
export class Refused extends Error {
  /** @param {number} status @param {unknown} detail */
  constructor(status, detail) {
    super(typeof detail === "string" ? detail : `The server answered ${status}.`);
    this.status = status;
    this.detail = detail;
  }
}

/** @param {string} method @param {string} path @param {object} [body] */
async function ask(method, path, body) {
  /** @type {RequestInit & {headers: Record<string, string>}} */
  const request = { method, headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["content-type"] = "application/json";
  }
  let response;
  let text;
  try {
    response = await fetch(at(ROOT + path), request);
    text = await response.text();
  } catch {
    throw new Unreachable("The server cannot be reached.");
  }
  const answer = parsed(text);
  if (!response.ok) throw new Refused(response.status, answer?.detail);
  return answer;
}

/** @param {string} text */
function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // no JSON, such as a proxy's page
  }
}

/** @param {string} id */
const named = (id) => `/runs/${encodeURIComponent(id)}`;

export const health = () => ask("GET", "/health");
/** @param {string | null} cursor @param {number} limit */
export const runs = (cursor, limit) =>
  ask("GET", `/runs?${new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) }).toString()}`);
/** @param {string} id */
export const run = (id) => ask("GET", named(id));
/** @param {object} config @param {boolean} dryPass */
export const check = (config, dryPass) => ask("POST", `/checks?dry_pass=${dryPass}`, config);
/** @param {string} id @param {number} epoch @param {object} config @param {boolean} dryPass */
export const checkFork = (id, epoch, config, dryPass) => ask("POST", `${named(id)}/fork/check?epoch=${epoch}&dry_pass=${dryPass}`, config);
/** @param {string} id */
export const checkOf = (id) => ask("GET", `/checks/${encodeURIComponent(id)}`);
/** @param {object} config */
export const launch = (config) => ask("POST", "/runs", config);
/** @param {string} id @param {object} changes */
export const describe = (id, changes) => ask("PATCH", named(id), changes);
/** @param {string} id */
export const remove = (id) => ask("DELETE", named(id));
/** @param {string} id */
export const stop = (id) => ask("POST", `${named(id)}/stop`);
/** @param {string} id */
export const resume = (id) => ask("POST", `${named(id)}/resume`);
/** @param {string} id @param {number} epoch @param {object} config */
export const fork = (id, epoch, config) => ask("POST", `${named(id)}/fork?epoch=${epoch}`, config);
