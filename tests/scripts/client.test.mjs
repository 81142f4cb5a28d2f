import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ApiError, ask, askJson, Refused, Unreachable, Unreadable } from "../../dashboard/scripts/api/client.js";
import * as recorded from "../../dashboard/scripts/api/recorded.js";
import * as runs from "../../dashboard/scripts/api/runs.js";

const dataset = {};
globalThis.document = { documentElement: { dataset } };

/** Answers every question with this, and lists what was asked. */
function server(answer) {
  const asked = [];
  mock.method(globalThis, "fetch", async (address, request) => {
    asked.push({ address, ...request });
    return answer(request);
  });
  return asked;
}

const json = (value, status = 200) => new Response(JSON.stringify(value), { status });

/** What hears of it when it is given up, as a request that nobody answers does. */
const silence = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
  delete dataset.root;
});

// ------------------------------------------------------------ asking

test("a question is asked below the API's root, and below the prefix of a proxy", async () => {
  const asked = server(() => json({}));
  await askJson("/health");
  dataset.root = "/neq";
  await askJson("/health");
  assert.deepEqual(
    asked.map(({ address, method }) => [method, address]),
    [
      ["GET", "/api/v1/health"],
      ["GET", "/neq/api/v1/health"],
    ],
  );
});

test("a body goes as JSON and says so; without one nothing is said", async () => {
  const asked = server(() => json({}));
  await runs.describe("a/b", { name: "new" });
  await runs.stop("a");
  assert.equal(asked[0].address, "/api/v1/runs/a%2Fb");
  assert.deepEqual([asked[0].method, asked[0].body, asked[0].headers], ["PATCH", '{"name":"new"}', { "content-type": "application/json" }]);
  assert.deepEqual([asked[1].method, asked[1].body, asked[1].headers], ["POST", undefined, undefined]);
});

test("runs are asked for under today's names alone", async () => {
  const asked = server(() => json({ runs: [] }));
  await runs.runs(new URLSearchParams({ limit: "100", where: "a < 1" }));
  await runs.run("a");
  await recorded.runs("lr & ε", 5);
  assert.deepEqual(
    asked.map(({ address }) => address),
    [
      "/api/v1/runs?limit=100&where=a+%3C+1&former_names=false",
      "/api/v1/runs/a?former_names=false",
      "/api/v1/runs?limit=5&search=lr%20%26%20%CE%B5&former_names=false",
    ],
  );
});

test("an answer without a body is null", async () => {
  server(() => new Response(null, { status: 204 }));
  assert.equal(await runs.remove("a"), null);
});

test("bytes come whole, with the headers that tell what they are", async () => {
  server(() => new Response(Uint8Array.of(1, 130, 0, 7), { headers: { "X-Epochs": "3:5", "X-Neurons": "2" } }));
  const display = await recorded.display("a", 0);
  const told = { first: 3, stop: 5, neurons: 2, bytes: [1, 130, 0, 7], missing: [] };
  assert.deepEqual({ ...display, bytes: [...display.bytes] }, told);
});

test("epochs in which nothing was recorded are named as ranges", async () => {
  const headers = { "X-Epochs": "3:8", "X-Neurons": "1", "X-Missing": "4:5,6:8" };
  server(() => new Response(Uint8Array.of(1, 0, 7, 0, 0), { headers }));
  const { missing } = await recorded.display("a", 0);
  assert.deepEqual(missing, [
    [4, 5],
    [6, 8],
  ]);
});

// ------------------------------------------------------------ what may go wrong

test("a refusal carries its status, and the server's words for a person", async () => {
  server(() => json({ detail: "There is no run a." }, 404));
  const refused = await recorded.layers("a").catch((error) => error);
  assert.ok(refused instanceof Refused && refused instanceof ApiError);
  assert.deepEqual([refused.status, refused.message], [404, "There is no run a."]);
});

