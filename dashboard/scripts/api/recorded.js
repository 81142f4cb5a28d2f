/*
 * What a run recorded, as the pictures ask for it: histories, bytes and arrays, given up when a page is left.
 * (Asking for runs and acting on them is in runs.js.)
 */

import { ask, askJson, TODAYS, Unreadable } from "./client.js";
import { openFrame } from "./frames.js";

/** @import { Coverage, DataFound, Epochs, Fork, Histograms, Layers, LogLine, NeuronTimeline, Plans, Start } from "../../types/api" */
/** @import { Run } from "../../types/pages" */

/** @typedef {"state" | "phi" | "delta"} Levels what the levels of display bytes are: the size of v, of 1 − φ, or Δφ with its sign. */
/** @typedef {{first?: number, stop?: number}} Span epochs `first` to below `stop`; without them all. */

/** @typedef {{index: number, per: number, rows: number, missing: [number, number][], bytes: Uint8Array}} SmallLayer */

/** @param {number} [first] @param {number} [stop] */
function span(first, stop) {
  return first === undefined ? "" : `epochs=${first}:${stop}`;
}

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
const LONGEST_PREFIX = 12; // magic, version, and the header's length in two bytes or, of a wide file, in four

/** The header of a .npy file, and where its values start. @param {ArrayBuffer} buffer */
function npyHeader(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < LONGEST_PREFIX || MAGIC.some((byte, place) => bytes[place] !== byte)) throw new Unreadable();
  const view = new DataView(buffer);
  const wide = view.getUint8(6) > 1;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > bytes.length) throw new Unreadable();
  return { start, header: new TextDecoder("latin1").decode(bytes.subarray(wide ? 12 : 10, start)) };
}

/**
 * Reads a .npy file of little-endian float32; what is none, or not all of one, is Unreadable.
 *
 * @param {ArrayBuffer} buffer
 * @returns {{shape: number[], values: Float32Array}}
 */
export function parseNpy(buffer) {
  const { start, shape } = npyShape(buffer, "'<f4'", 4);
  return { shape, values: new Float32Array(buffer.slice(start)) };
}

/** The same of bytes. @param {ArrayBuffer} buffer @returns {{shape: number[], values: Uint8Array}} */
export function parseBytes(buffer) {
  const { start, shape } = npyShape(buffer, "'|u1'", 1);
  return { shape, values: new Uint8Array(buffer, start) };
}

/** @param {ArrayBuffer} buffer @param {string} type as numpy writes it. @param {number} size of a value in bytes. */
function npyShape(buffer, type, size) {
  const { start, header } = npyHeader(buffer);
  if (!header.includes(type)) throw new Unreadable(`Expected ${type}, got ${header}.`);
  const [, sizes = ""] = /'shape':\s*\(([^)]*)\)/.exec(header) ?? [];
  const parts = sizes.split(",").filter((part) => part.trim());
  const shape = parts.map(Number);
  const values = shape.reduce((product, each) => product * each, 1);
  if (buffer.byteLength - start !== size * values) throw new Unreadable();
  return { start, shape };
}

/** @param {string} id */
const run = (id) => `/runs/${encodeURIComponent(id)}`;

/**
 * Up to `limit` runs whose name, notes, tags or id hold `search`.
 * @param {string} search @param {number} limit @param {AbortSignal} [signal] @returns {Promise<Run[]>}
 */
export const runs = async (search, limit, signal) =>
  (await askJson(`/runs?limit=${limit}&search=${encodeURIComponent(search)}&${TODAYS}`, { signal })).runs;
/**
 * The watched layers in forward order, empty before the run started; and of an external run what watches them.
 * @param {string} id @param {AbortSignal} [signal] @returns {Promise<Layers>}
 */
export const layers = (id, signal) => askJson(`${run(id)}/layers`, { signal });
/**
 * How much of the network is watched; null: the run does not tell.
 * @param {string} id @param {AbortSignal} [signal] @returns {Promise<Coverage | null>}
 */
export const coverage = async (id, signal) => (await askJson(`${run(id)}/coverage`, { signal })).coverage;
/**
 * What a run said of its program when it started; null: it did not yet.
 * @param {string} id @param {AbortSignal} [signal] @returns {Promise<Start | null>}
 */
export const started = async (id, signal) => (await askJson(`${run(id)}/started`, { signal })).started;
/** The runs that were forked from this one. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Fork[]>} */
export const forks = async (id, signal) => (await askJson(`${run(id)}/forks`, { signal })).forks;
/** Scalars of all finished epochs. @param {string} id @param {AbortSignal} [signal] @returns {Promise<Epochs>} */
export const epochs = (id, signal) => askJson(`${run(id)}/epochs?after=0&layers=false&${TODAYS}`, { signal });
/** The log's lines. @param {string} id @param {AbortSignal} [signal] @returns {Promise<LogLine[]>} */
export const log = async (id, signal) => (await askJson(`${run(id)}/log?after=0`, { signal })).lines;
/**
 * What the run found in its data; null before it started, and where an older program did not look.
 * @param {string} id @param {AbortSignal} [signal] @returns {Promise<DataFound | null>}
 */
