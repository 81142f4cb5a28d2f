import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ALL } from "../../dashboard/scripts/runs-page/query.js";
import * as rows from "../../dashboard/scripts/runs-page/rows.js";

globalThis.document = { documentElement: { dataset: {} }, querySelectorAll: () => [], getElementById: () => null };
afterEach(() => mock.restoreAll());

const run = (revision) => ({ id: "a", name: "a", state: "running", revision });

/** A table that asks for its first block at once; `asked` are the addresses, `shown` the rows that came. */
function table() {
  const [asked, shown] = [[], []];
  mock.method(globalThis, "fetch", async (address) => {
    asked.push(address);
    const counts = address.includes("/counts?");
    return new Response(JSON.stringify(counts ? {} : { runs: [run(1)], total: 1 }));
  });
  const successCallback = (found) => shown.push(...found);
  const block = { startRow: 0, endRow: rows.BLOCK, sortModel: [], successCallback, failCallback() {} };
  const grid = {
    isDestroyed: () => false,
    getColumnState: () => [],
    getFocusedCell: () => null,
    getRowNode: () => undefined,
    setGridOption: (_, { getRows }) => getRows(block),
  };
  return { grid, shown, blocks: () => asked.filter((each) => each.includes("/runs?")) };
}

test("a first block that was asked for early is asked for once, and of use once", async () => {
  const { grid, shown, blocks } = table();
  rows.askEarly({ ...ALL, state: "running" }, "");
  rows.begin(grid);
  await rows.ask({ state: "running" });
  await setImmediate();
  assert.deepEqual([blocks().length, shown.length], [1, 1]);
  await rows.ask({});
  assert.equal(blocks().length, 2);
  rows.begin(null);
});

test("blocks that the grid asks for before the first question are answered, for it waits for few at once", async () => {
  const { grid } = table();
  let failed = 0;
  rows.begin({ ...grid, setGridOption: (_, { getRows }) => getRows({ failCallback: () => (failed += 1) }) });
  assert.equal(failed, 1);
  rows.begin(null);
});

test("a question that has changed since is asked anew", async () => {
  const { grid, blocks } = table();
  rows.askEarly(ALL, "");
  rows.begin(grid);
  await rows.ask({ where: "x = 1" });
  assert.equal(blocks().length, 2);
  assert.match(blocks()[1], /where=x/);
  rows.begin(null);
});

test("a run that changes between the early answer and the table is shown as it is now", async () => {
  const { grid, shown } = table();
  rows.askEarly(ALL, "");
  rows.begin(grid);
  rows.put(run(2));
  await rows.ask({});
  await setImmediate();
  assert.deepEqual(
    shown.map(({ revision }) => revision),
    [2],
  );
  rows.begin(null);
});

test("a block is read once for other columns too, unless a run of it has changed since", async () => {
  const { grid, blocks } = table();
  let again;
  const setGridOption = (name, source) => {
    again = () => grid.setGridOption(name, source);
    again();
  };
  rows.begin({ ...grid, setGridOption });
  await rows.ask({});
  again();
  await setImmediate();
  assert.equal(blocks().length, 1);
  rows.put(run(2));
  again();
  await setImmediate();
  assert.equal(blocks().length, 2);
  rows.begin(null);
});
