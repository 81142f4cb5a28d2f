/*
 * How runs are compared, as the page's address says it: a comparison is a link.
 */

/** @typedef {"epoch" | "step" | "samples" | "elapsed" | "seconds" | "cpu_seconds" | "device_seconds" | "flops"} Axis */
/** @typedef {"std" | "minmax"} Spread */

/**
 * @typedef {object} Look
 * @property {Axis} axis of the curves.
 * @property {boolean} log whether their upright axes are logarithmic.
 * @property {number} smooth 0: not at all, below 1.
 * @property {string} group a field of which runs that have it in common are one band; empty: each run by itself.
 * @property {Spread} spread of the bands.
 * @property {string[] | null} metrics null: those that say most.
 * @property {string | null} base id of the run that the others are held against.
 * @property {string[] | null} pictures ids of the runs whose neurons are shown; null: the first few.
 * @property {Record<string, string>} inks colours of the reader's own, by id of the run.
 * @property {string[]} scatter what the scatter plot has across and upright, and of which sides the better direction is turned round; empty: what says most.
 * @property {boolean} parallel whether the parallel coordinates are open.
 * @property {string[]} brush what is brushed in them, axis by axis, as brush-address.js writes it.
 * @property {number | null} epoch where the reader put the cursor; null: it follows the newest.
 */

/** What each axis is called. @type {Record<Axis, {name: string}>} */
export const AXES = {
  epoch: { name: "Epoch" },
  step: { name: "Step" },
  samples: { name: "Training samples" },
  elapsed: { name: "Wall clock since the start" },
  seconds: { name: "Training time" },
  cpu_seconds: { name: "CPU time" },
  device_seconds: { name: "Device time" },
  flops: { name: "FLOPs (forward, dX, dW)" },
};
export const MOST_SMOOTH = 0.99;
/** An epoch as an address has it. */
const EPOCH = /^\d{1,7}$/;
export const MOST_PICTURES = 6;
/** What of the address belongs to the comparison, and stays when a run is added or taken away. */
export const KEYS = [
  "layer",
  "colour",
  "x",
  "log",
  "smooth",
  "group",
  "spread",
  "metrics",
  "base",
  "pictures",
  "inks",
  "scatter",
  "parallel",
  "brush",
  "epoch",
];
export const INK = /^([a-z0-9]{1,40}):([0-9a-f]{6})$/;

/** @param {string | undefined} text @returns {string[]} */
const list = (text) => (text ? text.split(",").map(decodeURIComponent) : []);
/** @param {string[]} names */
const listed = (names) => names.map(encodeURIComponent).join(",");

/** @param {string | undefined} text */
export function readList(text) {
  try {
    return list(text);
  } catch {
    return []; // somebody changed the address by hand
  }
}

/** @param {Record<string, string>} query the address's. @returns {Look} */
export function readLook({ x, log, smooth, group, spread, metrics, base, pictures, inks, scatter, parallel, brush, epoch }) {
  const amount = Number(smooth);
  const [across, upright, turned] = readList(scatter);
  const own = readList(inks).flatMap((each) => {
    const found = INK.exec(each);
    return found ? [[found[1], `#${found[2]}`]] : [];
  });
  return {
    axis: x && Object.hasOwn(AXES, x) ? /** @type {Axis} */ (x) : "epoch",
    log: log === "1",
    smooth: amount > 0 && amount < 1 ? Math.min(amount, MOST_SMOOTH) : 0,
    group: group ?? "",
    spread: spread === "minmax" ? "minmax" : "std",
    metrics: metrics ? readList(metrics) : null,
    base: base || null,
    pictures: pictures === undefined ? null : readList(pictures).slice(0, MOST_PICTURES),
    inks: Object.fromEntries(own),
    scatter: [across ?? "", upright ?? "", turned ?? ""],
    parallel: parallel === "1",
    brush: brush ? brush.split(",") : [],
    epoch: EPOCH.test(epoch ?? "") ? Number(epoch) : null,
  };
}

/** What the address says of a look; null: nothing. @param {Look} look @returns {Record<string, string | null>} */
export function lookQuery(look) {
  const inks = Object.entries(look.inks).map(([id, colour]) => `${id}:${colour.slice(1)}`);
  return {
    x: look.axis,
    log: look.log ? "1" : null,
    smooth: look.smooth ? String(look.smooth) : null,
    group: look.group || null,
    spread: look.spread === "std" ? null : look.spread,
    metrics: look.metrics === null ? null : listed(look.metrics),
    base: look.base,
    pictures: look.pictures === null ? null : listed(look.pictures),
    inks: inks.length ? inks.join(",") : null,
    scatter: look.scatter.some(Boolean) ? listed(look.scatter) : null,
    parallel: look.parallel ? "1" : null,
    brush: look.brush.length ? look.brush.join(",") : null,
    epoch: look.epoch === null ? null : String(look.epoch),
  };
}
