/*
 * Cells into pixels.
 *
 * A cell larger than a pixel is drawn as a crisp block (nearest neighbour). Where cells are smaller than pixels, equal
 * blocks of `per` cells are merged to the average of their colours in linear light: no row or epoch is ever skipped, and
 * `per` says that it happened. Blocks start at multiples of `per`, so that panning does not make them flicker. Where the
 * table is one of classes, such as the four states, each class that is in a block has at least its own least weight in the
 * colour: one frozen neuron among thousands is not rounded away, and one that just thawed is what a reader looks for. Where it is one of levels, a block has the colour of their mean:
 * the average of purple and green would be a grey that the scale does not have.
 */

import * as palette from "./palette.js";

/** @typedef {{per: number, first: number, blocks: number, of: Int32Array}} Bins how cells lie on pixels: see `bins`. */
/** @typedef {{columns: number, rows: number, fill: (column: number, into: Uint8Array) => boolean}} Source */
/** @typedef {{light: Float32Array, packed: Uint32Array, classes?: number, levels?: boolean, least?: number[]}} Table */
/** @typedef {Record<"light" | "packed" | "classes" | "least", any>} Classes a table of classes. */

/**
 * @typedef {object} Job one drawing.
 * @property {Source} source
 * @property {Table} table
 * @property {Bins} rows
 * @property {Bins} columns
 * @property {Int32Array} edges of the blocks of rows.
 * @property {Uint8Array} indices room for a column of cells.
 * @property {Float64Array} sums room for what is added up of each block.
 * @property {Uint32Array | null} mixtures known ones.
 * @property {Uint32Array} grid a colour a block.
 */

const MOST_MIXTURES = 1 << 16;

/**
 * How one axis of cells lies on a line of pixels.
 *
 * @param {number} from value at the first pixel's outer edge; cell i reaches from i - 0.5 to i + 0.5.
 * @param {number} to value at the last pixel's outer edge; may be below `from`.
 * @param {number} cells how many there are.
 * @param {number} pixels how many device pixels the line has.
 * @returns {Bins} `per` cells a block; block b holds the
 *   cells from (first + b) * per; `of[pixel]` is that pixel's block, or -1 outside of the cells.
 */
