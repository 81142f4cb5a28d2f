// The browser's share of the HTTP API: its addresses, and one way to ask.
(() => {
  "use strict";
  const { neq } = window;
  const ROOT = "/api/v1";
  const PATIENCE_MS = 60_000;

  /** The server did not answer at all. */
  class Unreachable extends Error {}

  /** The server answered, and refused: `status`, and `detail` as it said it. */
  class Refused extends Error {
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
      response = await fetch(neq.at(ROOT + path), request);
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

  neq.api = {
    Unreachable,
    Refused,
    health: () => ask("GET", "/health"),
    /** @param {string | null} cursor @param {number} limit */
    runs: (cursor, limit) => ask("GET", `/runs?${new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) }).toString()}`),
    /** @param {string} id */
    run: (id) => ask("GET", named(id)),
    /** @param {object} config @param {boolean} dryPass */
    check: (config, dryPass) => ask("POST", `/checks?dry_pass=${dryPass}`, config),
    /** @param {string} id @param {number} epoch @param {object} config @param {boolean} dryPass */
    checkFork: (id, epoch, config, dryPass) => ask("POST", `${named(id)}/fork/check?epoch=${epoch}&dry_pass=${dryPass}`, config),
    /** @param {string} id */
    checkOf: (id) => ask("GET", `/checks/${encodeURIComponent(id)}`),
    /** @param {object} config */
    launch: (config) => ask("POST", "/runs", config),
    /** @param {string} id @param {object} changes */
    describe: (id, changes) => ask("PATCH", named(id), changes),
    /** @param {string} id */
    remove: (id) => ask("DELETE", named(id)),
    /** @param {string} id */
    stop: (id) => ask("POST", `${named(id)}/stop`),
    /** @param {string} id */
    resume: (id) => ask("POST", `${named(id)}/resume`),
    /** @param {string} id @param {number} epoch @param {object} config */
    fork: (id, epoch, config) => ask("POST", `${named(id)}/fork?epoch=${epoch}`, config),
  };
})();
