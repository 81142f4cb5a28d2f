import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { copy } from "../../dashboard/scripts/ui/clipboard.js";

let copied;

beforeEach(() => {
  copied = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.getter(globalThis, "navigator", () => ({ clipboard: { writeText: async (text) => copied.push(text) } }));
});

afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

test("a button that copies says so for a moment, counted from the last click, and then what it said before", async () => {
  const button = { textContent: "Copy as JSON" };
  await copy(button, "one");
  mock.timers.tick(1000);
  await copy(button, "two");
  assert.deepEqual(copied, ["one", "two"]);
  mock.timers.tick(1000);
  assert.equal(button.textContent, "Copied");
  mock.timers.tick(500);
  assert.equal(button.textContent, "Copy as JSON");
});

test("two buttons speak for themselves", async () => {
  const buttons = [{ textContent: "Copy as JSON" }, { textContent: "Copy the command" }];
  for (const button of buttons) await copy(button, "text");
  mock.timers.tick(1500);
  assert.deepEqual(
    buttons.map(({ textContent }) => textContent),
    ["Copy as JSON", "Copy the command"],
  );
});
