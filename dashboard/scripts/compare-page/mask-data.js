/*
 * What is said of two runs' masks: cells, colours and words, without a page.
 */

import * as palette from "../plot/palette.js";
import * as format from "../ui/format.js";

/** @import { Agreement, FirstFreezes, LayerPair } from "../../types/api" */
/** @import { Source, Table } from "../plot/raster.js" */
/** @import { SavedScale } from "../plot/saved-figure.js" */

const { count, counted, percent } = format;
const UNKNOWN = 4;
const STEPS = 254;
const SIGNED = 126;

/** What a cell of a difference says, in the order of the bytes that the server answers. */
export const CASES = [
  { name: "neither", token: "--neq-updating", least: 1 / 32 },
  { name: "only A", token: "--neq-just-frozen", least: 1 / 4 },
  { name: "only B", token: "--neq-just-thawed", least: 1 / 4 },
  { name: "both", token: "--neq-frozen", least: 1 / 32 },
];

/** Colours of the four cases. @returns {Table} */
export const caseColours = () => palette.kinds(CASES);

/** Epochs × neurons of one layer, as a picture takes them. @param {{shape: number[], values: Uint8Array}} cells @returns {Source} */
export function cellSource({ shape: [epochs, neurons], values }) {
  return {
    rows: Math.max(1, neurons),
    columns: epochs,
    fill(epoch, into) {
      const start = epoch * neurons;
      if (values[start] === UNKNOWN) return false;
      into.set(values.subarray(start, start + neurons));
      return true;
    },
  };
}

/**
 * What layers × epochs may be coloured by.
 * @type {Record<"jaccard" | "difference", {name: string, index: (value: number | null) => number, table: () => Table, words: (value: number | null) => string, ends: [string, string]}>}
 */
export const MEASURES = {
  jaccard: {
    name: "Jaccard agreement",
    index: (value) => (value === null ? 0 : 1 + Math.round(value * STEPS)),
    table: () => palette.agreements(),
    words: (value) => (value === null ? "no agreement of single neurons: sizes or epochs differ" : `Jaccard agreement ${value.toFixed(2)}`),
    ends: ["0", "1"],
  },
  difference: {
    name: "Frozen fraction, B − A",
    index: (value) => (value === null ? 0 : 1 + Math.round(((value + 1) / 2) * SIGNED)),
    table: () => palette.differences(),
    words: (value) => (value === null ? "not recorded in both" : `B froze ${value < 0 ? "−" : "+"}${percent(Math.abs(value))} of A`),
    ends: ["−100 %", "+100 %"],
  },
};

/** Layers × epochs as a picture takes them. @param {Agreement} agreement @param {keyof typeof MEASURES} measure @returns {Source} */
export function agreementSource(agreement, measure) {
  const rows = agreement[measure];
  return {
    rows: Math.max(1, rows.length),
    columns: agreement.epochs,
    fill(epoch, into) {
      for (const [at, values] of rows.entries()) into[at] = MEASURES[measure].index(values[epoch]);
      return rows.length > 0;
    },
  };
}

/** What two layers that stand for each other are called. @param {LayerPair} pair */
export const pairName = ({ name_a: a, name_b: b }) => (a === b ? a : `${a} · ${b}`);

/** The pair that a layer is in; else the first whose layers are of one size. @param {LayerPair[]} pairs @param {string | null} layer its name. */
export function pairOf(pairs, layer) {
  const named = pairs.find(({ name_a: a, name_b: b }) => a === layer || b === layer);
  return named ?? pairs.find(({ neurons_a: a, neurons_b: b }) => a === b) ?? pairs[0] ?? null;
}

/** @type {Record<string, string>} */
const REASONS = { seed: "another seed", network: "another network", data: "other data" };

/** Whether single neurons may be compared, and how layers were matched. @param {Agreement} agreement */
export function agreementWords({ by, differing, pairs }) {
  if (!pairs.length) return "The two runs have no layer whose masks could be held against each other yet.";
  const matched = by === "name" ? "Layers are matched by name." : "No layer has the same name in both: they are matched by their place.";
  if (!differing.length) return `${matched} Both began with the same weights, so that single neurons can be compared.`;
  if (differing.includes("unknown weights")) {
    return `${matched} Whether they began with the same weights is not known: a script does not tell its seed. Look at fractions and patterns.`;
  }
  const reasons = differing.map((reason) => REASONS[reason] ?? reason).join(", ");
  return `${matched} They began with ${reasons}: neuron 5 of one is not neuron 5 of the other. Look at fractions and patterns.`;
}

export const NOT_COMPARABLE = "single neurons are not comparable";

/** Which of the two froze neurons first, or how many each froze. @param {FirstFreezes} freezes @param {boolean} isComparable whether neurons are the same ones in both. */
export function freezeWords({ a, b }, isComparable) {
  if (!isComparable) {
    const [inA, inB] = [a, b].map((epochs) => count(epochs.filter((epoch) => epoch !== null).length));
    return `Single neurons are not comparable. Of ${counted(a.length, "neuron")} A froze ${inA} at some time, and B ${inB}.`;
  }
  const seen = { both: 0, earlierA: 0, earlierB: 0, onlyA: 0, onlyB: 0 };
  for (const [at, first] of a.entries()) {
    const other = b[at];
    if (first !== null && other !== null) {
      seen.both += 1;
      if (first < other) seen.earlierA += 1;
      if (other < first) seen.earlierB += 1;
    } else if (first !== null) seen.onlyA += 1;
    else if (other !== null) seen.onlyB += 1;
  }
  const both = `${count(seen.both)} of ${counted(a.length, "neuron")} froze in both runs, ${count(seen.earlierA)} of them earlier in A and ${count(seen.earlierB)} in B`;
  return `${both}; ${count(seen.onlyA)} only in A, ${count(seen.onlyB)} only in B.`;
}

/** What a saved file says of a measure's colours. @param {keyof typeof MEASURES} measure @returns {SavedScale} */
export function measureScale(measure) {
  const { name, table, ends } = MEASURES[measure];
  const colours = table();
  const none = { name: "not known", colour: palette.stops(colours)[0] };
  return {
    name,
    colours: palette.stops(colours, 1),
    none,
    ticks: [
      [0, ends[0]],
      [1, ends[1]],
    ],
    marks: [],
  };
}

/** The mean of a measure at the newest epoch, for those who do not see the picture. @param {Agreement | null} agreement @param {keyof typeof MEASURES} measure */
export function meansOf(agreement, measure) {
  const epoch = (agreement?.epochs ?? 0) - 1;
  const values = (agreement?.[measure] ?? []).map((row) => row[epoch]).filter((value) => typeof value === "number");
  if (!values.length) return "Nothing is known yet.";
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `After epoch ${epoch} the mean over layers is ${mean.toFixed(2)}.`;
}
