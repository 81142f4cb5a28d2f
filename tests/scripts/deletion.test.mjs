import assert from "node:assert/strict";
import { test } from "node:test";
import { keep, key, takeUp } from "../../dashboard/scripts/runs-page/kept-deletion.js";

globalThis.document = { documentElement: { dataset: {} } };

class Browser {
  kept = new Map();
  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, text) => this.kept.set(key, text);
  removeItem = (key) => this.kept.delete(key);
}

test("a deletion that is kept is taken up once, beside that of another document", () => {
  const browser = new Browser();
  const [one, other] = [
    ["a", "run “a”"],
    ["b", "b"],
  ].map((name) => new Map([name]));
  assert.equal(keep({ names: one, until: 1234 }, browser), true);
  assert.equal(keep({ names: other, until: 1000 }, browser), true);
  assert.deepEqual(takeUp(browser), { names: new Map([...one, ...other]), until: 1234 });
  assert.equal(takeUp(browser), null, "no second document deletes as well");
});

test("a browser that keeps nothing says so, and what is no deletion is none", () => {
  const forbidden = new Browser();
  forbidden.setItem = () => {
    throw new Error("quota");
  };
  assert.equal(keep({ names: new Map(), until: 0 }, forbidden), false);
  const browser = new Browser();
  browser.setItem(key(), "{");
  assert.equal(takeUp(browser), null);
});
