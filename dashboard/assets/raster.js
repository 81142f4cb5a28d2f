"use strict";
/*
 * neq.raster: cells into pixels.
 *
 * A cell larger than a pixel is drawn as a crisp block (nearest neighbour). Where cells are smaller than pixels, equal
 * blocks of `per` cells are merged to the average of their colours in linear light: no row or epoch is ever skipped, and
 * `per` says that it happened. Blocks start at multiples of `per`, so that panning does not make them flicker.
 */
(() => {
  const neq = (window.neq = window.neq || {});

  /**
   * How one axis of cells lies on a line of pixels.
   *
   * @param {number} from value at the first pixel's outer edge; cell i reaches from i - 0.5 to i + 0.5.
   * @param {number} to value at the last pixel's outer edge; may be below `from`.
   * @param {number} cells how many there are.
   * @param {number} pixels how many device pixels the line has.
   * @returns {{per: number, first: number, blocks: number, of: Int32Array}} `per` cells a block; block b holds the
   *   cells from (first + b) * per; `of[pixel]` is that pixel's block, or -1 outside of the cells.
   */
  function bins(from, to, cells, pixels) {
    const per = Math.max(1, Math.ceil(Math.abs(to - from) / pixels - 1e-9));
    const low = Math.max(0, Math.floor(Math.min(from, to) + 0.5));
    const high = Math.min(cells - 1, Math.ceil(Math.max(from, to) - 0.5));
    const first = Math.floor(low / per);
    const blocks = high < low ? 0 : Math.floor(high / per) - first + 1;
    const of = new Int32Array(pixels);
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      const cell = Math.floor(from + ((pixel + 0.5) / pixels) * (to - from) + 0.5);
      const block = Math.floor(cell / per) - first;
      of[pixel] = cell < 0 || cell >= cells || block < 0 || block >= blocks ? -1 : block;
    }
    return { per, first, blocks, of };
  }

  /** Colours of one block of epochs, one a block of rows, into column `column` of the grid. */
  function mixColumn(job, column) {
    const { source, rows, columns, indices, sums, weights } = job;
    sums.fill(0);
    weights.fill(0);
    const start = (columns.first + column) * columns.per;
    const stop = Math.min(start + columns.per, source.columns);
    for (let epoch = start; epoch < stop; epoch += 1) {
      if (source.fill(epoch, indices)) addColumn(job);
    }
    const { grid } = job;
    for (let row = 0, at = column; row < rows.blocks; row += 1, at += columns.blocks) {
      grid[at] = weights[row] ? blend(sums, row, weights[row]) : 0;
    }
  }

  function addColumn({ source, rows, table, indices, sums, weights }) {
    const { light } = table;
    const stop = Math.min(source.rows, (rows.first + rows.blocks) * rows.per);
    let row = 0;
    let left = rows.per;
    for (let cell = rows.first * rows.per; cell < stop; cell += 1) {
      const colour = indices[cell] * 3;
      sums[row * 3] += light[colour];
      sums[row * 3 + 1] += light[colour + 1];
      sums[row * 3 + 2] += light[colour + 2];
      weights[row] += 1;
      left -= 1;
      if (!left) {
        row += 1;
        left = rows.per;
      }
    }
  }

  function blend(sums, row, weight) {
    return neq.palette.pack(sums[row * 3] / weight, sums[row * 3 + 1] / weight, sums[row * 3 + 2] / weight);
  }

  /** The same where each block is one cell: its colour, without arithmetic. */
  function copyColumn({ source, rows, columns, table, indices, grid }, column) {
    const there = source.fill(columns.first + column, indices);
    const { packed } = table;
    for (let row = 0, at = column; row < rows.blocks; row += 1, at += columns.blocks) {
      grid[at] = there ? packed[indices[rows.first + row]] : 0;
    }
  }

  /** Spreads the grid of blocks over the pixels; equal lines are copied whole. */
  function spread(grid, rows, columns, pixels) {
    const width = columns.of.length;
    for (let y = 0; y < rows.of.length; y += 1) {
      const row = rows.of[y];
      const at = y * width;
      if (y > 0 && row === rows.of[y - 1]) {
        pixels.copyWithin(at, at - width, at);
        continue;
      }
      const base = row * columns.blocks;
      for (let x = 0; x < width; x += 1) {
        pixels[at + x] = row < 0 || columns.of[x] < 0 ? 0 : grid[base + columns.of[x]];
      }
    }
  }

  /** The part of `columns` that pixels `from` to `stop` show. */
  function clip(columns, from, stop) {
    const of = columns.of.slice(from, stop);
    let low = columns.blocks;
    let high = -1;
    for (const block of of) {
      if (block < 0) continue;
      low = Math.min(low, block);
      high = Math.max(high, block);
    }
    if (high < 0) return { ...columns, blocks: 0, of };
    return { per: columns.per, first: columns.first + low, blocks: high - low + 1, of: of.map((b) => b - (b < 0 ? 0 : low)) };
  }

  /**
   * Draws cells.
   *
   * @param {{columns: number, rows: number, fill: (column: number, into: Uint8Array) => boolean}} source cells as
   *   indices into the table; `fill` writes one whole column, or says false where there is none yet.
   * @param {{light: Float32Array, packed: Uint32Array}} table colours, from neq.palette.
   * @param {{x: [number, number], y: [number, number]}} view values at the left, right, top and bottom edges.
   * @param {{width: number, height: number}} size in device pixels.
   * @param {{from: number, stop: number}} [part] only these pixel columns.
   * @returns {{image: ImageData|null, rowsPer: number, columnsPer: number}} image: of the part; null: it has no width.
   */
  function paint(source, table, view, size, part = { from: 0, stop: size.width }) {
    const rows = bins(view.y[0], view.y[1], source.rows, size.height);
    const all = bins(view.x[0], view.x[1], source.columns, size.width);
    const answer = { image: null, rowsPer: rows.per, columnsPer: all.per };
    if (part.stop <= part.from) return answer;
    const columns = clip(all, part.from, part.stop);
    const job = {
      source, table, rows, columns,
      indices: new Uint8Array(source.rows),
      sums: new Float32Array(rows.blocks * 3),
      weights: new Uint32Array(rows.blocks),
      grid: new Uint32Array(rows.blocks * columns.blocks),
    };
    const column = rows.per === 1 && columns.per === 1 ? copyColumn : mixColumn;
    for (let block = 0; block < columns.blocks; block += 1) column(job, block);
    answer.image = new ImageData(part.stop - part.from, size.height);
    spread(job.grid, rows, columns, new Uint32Array(answer.image.data.buffer));
    return answer;
  }

  neq.raster = { bins, paint };
})();