test("a refusal of fields keeps them, and has words of its own", async () => {
  const detail = [{ loc: ["epochs"], msg: "must be above 0" }];
  server(() => json({ detail }, 422));
  const refused = await runs.launch({ epochs: 0 }).catch((error) => error);
  assert.deepEqual(refused.detail, detail);
  assert.equal(refused.message, "The server responded with 422.");
});

test("a refusal that is a page, such as a proxy's, has its status", async () => {
  server(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  const refused = await ask("/health").catch((error) => error);
  assert.deepEqual([refused.constructor, refused.status, refused.detail], [Refused, 502, undefined]);
});

test("a page where JSON was asked for is no answer", async () => {
  server(() => new Response("<h1>Sign in</h1>"));
  await assert.rejects(askJson("/health"), Unreadable);
});

test("a page where display bytes were asked for is no answer", async () => {
  server(() => new Response("<h1>Sign in</h1>"));
  await assert.rejects(recorded.display("a", 0), Unreadable);
});

test("a server that cannot be reached is not a refusal", async () => {
  server(() => Promise.reject(new TypeError("Failed to fetch")));
  await assert.rejects(runs.health(), (error) => error instanceof Unreachable && error instanceof ApiError && !(error instanceof Refused));
});

test("an answer that breaks off is none", async () => {
  const torn = new ReadableStream({ pull: (stream) => stream.error(new TypeError("network error")) });
  server(() => new Response(torn));
  await assert.rejects(recorded.overview("a", "frozen"), Unreachable);
});

test("a server that does not begin to answer within a minute is given up", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server(silence);
  const given = assert.rejects(askJson("/health"), Unreachable);
  mock.timers.tick(60_000);
  await given;
});

/** A body of these bytes, with so long a silence after each; it breaks off when the question is given up. */
const dripping =
  (bytes, silence) =>
  ({ signal }) => {
    let timer;
    const start = (body) => {
      const next = () => {
        if (!bytes.length) return body.close();
        body.enqueue(Uint8Array.of(bytes.shift()));
        timer = setTimeout(next, silence);
        return timer;
      };
      next();
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        body.error(signal.reason);
      });
    };
    return new Response(new ReadableStream({ start }), { headers: { "X-Epochs": "0:3", "X-Neurons": "1" } });
  };

/** Lets so much time pass, a second at a time, and what it sets off happen. */
async function pass(seconds) {
  for (let second = 0; second < seconds; second += 1) {
    mock.timers.tick(1000);
    for (let round = 0; round < 5; round += 1) await setImmediate();
  }
}

test("an answer may take as long as it likes while some of it comes", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server(dripping([1, 2, 3], 50_000));
  const given = recorded.display("a", 0);
  await pass(210);
  assert.deepEqual([...(await given).bytes], [1, 2, 3]);
});

test("an answer that stalls for a minute is given up", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server(dripping([1, 2, 3], 61_000));
  const given = recorded.display("a", 0).then(
    () => "answered",
    (error) => error,
  );
  await pass(65);
  assert.ok((await Promise.race([given, setImmediate("no end")])) instanceof Unreachable);
});

test("after an answer nothing waits, and nothing listens to the page's end", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const leaving = new AbortController();
  const asked = server(() => json({ layers: [] }));
  await recorded.layers("a", leaving.signal);
  await pass(61);
  leaving.abort();
  assert.equal(asked[0].signal.aborted, false);
});

test("a page that was left already asks in vain, where the browser cannot join signals either", async () => {
  const leaving = new AbortController();
  leaving.abort();
  mock.method(AbortSignal, "any", () => assert.fail("browsers before 2024 have none"));
  server(({ signal }) => (signal.aborted ? Promise.reject(signal.reason) : json({ layers: [] })));
  await assert.rejects(recorded.layers("a", leaving.signal), { name: "AbortError" });
});

test("who leaves a page hears of what was asked there as fetch tells it, and no error of the API", async () => {
  const leaving = new AbortController();
  server(silence);
  const given = recorded.log("a", leaving.signal);
  leaving.abort();
  await assert.rejects(given, { name: "AbortError" });
});
