import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedWords } from "../../dashboard/scripts/runs-page/bulk.js";
import { csvOf } from "../../dashboard/scripts/ui/csv.js";

test("what is refused is said by name, the first of many", () => {
  const refused = ["a", "b", "c", "d"].map((id) => ({ id, message: "It runs." }));
  const names = { a: "first" };
  assert.equal(
    refusedWords(refused, (id) => names[id] ?? id),
    "“first”: It runs. “b”: It runs. “c”: It runs. And 1 other.",
  );
});

test("a cell with commas, quotes or lines is quoted, and none is a formula", () => {
  const cells = [null, -1.5, "a,b", 'say "x"', "two\nlines", "=1+1", ["x", "y"], "true"];
  assert.equal(csvOf(["a"], [cells]), 'a\r\n,-1.5,"a,b","say ""x""","two\nlines",\'=1+1,x y,true\r\n');
});
