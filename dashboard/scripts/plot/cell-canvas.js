/*
 * A canvas of cells under transparent Plotly axes.
 *
 * Plotly gives axes, zoom, pan and export; every pixel between the axes is ours, painted by raster. A picture has a
 * source of cells and a table of colours; both can be changed for others at any time. Its cells are there before its axes.
 */

import { Axes } from "./axes.js";
import * as raster from "./raster.js";

/** @import { AxesOptions } from "./axes.js" */
/** @import { Source, Table } from "./raster.js" */

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

  underlay() {
    const place = { xref: "paper", yref: "paper", x: 0, y: 1, sizex: 1, sizey: 1, sizing: "stretch", layer: "below" };
    return [{ ...place, source: this.canvas.toDataURL() }];
  }
}
