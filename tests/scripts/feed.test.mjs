import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Feed } from "../../dashboard/scripts/run-data/feed.js";
import { Scope } from "../../dashboard/scripts/ui/page-scope.js";
import { npy } from "./npy.mjs";

globalThis.document = { documentElement: { dataset: {} } };

const table = () => new Response(npy([2, 1], [0.25, 0.5]), { headers: { "X-Epochs": "0:1" } });
const refused = (status, detail) => () => new Response(JSON.stringify({ detail }), { status });

/** A feed whose history is here, and what it tells from now on. */
function loadedFeed() {
  const scope = new Scope();
  const feed = new Feed(scope, { id: "a", state: "running", last_seq: 0, epochs_planned: 3 });
  feed.loaded = true;
  const told = [];
  for (const kind of ["trouble", "table"]) feed.on(kind, (value) => told.push([kind, value]));
  return { scope, feed, told };
}

/** Answers each question with the next of these, the last again and again; counts them. */
function server(...answers) {
  const asked = [];
  mock.method(globalThis, "fetch", async (address) => {
    asked.push(address);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer();
  });
  return asked;
}

/** Lets what waits for answers, and for so much time, go on. @param {number} milliseconds */
async function pass(milliseconds) {
  for (let round = 0; round < 5; round += 1) await setImmediate();
  mock.timers.tick(milliseconds);
  for (let round = 0; round < 5; round += 1) await setImmediate();
}

afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

const down = () => Promise.reject(new TypeError("Failed to fetch"));
const unreachable = { words: "The server cannot be reached.", retried: true };

test("a table that does not come is asked for again until it does, and the trouble is over then", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = server(down, refused(503, "The store is away."), table);
  const { feed, told } = loadedFeed();
  feed.tables.want("thawed");
  feed.tables.want("thawed");
  await pass(1500);
  await pass(1500);
  assert.equal(asked.length, 3);
  const away = { words: "The store is away.", retried: true };
  assert.deepEqual(told, [
    ["trouble", unreachable],
    ["trouble", away],
    ["trouble", null],
    ["table", "thawed"],
  ]);
  assert.deepEqual([...feed.tables.columns.thawed[0]], [0.25, 0.5]);
});

test("what the server refuses is not asked for again, and the trouble says so", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = server(refused(404, "There is no run a."));
  const { feed, told } = loadedFeed();
  feed.start();
  await pass(60_000);
  assert.deepEqual(told.at(-1), ["trouble", { words: "There is no run a.", retried: false }]);
  assert.equal(asked.length, 4);
});

test("a trouble that is over leaves the others", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server(refused(404, "There is no run a."), table);
  const { feed, told } = loadedFeed();
  feed.tables.want("phi");
  feed.tables.want("thawed");
  await pass(0);
  assert.deepEqual(told.filter(([kind]) => kind === "trouble").at(-1)[1], { words: "There is no run a.", retried: false });
});

test("who leaves the page is told nothing, and nothing more is asked", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = server(down);
  const { scope, feed, told } = loadedFeed();
  feed.tables.want("thawed");
  await pass(0);
  scope.end();
  await pass(60_000);
  assert.equal(asked.length, 1);
  assert.deepEqual(told, [["trouble", unreachable]]);
});
