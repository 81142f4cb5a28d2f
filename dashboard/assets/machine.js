"use strict";
/*
 * neq.Machine: what the epochs asked of the machine: pace, memory, the GPU's use and power, energy.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const { percent, number, count } = neq.format;
  const MB = 2 ** 20;

  class Machine {
    /** @param {{parts: Record<string, HTMLElement>, feed: neq.Feed}} options */
    constructor({ parts, feed }) {
      Object.assign(this, { parts, feed });
    }

    /** Draws the numbers of this epoch (null: there is none yet), and the energy of all up to it. */
    draw(epoch) {
      const rows = epoch ? [...this.#pace(epoch), ...memory(epoch.resources), ...gpu(epoch.resources), ...this.#energy(epoch)] : [];
      const words = rows.map((each) => each.join(": ")).join("; ");
      if (words === this.drawn) return;
      this.drawn = words;
      const list = rows.flatMap(([name, value]) => [neq.element("dt", {}, name), neq.element("dd", {}, value)]);
      const nothing = neq.element("p.picture-empty", {}, neq.nothingYet(this.feed) || "Nothing was measured.");
      this.parts.machine.replaceChildren(rows.length ? neq.element("dl", {}, ...list) : nothing);
    }

    #pace(epoch) {
      const { samples_per_second: pace } = epoch;
      const device = this.feed.record.device;
      const rate = (value) => count(Math.round(value));
      const all = neq.epochRange(this.feed.epochs.slice(0, epoch.epoch + 1), (each) => each.samples_per_second);
      const range = all?.count > 1 ? `; median of ${count(all.count)} epochs ${neq.rangeWords(all, rate)}` : "";
      return [device && ["Device", device], pace && ["Training, wall clock", `${rate(pace)} samples/s${range}`]].filter(Boolean);
    }

    #energy(last) {
      const spent = this.feed.epochs.slice(0, last.epoch + 1).map((epoch) => epoch?.resources).filter((each) => each && each.energy_kwh !== null);
      if (!spent.length) return [["Energy", "not measured"]];
      const sum = (field) => spent.reduce((total, each) => total + (each[field] ?? 0), 0);
      const of = spent.length > last.epoch ? "" : ` (${count(spent.length)} of ${neq.format.counted(last.epoch + 1, "epoch")} measured)`;
      return [["Energy up to here, estimated for the whole machine", `${number(sum("energy_kwh") * 1000)} Wh${of}`], ["CO₂ up to here", `${number(sum("co2_kg") * 1000)} g`]];
    }
  }

  function megabytes(bytes) {
    return `${count(Math.round(bytes / MB))} MB`;
  }

  function memory(resources) {
    const rows = [["Most memory so far", resources?.peak_memory_bytes], ["Most GPU memory so far", resources?.peak_device_memory_bytes]];
    return rows.filter(([, bytes]) => bytes).map(([name, bytes]) => [name, megabytes(bytes)]);
  }

  function gpu(resources) {
    const { device_use: use = null, device_watts: watts = null } = resources || {};
    return [use !== null && ["GPU busy", percent(use)], watts !== null && ["GPU power", `${number(watts)} W`]].filter(Boolean);
  }

  neq.Machine = Machine;
})();
