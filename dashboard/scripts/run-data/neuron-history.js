/*
 * One layer's neurons × epochs as display bytes, epoch after epoch in one growing block of memory.
 */

import { decadePlace } from "./decades.js";

const FROZEN = 128;
const LEVEL = 127;
const [RECORDED, MISSING] = [1, 2];

/**
 * A layer's history for display. Epochs may come in any order and more than once; what came last counts.
 * Byte of a cell: bit 7 frozen (decided at the end of the epoch), bits 0–6 the size of v (0: none yet).
 */
export class NeuronHistory {
  /**
   * @param {number} neurons how many the layer has.
   * @param {{always_frozen?: boolean}} [layer] whose they are: one that is always frozen was so before epoch 0.
   */
  constructor(neurons, { always_frozen: always = false } = {}) {
    this.neurons = neurons;
    this.frozenAtFirst = always;
    this.epochs = 0;
    this.bytes = new Uint8Array(neurons * 16);
    /** What is known of an epoch: not here, recorded, or never recorded. */
    this.known = new Uint8Array(16);
    /** Rises with every change. */
    this.version = 0;
  }

  /** Makes room for `epochs`; doubling, so that a thousand appends copy each byte about once. @param {number} epochs */
  reserve(epochs) {
    if (epochs <= this.known.length) return;
    const capacity = Math.max(epochs, this.known.length * 2);
    const bytes = new Uint8Array(capacity * this.neurons);
    bytes.set(this.bytes);
    const known = new Uint8Array(capacity);
    known.set(this.known);
    this.bytes = bytes;
    this.known = known;
  }

  /**
   * Takes whole epochs.
   *
   * @param {number} first epoch of the first column.
   * @param {Uint8Array} columns one byte a neuron, epoch-major; a whole number of epochs.
   * @param {[first: number, stop: number][]} [missing] of these, epochs in which nothing was recorded.
   */
  put(first, columns, missing = []) {
    if (columns.length % this.neurons) {
      throw new RangeError(`${columns.length} bytes are not a whole number of epochs of ${this.neurons} neurons`);
    }
    const stop = first + columns.length / this.neurons;
    this.reserve(stop);
    this.bytes.set(columns, first * this.neurons);
    this.known.fill(RECORDED, first, stop);
    for (const [from, to] of missing) this.known.fill(MISSING, from, to);
    this.version += 1;
    this.epochs = Math.max(this.epochs, stop);
  }

  /** First epoch below `stop` that is not here yet, or -1. */
  firstGap(stop = this.epochs) {
    const gap = this.known.subarray(0, stop).indexOf(0);
    return gap === -1 && stop > this.known.length ? this.known.length : gap;
  }

  /** Whether this epoch was recorded, and is here. @param {number} epoch */
  has(epoch) {
    return epoch >= 0 && epoch < this.epochs && this.known[epoch] === RECORDED;
  }

  /** The newest epoch that was recorded and is here, or -1. */
  lastRecorded() {
    return this.known.subarray(0, this.epochs).lastIndexOf(RECORDED);
  }

  /** Whether the neuron was decided to freeze at the end of this epoch. @param {number} epoch @param {number} neuron */
  frozen(epoch, neuron) {
    return this.bytes[epoch * this.neurons + neuron] >= FROZEN;
  }

  /** Whether the neuron has a velocity in this epoch. @param {number} epoch @param {number} neuron */
  moving(epoch, neuron) {
    return (this.bytes[epoch * this.neurons + neuron] & LEVEL) > 0;
  }

  /**
   * The byte's level 0–127: for a layer's states the size of v; 0 where there is none, or no such epoch.
   * @param {number} epoch @param {number} neuron
   */
  level(epoch, neuron) {
    return this.has(epoch) ? this.bytes[epoch * this.neurons + neuron] & LEVEL : 0;
  }

  /**
   * Index into palette.STATES, or -1 where there is no such cell or its epoch is not here.
   * @param {number} epoch @param {number} neuron
   */
  state(epoch, neuron) {
    if (!this.has(epoch) || !(neuron >= 0 && neuron < this.neurons)) return -1;
    const now = this.frozen(epoch, neuron);
    return (now ? 1 : 0) + (now === this.#before(epoch, neuron) ? 0 : 2);
  }

  /**
   * Before epoch 0 only what is always frozen was; where the epoch before is missing, nothing is claimed to have changed.
   * @param {number} epoch @param {number} neuron
   */
  #before(epoch, neuron) {
    if (epoch === 0) return this.frozenAtFirst;
    return this.frozen(this.has(epoch - 1) ? epoch - 1 : epoch, neuron);
  }

  /**
   * The first epoch of the unbroken stretch, up to `epoch`, in which the neuron was frozen as it is now (or not).
   * @param {number} epoch @param {number} neuron
   */
  since(epoch, neuron) {
    const now = this.frozen(epoch, neuron);
    let first = epoch;
    while (first > 0 && this.has(first - 1) && this.frozen(first - 1, neuron) === now) first -= 1;
    return first;
  }

  /** How many neurons are in each state at the end of an epoch, in the order of palette.STATES. @param {number} epoch */
  count(epoch) {
    const counts = [0, 0, 0, 0];
    if (!this.has(epoch)) return counts;
    for (let neuron = 0; neuron < this.neurons; neuron += 1) counts[this.state(epoch, neuron)] += 1;
    return counts;
  }

  /**
   * Writes each neuron's colour index of palette.states into `into`; false: this epoch is not here.
   * @param {number} epoch @param {Uint8Array} into
   */
  fillStates(epoch, into) {
    if (!this.has(epoch)) return false;
    const { neurons, bytes } = this;
    const now = epoch * neurons;
    const atFirst = this.frozenAtFirst ? 1 : 0;
    const before = epoch === 0 ? -1 : this.has(epoch - 1) ? now - neurons : now;
    for (let neuron = 0; neuron < neurons; neuron += 1) {
      const frozen = bytes[now + neuron] >> 7;
      const was = before < 0 ? atFirst : bytes[before + neuron] >> 7;
      into[neuron] = frozen | ((frozen ^ was) << 1);
    }
    return true;
  }

  /**
   * Writes each neuron's level, a colour index of palette.speeds and its like; false: this epoch is not here.
   * @param {number} epoch @param {Uint8Array} into
   */
  fillLevels(epoch, into) {
    if (!this.has(epoch)) return false;
    const now = epoch * this.neurons;
    for (let neuron = 0; neuron < this.neurons; neuron += 1) into[neuron] = this.bytes[now + neuron] & LEVEL;
    return true;
  }
}

/** Where |v| lies on the display's scale: 0 at 10⁻⁶ and below, 1 at 1 and above. @param {number} speed */
NeuronHistory.place = (speed) => decadePlace(Math.log10(Math.max(speed, 1e-12)));