export const data = async (id, signal) => (await askJson(`${run(id)}/data`, { signal })).data;
/**
 * Histograms of one layer, or of the network (null), of these epochs or of all.
 * @param {string} id
 * @param {number | null} layer
 * @param {string} field
 * @param {Span} [span]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Histograms>}
 */
export function histograms(id, layer, field, { first, stop } = {}, signal) {
  const place = layer === null ? "" : `/layers/${layer}`;
  return askJson(`${run(id)}${place}/histograms?field=${field}&${span(first, stop)}`, { signal });
}

/** Epochs as the API tells ranges, `1:3,5:6`. @param {string | null} text @returns {[first: number, stop: number][]} */
const ranges = (text) =>
  (text ?? "")
    .split(",")
    .filter(Boolean)
    .map((range) => {
      const [first, stop] = range.split(":").map(Number);
      return [first, stop];
    });

/**
 * One byte a neuron, epoch-major: bit 7 frozen (decided), bits 0–6 a level.
 *
 * @param {string} id @param {number} layer
 * @param {{of?: Levels} & Span} [what]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{first: number, stop: number, neurons: number, bytes: Uint8Array, missing: [number, number][]}>}
 *   `missing`: from and to below which epochs nothing was recorded.
 */
export async function display(id, layer, { of = "state", first, stop } = {}, signal) {
  const kind = of === "state" ? "" : `of=${of}&`;
  const { headers, bytes } = await ask(`${run(id)}/layers/${layer}/display?${kind}${span(first, stop)}`, { signal });
  const [from, to] = (headers.get("X-Epochs") || "0:0").split(":").map(Number);
  const neurons = Number(headers.get("X-Neurons"));
  if (bytes.byteLength !== neurons * (to - from)) throw new Unreadable();
  return { first: from, stop: to, neurons, bytes: new Uint8Array(bytes), missing: ranges(headers.get("X-Missing")) };
}

/**
 * The stored float32 values of one epoch of a layer, one a neuron; NaN where there is none. Null: no such epoch.
 * @param {string} id @param {number} layer @param {string} field @param {number} epoch @param {AbortSignal} [signal]
 */
export async function column(id, layer, field, epoch, signal) {
  const where = `${run(id)}/layers/${layer}/${field}?${span(epoch, epoch + 1)}&format=npy`;
  const { shape, values } = parseNpy((await ask(where, { signal })).bytes);
  return shape[0] ? values : null;
}

/**
 * The same of several epochs, a row an epoch.
 * @param {string} id @param {number} layer @param {string} field @param {Span} span @param {AbortSignal} [signal]
 */
export const history = async (id, layer, field, { first, stop }, signal) =>
  parseNpy((await ask(`${run(id)}/layers/${layer}/${field}?${span(first, stop)}&format=npy`, { signal })).bytes);

/**
 * A number for each layer and epoch: the fraction that is frozen, thawed, dead or churning, mean φ or mean |v|.
 *
 * @param {string} id @param {"frozen"|"thawed"|"dead"|"churning"|"phi"|"speed"} field @param {AbortSignal} [signal]
 * @returns {Promise<{first: number, columns: Float32Array[]}>} a column an epoch, a value a layer; NaN: none.
 */
export async function overview(id, field, signal) {
  const { headers, bytes } = await ask(`${run(id)}/overview?field=${field}`, { signal });
  const [first] = (headers.get("X-Epochs") || "0:0").split(":").map(Number);
  const { shape, values } = parseNpy(bytes);
  const [layers, epochs] = shape;
  const column = (/** @type {number} */ epoch) => Float32Array.from({ length: layers }, (_, layer) => values[layer * epochs + epoch]);
  return { first, columns: Array.from({ length: epochs || 0 }, (_, epoch) => column(epoch)) };
}

/**
 * Layers in at most `rows` rows each: fractions of frozen neurons as bytes, 0 none, 255 all, epoch-major.
 *
 * @returns {Promise<{first: number, stop: number, layers: SmallLayer[]}>}
 * @param {string} id
 * @param {number[]} layers
 * @param {number} rows
 * @param {Span} [span]
 * @param {AbortSignal} [signal]
 */
export async function small(id, layers, rows, { first, stop } = {}, signal) {
  const where = `${run(id)}/small?layers=${layers.join(",")}&rows=${rows}&${span(first, stop)}`;
  const { header, take } = openFrame((await ask(where, { signal })).bytes);
  /** @type {[number, number]} */
  const [from, to] = header.epochs;
  /** @type {[index: number, neurons: number, per: number, rows: number, missing: [number, number][]][]} */
  const sizes = header.layers;
  const found = sizes.map(([index, , per, rows, missing]) => ({ index, per, rows, missing, bytes: take(rows * (to - from)) }));
  return { first: from, stop: to, layers: found };
}

/**
 * One neuron over all epochs; null where there is no value.
 * @param {string} id @param {number} layer @param {number} neuron @param {AbortSignal} [signal] @returns {Promise<NeuronTimeline>}
 */
export const neuron = (id, layer, neuron, signal) => askJson(`${run(id)}/layers/${layer}/neurons/${neuron}`, { signal });

/**
 * What the backward pass did about each layer in an epoch.
 * @param {string} id @param {number} epoch @param {AbortSignal} [signal] @returns {Promise<Plans>}
 */
export const plans = (id, epoch, signal) => askJson(`${run(id)}/plans?epoch=${epoch}`, { signal });
