/*
 * In which order the neurons of a layer are drawn. Pure: a history in, a list of neurons out.
 */

/** @import { NeuronHistory } from "../run-data/neuron-history.js" */

const MOST_EPOCHS = 32;
const ROUNDS = 40;
const LEVEL = 127;

/** Neurons by rising key; those of equal keys stay in their own order. @param {Float64Array} keys */
function byKey(keys) {
  return Int32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
}

/** The first epoch in which each neuron froze; never: after all others. @param {NeuronHistory} cells */
function firstFreeze(cells) {
  const first = new Float64Array(cells.neurons).fill(Infinity);
  const states = new Uint8Array(cells.neurons);
  for (let epoch = cells.epochs - 1; epoch >= 0; epoch -= 1) {
    if (!cells.fillStates(epoch, states)) continue;
    for (let neuron = 0; neuron < states.length; neuron += 1) if (states[neuron] & 1) first[neuron] = epoch;
  }
  return first;
}

/** How often each neuron froze or thawed. @param {NeuronHistory} cells */
function flips(cells) {
  const count = new Float64Array(cells.neurons);
  const states = new Uint8Array(cells.neurons);
  for (let epoch = 0; epoch < cells.epochs; epoch += 1) {
    if (!cells.fillStates(epoch, states)) continue;
    for (let neuron = 0; neuron < states.length; neuron += 1) count[neuron] += states[neuron] >> 1;
  }
  return count;
}

/** @param {NeuronHistory} cells @param {number} epoch */
function speeds(cells, epoch) {
  return Float64Array.from({ length: cells.neurons }, (_, neuron) => cells.level(epoch, neuron));
}

// ------------------------------------------------------------ similarity

/**
 * @typedef {object} Table
 * @property {Float32Array} matrix rows of `width` values, a row a neuron.
 * @property {number} width epochs.
 */

/**
 * Levels of at most 32 epochs, evenly chosen: neurons × epochs, each epoch's mean taken away.
 * @param {NeuronHistory} cells @returns {Table}
 */
function centred(cells) {
  const { bytes, neurons, epochs } = cells;
  const there = Array.from({ length: epochs }, (_, epoch) => epoch).filter((epoch) => cells.has(epoch));
  const width = Math.min(MOST_EPOCHS, there.length);
  const matrix = new Float32Array(neurons * width);
  for (let column = 0; column < width; column += 1) {
    const start = there[Math.floor((column * there.length) / width)] * neurons;
    let sum = 0;
    for (let neuron = 0; neuron < neurons; neuron += 1) sum += matrix[neuron * width + column] = bytes[start + neuron] & LEVEL;
    const mean = sum / neurons;
    for (let neuron = 0; neuron < neurons; neuron += 1) matrix[neuron * width + column] -= mean;
  }
  return { matrix, width };
}

/** How the epochs vary together: epochs × epochs. @param {Table} table */
function covariance({ matrix, width }) {
  const square = new Float64Array(width * width);
  for (let start = 0; start < matrix.length; start += width) {
    for (let row = 0; row < width; row += 1) {
      const value = matrix[start + row];
      for (let column = 0; column <= row; column += 1) square[row * width + column] += value * matrix[start + column];
    }
  }
  for (let row = 0; row < width; row += 1) {
    for (let column = 0; column < row; column += 1) square[column * width + row] = square[row * width + column];
  }
  return square;
}

/**
 * The strongest direction of a symmetric matrix at right angles to `against`, by power iteration.
 * @param {Float64Array} square @param {number} width @param {Float64Array | null} against
 */
function direction(square, width, against) {
  let axis = Float64Array.from({ length: width }, (_, column) => 1 + column * 0.37 * (against ? -1 : 1));
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = axis.map((_, row) => axis.reduce((sum, value, column) => sum + square[row * width + column] * value, 0));
    const along = against ? next.reduce((sum, value, place) => sum + value * against[place], 0) : 0;
    const apart = next.map((value, place) => value - along * (against ? against[place] : 0));
    const length = Math.hypot(...apart) || 1;
    axis = apart.map((value) => value / length);
  }
  return axis;
}

/** Each neuron's place along a direction, scaled to length 1. @param {Table} table @param {Float64Array} axis */
function scoresAlong({ matrix, width }, axis) {
  const scores = new Float64Array(matrix.length / width);
  for (let neuron = 0; neuron < scores.length; neuron += 1) {
    for (let column = 0; column < width; column += 1) scores[neuron] += matrix[neuron * width + column] * axis[column];
  }
  const length = Math.sqrt(scores.reduce((sum, score) => sum + score * score, 0)) || 1;
  return scores.map((score) => score / length);
}

/** Neurons around the circle of their first two principal components, cut where the circle has its widest gap. @param {NeuronHistory} cells */
function similarity(cells) {
  const table = centred(cells);
  if (cells.neurons < 3 || table.width < 2) return byKey(new Float64Array(cells.neurons));
  const square = covariance(table);
  const one = direction(square, table.width, null);
  const two = scoresAlong(table, direction(square, table.width, one));
  const angles = scoresAlong(table, one).map((score, neuron) => Math.atan2(two[neuron], score));
  const round = byKey(angles);
  let [cut, widest] = [0, -1];
  round.forEach((neuron, place) => {
    const before = round[(place || round.length) - 1];
    const gap = (angles[neuron] - angles[before] + 4 * Math.PI) % (2 * Math.PI);
    if (gap > widest) [cut, widest] = [place, gap];
  });
  return Int32Array.from([...round.subarray(cut), ...round.subarray(0, cut)]);
}

/**
 * By the address's word: what it is called, and how it is made; `epoch` is the page's cursor.
 * @type {Record<string, {name: string, make: (cells: NeuronHistory, epoch: number) => Int32Array | null}>}
 */
export const orders = {
  index: { name: "neuron", make: () => null },
  first: { name: "first freeze", make: (cells) => byKey(firstFreeze(cells)) },
  flips: { name: "most flips", make: (cells) => byKey(flips(cells).map((count) => -count)) },
  v: { name: "|v| at the cursor", make: (cells, epoch) => byKey(speeds(cells, epoch)) },
  /**
   * Neighbours behave alike: the angular order of the first two principal components (Friendly, The American
   * Statistician 56, 2002) of the neurons' log |v| over at most 32 epochs, evenly chosen.
   */
  similarity: { name: "similarity", make: (cells) => similarity(cells) },
};
