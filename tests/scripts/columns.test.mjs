import assert from "node:assert/strict";
import { test } from "node:test";
import { readField, settingField } from "../../dashboard/scripts/run-data/filters.js";
import { leftOut, refusedField } from "../../dashboard/scripts/runs-page/address-left-out.js";
import { addressOf, columnsOf, OWN, sortModelOf, withoutField } from "../../dashboard/scripts/runs-page/column-address.js";
import { fieldWords, titleOf } from "../../dashboard/scripts/runs-page/columns.js";
import { choices, epochOf } from "../../dashboard/scripts/runs-page/columns-dialog.js";
import { rowsQuery, sortOf } from "../../dashboard/scripts/runs-page/query.js";

const fieldsOf = (query) => columnsOf(query).flatMap(({ id }) => (id.startsWith("field:") ? [id.slice(6)] : []));

test("a former address names settings by their paths, also those that are called like a field of the run's own", () => {
  assert.deepEqual(fieldsOf({ columns: "model.depth,a%2Cb,epochs,my%20key.x" }), ["model.depth", "`a,b`", "`epochs`", "`my key.x`"]);
});

test("an address that was cut off names no column, and breaks no page", () => {
  assert.deepEqual(fieldsOf({ columns: "model.depth,a%2Cb,%E0%A4,,%" }), ["model.depth", "`a,b`"]);
  assert.deepEqual(fieldsOf({ cols: "a,%E0%A4,,%:,:90,.nobody,a" }), ["a"]);
  assert.deepEqual(
    columnsOf({}).map(({ id }) => id),
    OWN,
  );
});

test("columns come back from the address as they went into it, fields alone where nothing else was changed", () => {
  const fields = columnsOf({ cols: "metric.val%2Floss.best,%60a%2Cb%60" });
  assert.equal(addressOf(fields), "metric.val%2Floss.best,%60a%2Cb%60");
  assert.equal(addressOf(columnsOf({})), null);
  const changed = [
    { id: "name", width: 300 },
    { id: "field:a:b", width: 90 },
    { id: "state", width: null },
  ];
  assert.equal(addressOf(changed), ".name:300,a%3Ab:90,.state");
  assert.deepEqual(columnsOf({ cols: addressOf(changed) }), changed);
});

test("no more fields are shown than the server answers, and no width beyond reason", () => {
  const many = Array.from({ length: 60 }, (_, index) => `f${index}`);
  assert.equal(fieldsOf({ cols: many.join() }).length, 50);
  assert.deepEqual(columnsOf({ cols: ".name:1,.state:99999" }), [
    { id: "name", width: 40 },
    { id: "state", width: 2000 },
  ]);
});

test("the headers' order is the server's, and is found again in an address", () => {
  const shown = columnsOf({ cols: "neq.epsilon,%60a%2Cb%60" });
  const model = [
    { colId: "field:`a,b`", sort: "desc" },
    { colId: "accuracy", sort: "asc" },
  ];
  assert.equal(sortOf(model), "-`a,b`,accuracy");
  assert.deepEqual(
    sortModelOf(sortOf(model), shown),
    model.map((each, sortIndex) => ({ ...each, sortIndex })),
  );
  assert.equal(sortOf([{ colId: "age", sort: "desc" }]), "", "newest first is the server's own order");
  assert.equal(sortOf([{ colId: "setup", sort: "asc" }]), "optimizer.kind,model.kind,data.kind");
  assert.deepEqual(sortModelOf("-gone,,name", shown), [{ colId: "name", sort: "asc", sortIndex: 0 }]);
});

test("what of an address cannot be followed is named, and the rest of it kept", () => {
  const query = { state: "runing", where: "x", cols: ".nosuch:80,neq.epsilon,%E0%A4", sort: "nosuch(,-neq.epsilon,epochs,kind", odd: "1" };
  const { words, changes } = leftOut(query, ["", "running"], columnsOf(query));
  assert.deepEqual(changes, { odd: null, state: null, cols: "neq.epsilon", sort: "-neq.epsilon,epochs" });
  assert.deepEqual(
    words.map((each) => each.match(/“.*”/)[0]),
    ["“odd”", "“runing”", "“.nosuch:80”", "“%E0%A4”", "“nosuch(”", "“kind”"],
  );
  const sound = { state: "running", cols: ".name:300,.setup,`a,b`", sort: "name,optimizer.kind,model.kind,data.kind", queue: "open" };
  assert.deepEqual(leftOut(sound, ["running"], columnsOf(sound)), { words: [], changes: {} });
});

