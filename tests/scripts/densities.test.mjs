import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Feed } from "../../dashboard/scripts/run-data/feed.js";
import { Densities } from "../../dashboard/scripts/run-data/histogram-data.js";
import { Scope } from "../../dashboard/scripts/ui/page-scope.js";

globalThis.document = { documentElement: { dataset: {} } };
const UNREACHABLE = "The server cannot be reached.";

/** A server with so many finished epochs, of which epoch e counts [e, 1]; it may be `down`. */
function server(done) {
  const state = { done, down: false, asked: [] };
  mock.method(globalThis, "fetch", async (address) => {
    const span = /epochs=(\d+):(\d+)/.exec(address);
    state.asked.push(span ? [Number(span[1]), Number(span[2])] : null);
    if (state.down) throw new TypeError("Failed to fetch");
    const [first, stop] = span ? [Number(span[1]), Number(span[2])] : [0, state.done];
    const epochs = Array.from({ length: stop - first }, (_, place) => first + place);
    return new Response(JSON.stringify({ epochs, counts: epochs.map((epoch) => [epoch, 1]) }));
  });
  return state;
}

function densities(field) {
  const feed = new Feed(new Scope(), { id: "a", state: "running", last_seq: 0, epochs_planned: 9 });
  return new Densities(feed, { layer: 0, field }, () => {});
}

const counted = (epoch) => ({ velocity_histogram: [[epoch, 1]] });

/** Lets what waits for answers go on. */
async function answered() {
  for (let round = 0; round < 9; round += 1) await setImmediate();
}

afterEach(() => mock.restoreAll());

for (const field of ["phi", "delta", "velocity"]) {
  test(`a history of ${field} that did not come is loaded with the next epoch, and its error goes`, async () => {
    const from = server(3);
    const data = densities(field);
    from.down = true;
    await data.load();
    data.take(3, counted(3));
    await answered();
    assert.equal(data.problem, UNREACHABLE);
    from.down = false;
    from.done = 5;
    data.take(4, counted(4));
    await answered();
    assert.equal(data.problem, null);
    assert.deepEqual(
      data.counts,
      [0, 1, 2, 3, 4].map((epoch) => [epoch, 1]),
    );
    assert.deepEqual(from.asked.slice(0, 3), [null, null, null]);
  });
}

test("one epoch of φ that did not come comes with the next, and what is there is not asked for again", async () => {
  const from = server(3);
  const data = densities("phi");
  await data.load();
  from.down = true;
  data.take(3, counted(3));
  await answered();
  from.down = false;
  from.done = 5;
  data.take(4, counted(4));
  await answered();
  from.done = 6;
  data.take(5, counted(5));
  await answered();
  assert.equal(data.problem, null);
  assert.equal(data.counts.filter(Boolean).length, 6);
  assert.deepEqual(from.asked, [null, [3, 4], null, [5, 6]]);
});
