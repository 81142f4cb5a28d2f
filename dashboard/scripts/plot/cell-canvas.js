/*
 * A canvas of cells under transparent Plotly axes.
 *
 * Plotly gives axes, zoom, pan and export; every pixel between the axes is ours, painted by raster. A picture has a
 * source of cells and a table of colours; both can be changed for others at any time. Its cells are there before its axes.
 */

import { Axes } from "./axes.js";
import * as raster from "./raster.js";
import { spanWords } from "./saved-text.js";

/** @import { AxesOptions } from "./axes.js" */
/** @import { Source, Table } from "./raster.js" */

const MOST_PIXELS = 8192; // of an image's side, which every program can read

/**
 * @typedef {object} Cells
 * @property {Source} source
 * @property {() => Table} table makes the colours; called again when light turns dark.
 * @property {(note: {rowsPer: number, columnsPer: number}) => void} [onPaint]
 */

export class CellCanvas extends Axes {
  /** @param {AxesOptions & Cells} options */
  constructor(options) {
    super(options);
    this.source = options.source;
    this.table = options.table;
    this.onPaint = options.onPaint;
    this.colours = this.table();
    this.canvas.className = "picture-pixels";
    this.redraw = this.scope.once(() => this.paint());
    this.watchDensity(this.redraw);
    this.redraw();
  }

  /** Draws the axes over the cells. @param {any} Plotly */
  async start(Plotly) {
    await super.start(Plotly);
    if (!this.scope.ended) this.paint();
  }

  moved() {
    super.moved();
    this.redraw();
  }

  #view() {
    const { x, y } = this.range;
    return { x, y: [y[1], y[0]] };
  }

  /** Draws all of it, now. */
  paint() {
    if (this.scope.ended) return;
    const size = this.fit(this.canvas);
    if (size.width < 1 || size.height < 1) return;
    const { image, rowsPer, columnsPer } = raster.paint(this.source, this.colours, this.#view(), size);
    if (image) this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    this.onPaint?.({ rowsPer, columnsPer });
  }

  /**
   * Draws one new column and its right neighbour, whose "just" depends on it; leaves the rest as it is.
   * @param {number} column
   */
  paintColumn(column) {
    if (this.scope.ended) return;
    const { width, height } = this.canvas;
    const part = raster.stretch(this.range.x, column, width);
    const { image } = raster.paint(this.source, this.colours, this.#view(), { width, height }, part);
    if (image) this.canvas.getContext("2d")?.putImageData(image, part.from, 0);
  }

  recolour() {
    this.colours = this.table();
    super.recolour();
  }

  /** Other cells or colours, such as another layer or colour mode. @param {{source?: Source, table?: () => Table}} other */
  use({ source = this.source, table = this.table }) {
    this.source = source;
    this.table = table;
    this.colours = table();
    this.redraw();
  }

  /** The cells as an image of a pixel each, over whole cells. */
  drawn() {
    const { x, y } = this.range;
    const [range, size] = [
      { x: whole(x), y: whole(y) },
      { width: 0, height: 0 },
    ];
    size.width = Math.min(MOST_PIXELS, Math.abs(range.x[1] - range.x[0]));
    size.height = Math.min(MOST_PIXELS, Math.abs(range.y[1] - range.y[0]));
    const { image } = raster.paint(this.source, this.table(), { x: range.x, y: [range.y[1], range.y[0]] }, size);
    const place = { xref: "paper", yref: "paper", x: 0, y: 1, sizex: 1, sizey: 1, sizing: "stretch", layer: "below" };
    const last = Math.min(range.x[1] - 0.5, this.source.columns - 1);
    return {
      traces: this.plot.data,
      images: image ? [{ ...place, source: addressOf(image) }] : [],
      range,
      span: spanWords(this.across, range.x[0] + 0.5, last),
    };
  }
}

/** The edges of the cells that are seen at least half. @param {number[]} edges @returns {number[]} */
function whole([from, to]) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const first = Math.ceil(low - 1e-9) - 0.5;
  const last = Math.max(first + 1, Math.floor(high + 1e-9) + 0.5);
  return from < to ? [first, last] : [last, first];
}

/** An image as an address of its own bytes. @param {ImageData} image */
function addressOf(image) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas.toDataURL();
}