test("the column that a server refuses is found by its place, in code points", () => {
  const detail = (start) => [{ field: "fields", message: "no", start, end: start + 1 }];
  const fields = ["𝛆a", "nosuch(", "b"];
  assert.deepEqual(
    [0, 3, 9, 11, 99].map((start) => refusedField(detail(start), fields, "")),
    ["𝛆a", "nosuch(", "nosuch(", "b", "b"],
  );
  assert.equal(refusedField([{ field: "where", start: 0 }], fields, "name"), null);
  assert.equal(refusedField("no", fields, "name"), null);
  assert.equal(refusedField([{ field: "sort", start: 12 }], fields, "name,-nosuch("), "nosuch(");
  assert.equal(withoutField(".name,nosuch(:90,b", "nosuch("), ".name,b");
});

test("a block of rows is asked for by its place, with what narrows the table and what its columns need", () => {
  const asked = { state: "running", search: " ", where: "neq.epsilon < 1", by: "", without: ["x", "y"], fields: ["a", "`b,c`"] };
  const query = Object.fromEntries(rowsQuery(asked, "-a", 200, 300));
  assert.deepEqual(query, {
    ...{ state: "running", where: "neq.epsilon < 1", sort: "-a", fields: "a,`b,c`" },
    ...{ without: "x,y", config: "brief", offset: "200", limit: "100" },
  });
});

test("settings are fields, in backquotes where they would be something else", () => {
  const paths = ["neq.epsilon", "epochs", "metric.x", "-x", "Not", "my key", "a`b\\c\n", "größe"];
  assert.deepEqual(paths.map(settingField), [
    ...["neq.epsilon", "`epochs`", "`metric.x`", "`-x`", "`Not`", "`my key`", "`a\\`b\\\\c\\n`", "`größe`"],
  ]);
  assert.deepEqual(
    paths.map((path) => readField(settingField(path))),
    paths.map((name) => ({ kind: "setting", name, figure: "" })),
  );
  assert.deepEqual(readField("metric.val/loss"), { kind: "metric", name: "val/loss", figure: "last" });
  assert.deepEqual(readField("metric.loss.at.12"), { kind: "metric", name: "loss", figure: "at.12" });
  assert.equal(readField("metric.loss.at.x").name, "loss.at.x");
  assert.deepEqual(readField("metric.`a.max`.min"), { kind: "metric", name: "a.max", figure: "min" });
});

test("columns are called as short as they can be told apart", () => {
  const all = ["neq.epsilon", "optimizer.lr", "schedule.lr", "metric.val/loss.best", "metric.acc.last"];
  assert.deepEqual(
    all.map((field) => titleOf(field, all)),
    ["epsilon", "optimizer.lr", "schedule.lr", "val/loss best", "acc"],
  );
  assert.equal(titleOf("metric.loss.at.12", all), "loss at epoch 12");
});

test("a value is shown as what it is of", () => {
  assert.equal(fieldWords("neq.epsilon", 0.0001), "10⁻⁴");
  assert.equal(fieldWords("pin", "true"), "yes");
  assert.equal(fieldWords("metric.loss.min", 0.123456), "0.123");
  assert.equal(fieldWords("best_accuracy", 0.5), "50.0 %");
  assert.equal(fieldWords("accuracy", 85.3), "85.3", "a script may log it in per cent");
  assert.equal(fieldWords("test_loss", 0.25), "0.250");
  assert.equal(fieldWords("group", null), "–");
});

test("a metric is chosen figure by figure, and what has a column already is not offered", () => {
  const offered = choices([
    { field: "state", kind: "choice", values: [] },
    { field: "group", kind: "text", values: [] },
    { field: "metric.loss", kind: "metric", values: [] },
  ]);
  assert.deepEqual(
    offered.map(({ label }) => label),
    ["group", "loss last", "loss min", "loss max", "loss best"],
  );
  const metric = [{ field: "metric.`a.min`", kind: "metric", values: [] }];
  assert.deepEqual(choices(metric, epochOf(" 7")).at(-1), { field: "metric.`a.min`.at.7", label: "a.min at epoch 7", kind: "metric" });
  assert.deepEqual(["", "-1", "1.5", "99999999", "0"].map(epochOf), [null, null, null, null, 0]);
});
