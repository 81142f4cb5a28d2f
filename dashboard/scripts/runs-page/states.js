// States of runs in words and signs.

/** @type {(...args: any[]) => any} */
const h = (...args) => window.React.createElement(...args);

/** As tables have them: first those that something is done about. */
export const ORDER = ["running", "queued", "failed", "stopped", "finished"];
/** @type {Record<string, string>} */
export const WORDS = { queued: "Queued", running: "Running", finished: "Finished", stopped: "Stopped", failed: "Failed" };

/** @type {Record<string, string>} */
const SHAPES = {
  queued: "M12 5.5V12l4 2.4M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Z",
  running: "M8 5.2v13.6L19 12 8 5.2Z",
  finished: "M4.5 12.8l4.8 4.7L19.5 7",
  stopped: "M7 7h10v10H7z",
  failed: "M12 8v5M12 16.6v.1M12 3.6 2.9 19.6h18.2L12 3.6Z",
  stop: "M7.5 7.5h9v9h-9z",
  again: "M19.5 12a7.5 7.5 0 1 1-2.4-5.5M19.5 3.8v4h-4",
  edit: "M4.5 19.5l.9-3.9L16 5a2 2 0 0 1 3 3L8.4 18.6l-3.9.9Z",
  remove: "M5 7h14M10 7V4.8h4V7M7 7l.8 12.2h8.4L17 7M10.4 10.5v5.5M13.6 10.5v5.5",
};

/** The sign of a state or an action. @param {string} name */
export function icon(name) {
  const stroke = { fill: "none", stroke: "currentColor", strokeWidth: 2, strokeLinecap: "round", strokeLinejoin: "round" };
  return h("svg", { viewBox: "0 0 24 24", width: 16, height: 16, "aria-hidden": true, ...stroke }, h("path", { d: SHAPES[name] }));
}
