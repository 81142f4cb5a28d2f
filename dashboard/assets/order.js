"use strict";
/*
 * neq.orders: in which order the neurons of a layer are drawn. Pure: a history in, a list of neurons out.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const MOST_EPOCHS = 64;
  const ROUNDS = 8;

  /** Neurons by rising key; those of equal keys stay in their own order. */
  function byKey(keys) {
    return Int32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
  }

  /** The first epoch in which each neuron froze; never: after all others. */
  function firstFreeze(cells) {
    const first = new Float64Array(cells.neurons).fill(Infinity);
    const states = new Uint8Array(cells.neurons);
    for (let epoch = cells.epochs - 1; epoch >= 0; epoch -= 1) {
      if (!cells.fillStates(epoch, states)) continue;
      for (let neuron = 0; neuron < states.length; neuron += 1) if (states[neuron] & 1) first[neuron] = epoch;
    }
    return first;
  }

  /** How often each neuron froze or thawed. */
  function flips(cells) {
    const count = new Float64Array(cells.neurons);
    const states = new Uint8Array(cells.neurons);
    for (let epoch = 0; epoch < cells.epochs; epoch += 1) {
      if (!cells.fillStates(epoch, states)) continue;
      for (let neuron = 0; neuron < states.length; neuron += 1) count[neuron] += states[neuron] >> 1;
    }
    return count;
  }

  function speeds(cells, epoch) {
    return Float64Array.from({ length: cells.neurons }, (_, neuron) => cells.level(epoch, neuron));
  }

  // ------------------------------------------------------------ similarity

  /** Levels of at most 64 epochs, evenly chosen: neurons × epochs, each epoch's mean taken away. */
  function centred(cells) {
    const known = Array.from({ length: cells.epochs }, (_, epoch) => epoch).filter((epoch) => cells.has(epoch));
    const width = Math.min(MOST_EPOCHS, known.length);
    const matrix = new Float32Array(cells.neurons * width);
    for (let column = 0; column < width; column += 1) {
      const epoch = known[Math.floor((column * known.length) / width)];
      let sum = 0;
      for (let neuron = 0; neuron < cells.neurons; neuron += 1) sum += matrix[neuron * width + column] = cells.level(epoch, neuron);
      const mean = sum / cells.neurons;
      for (let neuron = 0; neuron < cells.neurons; neuron += 1) matrix[neuron * width + column] -= mean;
    }
    return { matrix, width };
  }

  /** One step of power iteration: scores = M·axis, axis' = Mᵀ·scores made to length 1, at right angles to `against`. */
  function step({ matrix, width }, axis, against, scores) {
    const next = new Float64Array(width);
    for (let neuron = 0; neuron < scores.length; neuron += 1) {
      const start = neuron * width;
      let score = 0;
      for (let column = 0; column < width; column += 1) score += matrix[start + column] * axis[column];
      scores[neuron] = score;
      for (let column = 0; column < width; column += 1) next[column] += matrix[start + column] * score;
    }
    if (against) {
      const along = next.reduce((sum, value, column) => sum + value * against[column], 0);
      for (let column = 0; column < width; column += 1) next[column] -= along * against[column];
    }
    const length = Math.hypot(...next) || 1;
    return next.map((value) => value / length);
  }

  /** Scores of the neurons along the strongest direction that stands at right angles to `against`, scaled to length 1. */
  function principal(table, neurons, against) {
    const scores = new Float64Array(neurons);
    let axis = Float64Array.from({ length: table.width }, (_, column) => 1 + column * 0.37 * (against ? -1 : 1));
    for (let round = 0; round < ROUNDS; round += 1) axis = step(table, axis, against, scores);
    const length = Math.sqrt(scores.reduce((sum, score) => sum + score * score, 0)) || 1;
    return { axis, scores: scores.map((score) => score / length) };
  }

  /** Neurons around the circle of their first two principal components, cut where the circle has its widest gap. */
  function similarity(cells) {
    const table = centred(cells);
    if (cells.neurons < 3 || table.width < 2) return byKey(new Float64Array(cells.neurons));
    const one = principal(table, cells.neurons, null);
    const two = principal(table, cells.neurons, one.axis);
    const angles = one.scores.map((score, neuron) => Math.atan2(two.scores[neuron], score));
    const round = byKey(angles);
    let [cut, widest] = [0, -1];
    round.forEach((neuron, place) => {
      const before = round[(place || round.length) - 1];
      const gap = (angles[neuron] - angles[before] + 4 * Math.PI) % (2 * Math.PI);
      if (gap > widest) [cut, widest] = [place, gap];
    });
    return Int32Array.from([...round.subarray(cut), ...round.subarray(0, cut)]);
  }

  /** By the address's word: what it is called, and how it is made; `epoch` is the page's cursor. */
  neq.orders = {
    index: { name: "neuron", make: () => null },
    first: { name: "first freeze", make: (cells) => byKey(firstFreeze(cells)) },
    flips: { name: "flips, most first", make: (cells) => byKey(flips(cells).map((count) => -count)) },
    v: { name: "|v| at the cursor", make: (cells, epoch) => byKey(speeds(cells, epoch)) },
    /**
     * Neighbours behave alike: the angular order of the first two principal components (Friendly, The American
     * Statistician 56, 2002) of the neurons' log |v| over at most 64 epochs. 4,096 × 300 take some 20 ms.
     */
    similarity: { name: "similarity", make: (cells) => similarity(cells) },
  };
})();
