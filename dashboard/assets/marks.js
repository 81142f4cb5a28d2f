"use strict";
/*
 * neq.marks: lines and labels that pictures share, as Plotly shapes and annotations; and the axis of velocity bins.
 */
(() => {
  const { neq } = window;
  const ZERO_BIN = 19;
  const LOWEST_DECADE = -6;
  const BINS_PER_DECADE = 3;

  /** Where a velocity lies on the axis of its 39 bins; nearer to 0 than 10⁻⁶ it lies in the middle. @param {number} velocity */
  neq.velocityPlace = (velocity) => {
    const decades = Math.max(0, Math.min(-LOWEST_DECADE, Math.log10(Math.abs(velocity) || 1e-12) - LOWEST_DECADE));
    if (Math.abs(velocity) < 10 ** LOWEST_DECADE) return ZERO_BIN;
    return ZERO_BIN + Math.sign(velocity) * (0.5 + BINS_PER_DECADE * decades);
  };

  /** A velocity bin in words: `0.001 ≤ v < 0.00215`. @param {number} index @param {string} name */
  neq.velocityBin = (index, name) => {
    if (index === ZERO_BIN) return `|${name}| < 10⁻⁶`;
    const edge = (/** @type {number} */ place) => {
      const steps = place >= ZERO_BIN ? place - ZERO_BIN : ZERO_BIN - 1 - place;
      const size = 10 ** (LOWEST_DECADE + steps / BINS_PER_DECADE);
      return neq.format.number(place >= ZERO_BIN ? size : -size, 2);
    };
    if (index === 0) return `${name} < ${edge(0)}`;
    if (index === 2 * ZERO_BIN) return `${name} ≥ ${edge(2 * ZERO_BIN - 1)}`;
    return `${edge(index - 1)} ≤ ${name} < ${edge(index)}`;
  };

  /** @param {number} x @param {object} line */
  const upright = (x, line) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line });
  /** @param {number} y @param {object} line */
  const level = (y, line) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line });

  neq.marks = {
    /** Dotted vertical lines where an epoch began with another learning rate. @param {{epoch: number}[]} changes */
    drops: (changes) => ({
      annotations: [],
      shapes: changes.map(({ epoch }) => upright(epoch - 0.5, { color: "var(--neq-text)", width: 1, dash: "dot" })),
    }),

    /** A frame around one row. @param {number} row */
    row: (row) => ({
      type: "rect",
      xref: "paper",
      x0: 0,
      x1: 1,
      y0: row - 0.5,
      y1: row + 0.5,
      line: { color: "var(--neq-text)", width: 1.5 },
    }),

    /** A thin line between two blocks of layers. @param {number} y */
    border: (y) => level(y, { color: "var(--neq-surface)", width: 1 }),

    /** Triangles above the epochs in which many neurons thawed at once. @param {{epoch: number}[]} bursts */
    bursts: (bursts) =>
      bursts.map(({ epoch }) => ({
        x: epoch,
        y: 1,
        yref: "paper",
        yanchor: "bottom",
        text: "▼",
        showarrow: false,
        borderpad: 0,
        font: { size: 8, color: "var(--neq-just-thawed)" },
      })),

    /** Horizontal lines at ±ε on the axis of velocity bins. @param {number} epsilon */
    epsilon(epsilon) {
      if (!(epsilon > 0)) return { shapes: [], annotations: [] };
      const ink = { color: "var(--neq-just-thawed)", width: 1.5 };
      /** @param {number} y @param {string} text @param {"top" | "bottom"} yanchor */
      const label = (y, text, yanchor) => ({
        xref: "paper",
        x: 1,
        xanchor: "right",
        y,
        yanchor,
        text,
        showarrow: false,
        font: { size: 11, color: "var(--neq-just-thawed)" },
        bgcolor: "var(--neq-surface)",
        borderpad: 1,
      });
      const places = [neq.velocityPlace(epsilon), neq.velocityPlace(-epsilon)];
      return {
        shapes: places.map((place) => level(place, ink)),
        annotations: [label(places[0], "+ε", "bottom"), label(places[1], "−ε", "top")],
      };
    },
  };
})();