export function bins(from, to, cells, pixels) {
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

/** The first cell of each block of rows, and behind the last block where that ends. @param {Bins} rows @param {number} cells */
function edges(rows, cells) {
  const found = new Int32Array(rows.blocks + 1);
  for (let block = 0; block <= rows.blocks; block += 1) found[block] = Math.min(cells, (rows.first + block) * rows.per);
  return found;
}

/**
 * Colours of one block of epochs, one a block of rows, into column `column` of the grid.
 * @param {Job} job @param {number} column
 */
function mixColumn(job, column) {
  const { source, rows, columns, edges, indices, sums, table, grid } = job;
  /** @type {[(job: any) => void, (job: any, row: number, weight: number) => number]} */
  const [add, mix] = table.classes ? [countClasses, blendClasses] : table.levels ? [addLevels, blendLevels] : [addLight, blendLight];
  sums.fill(0);
  let seen = 0;
  const start = (columns.first + column) * columns.per;
  const stop = Math.min(start + columns.per, source.columns);
  for (let epoch = start; epoch < stop; epoch += 1) {
    if (!source.fill(epoch, indices)) continue;
    add(job);
    seen += 1;
  }
  for (let row = 0, at = column; row < rows.blocks; row += 1, at += columns.blocks) {
    grid[at] = seen ? mix(job, row, seen * (edges[row + 1] - edges[row])) : 0;
  }
}

// Each kind of table has loops of its own: a function called for every block would take longer than its cells.

/** @param {Job} job */
function addLight({ table: { light }, rows, edges, indices, sums }) {
  for (let row = 0; row < rows.blocks; row += 1) {
    let [red, green, blue] = [0, 0, 0];
    for (let cell = edges[row]; cell < edges[row + 1]; cell += 1) {
      const colour = indices[cell] * 3;
      red += light[colour];
      green += light[colour + 1];
      blue += light[colour + 2];
    }
    sums[row * 3] += red;
    sums[row * 3 + 1] += green;
    sums[row * 3 + 2] += blue;
  }
}

/** @param {Job} job @param {number} row @param {number} weight */
function blendLight({ sums }, row, weight) {
  return palette.pack(sums[row * 3] / weight, sums[row * 3 + 1] / weight, sums[row * 3 + 2] / weight);
}

/** The sum of a block's levels and how many there are; cells without a value (level 0) do not count. @param {Job} job */
function addLevels({ rows, edges, indices, sums }) {
  for (let row = 0; row < rows.blocks; row += 1) {
    let [sum, there] = [0, 0];
    for (let cell = edges[row]; cell < edges[row + 1]; cell += 1) {
      sum += indices[cell];
      there += indices[cell] ? 1 : 0;
    }
    sums[row * 2] += sum;
    sums[row * 2 + 1] += there;
  }
}

/** @param {Job} job @param {number} row */
function blendLevels({ table: { packed }, sums }, row) {
  const there = sums[row * 2 + 1];
  return packed[there ? (sums[row * 2] / there + 0.5) | 0 : 0]; // rounded
}

/** How many cells of each class a block has. @param {Job & {table: Classes}} job */
function countClasses({ table: { classes }, rows, edges, indices, sums }) {
  for (let row = 0; row < rows.blocks; row += 1) {
    const base = row * classes;
    for (let cell = edges[row]; cell < edges[row + 1]; cell += 1) sums[base + indices[cell]] += 1;
  }
}

/**
 * The mixture of a block's classes; those of whole blocks are few and remembered by their counts.
 * @param {Job & {table: Classes}} job @param {number} row @param {number} weight
 */
function blendClasses(job, row, weight) {
  const { table, rows, columns, sums, mixtures } = job;
  const base = row * table.classes;
  const most = rows.per * columns.per;
  if (weight !== most || !mixtures) return mixed(table, sums, base, weight);
  let place = 0;
  for (let each = 1; each < table.classes; each += 1) place = place * (most + 1) + sums[base + each];
  mixtures[place] ||= mixed(table, sums, base, weight);
  return mixtures[place];
}

/** @param {Classes} table @param {Float64Array} sums @param {number} base @param {number} cells */
function mixed({ light, packed, classes, least }, sums, base, cells) {
  let [red, green, blue, whole] = [0, 0, 0, 0];
  for (let each = 0; each < classes; each += 1) {
    const fraction = sums[base + each] / cells;
    if (fraction === 1) return packed[each];
    if (fraction === 0) continue;
    const weight = Math.max(least[each], fraction);
    red += weight * light[each * 3];
    green += weight * light[each * 3 + 1];
    blue += weight * light[each * 3 + 2];
    whole += weight;
  }
  return palette.pack(red / whole, green / whole, blue / whole);
}

/**
 * Room for a colour for every way in which whole blocks can be made up of classes; null: those are too many.
 * @param {Table} table @param {Bins} rows @param {Bins} columns
 */
function mixturesOf({ classes = 0 }, rows, columns) {
  const ways = (rows.per * columns.per + 1) ** (classes - 1);
  return classes && ways <= MOST_MIXTURES ? new Uint32Array(ways) : null;
}

/** The same where each block is one cell: its colour, without arithmetic. @param {Job} job @param {number} column */
function copyColumn({ source, rows, columns, table, indices, grid }, column) {
  const there = source.fill(columns.first + column, indices);
  const { packed } = table;
  for (let row = 0, at = column; row < rows.blocks; row += 1, at += columns.blocks) {
    grid[at] = there ? packed[indices[rows.first + row]] : 0;
  }
}

/**
 * Spreads the grid of blocks over the pixels; equal lines are copied whole.
 * @param {Uint32Array} grid @param {Bins} rows @param {Bins} columns @param {Uint32Array} pixels
 */
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

/** The part of `columns` that pixels `from` to `stop` show. @param {Bins} columns @param {number} from @param {number} stop */
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

/** @type {ImageData | null} */
let last = null;

/**
 * Memory for pixels, used again while the size stays: small pictures come by the dozen, of one size.
 * @param {number} width @param {number} height
 */
function sheet(width, height) {
  if (!last || last.width !== width || last.height !== height) last = new ImageData(width, height);
  return last;
}

/**
 * Draws cells.
 *
 * @param {Source} source cells as
 *   indices into the table; `fill` writes one whole column, or says false where there is none yet.
 * @param {Table} table colours, from palette.
 * @param {{x: number[], y: number[]}} view values at the left, right, top and bottom edges.
 * @param {{width: number, height: number}} size in device pixels.
 * @param {{from: number, stop: number}} [part] only these pixel columns.
 * @returns {{image: ImageData|null, rowsPer: number, columnsPer: number}} image: of the part, to be used before the next
 *   call; null: it has no width.
 */
export function paint(source, table, view, size, part = { from: 0, stop: size.width }) {
  const rows = bins(view.y[0], view.y[1], source.rows, size.height);
  const all = bins(view.x[0], view.x[1], source.columns, size.width);
  /** @type {{image: ImageData | null, rowsPer: number, columnsPer: number}} */
  const answer = { image: null, rowsPer: rows.per, columnsPer: all.per };
  if (part.stop <= part.from) return answer;
  const columns = clip(all, part.from, part.stop);
  /** @type {Job} */
  const job = {
    source,
    table,
    rows,
    columns,
    edges: edges(rows, source.rows),
    indices: new Uint8Array(source.rows),
    sums: new Float64Array(rows.blocks * Math.max(3, table.classes || 0)),
    mixtures: mixturesOf(table, rows, columns),
    grid: new Uint32Array(rows.blocks * columns.blocks),
  };
  const column = rows.per === 1 && columns.per === 1 ? copyColumn : mixColumn;
  for (let block = 0; block < columns.blocks; block += 1) column(job, block);
  const image = sheet(part.stop - part.from, size.height);
  spread(job.grid, rows, columns, new Uint32Array(image.data.buffer));
  return { ...answer, image };
}

/**
 * The pixel columns that a change of one column of cells can alter: its block, and the neighbours' edges.
 * @param {number[]} range @param {number} column @param {number} width
 */
export function stretch([from, to], column, width) {
  const pixel = (/** @type {number} */ value) => ((value - from) / (to - from)) * width;
  const per = Math.max(1, Math.ceil((to - from) / width - 1e-9));
  const start = Math.floor(column / per) * per;
  return {
    from: Math.max(0, Math.floor(pixel(start - 0.5)) - 1),
    stop: Math.min(width, Math.ceil(pixel(start + per + 0.5)) + 1),
  };
}
