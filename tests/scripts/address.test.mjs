import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Address, edgesOf, spanOf, start, whole } from "../../dashboard/scripts/ui/view-address.js";

const location = { pathname: "/runs/a", search: "", hash: "" };
const history = { state: { dash: 1 }, pushState: visit("push"), replaceState: visit("replace") };
const visits = [];
let goBack = null;
const window = {
  addEventListener(_, listener) {
    goBack = listener;
  },
};
Object.assign(globalThis, { window, location, history });
start();

function visit(how) {
  return (state, _, address) => {
    visits.push([how, address]);
    assert.equal(state, history.state, "Dash's own state stays");
    location.search = address.includes("?") ? address.slice(address.indexOf("?")) : "";
  };
}

function scope() {
  return { ended: false, finally() {} };
}

beforeEach(() => {
  Object.assign(location, { pathname: "/runs/a", search: "", hash: "" });
  visits.length = 0;
});

test("the edges of whole cells are written as first and last cell", () => {
  assert.equal(spanOf([-0.5, 9.5]), "0:10");
  assert.equal(spanOf([9.5, -0.5]), "0:10");
  assert.equal(spanOf([2.123, 7.5]), "2.62:8");
});

test("an address's span gives its edges back", () => {
  assert.deepEqual(edgesOf("0:10"), [-0.5, 9.5]);
  assert.deepEqual(edgesOf(spanOf([3.5, 8.5])), [3.5, 8.5]);
});

test("what is no span is none", () => {
  for (const text of [null, "", "4", "9:3", "5:5", "a:b", "1:2:3"]) assert.equal(edgesOf(text), null, text);
});

test("a whole number of at most nine digits is read, all else is none", () => {
  assert.equal(whole("0"), 0);
  assert.equal(whole("123456789"), 123456789);
  for (const text of [null, "", "-1", "1.5", "1e3", " 1", "1234567890"]) assert.equal(whole(text), null, text);
});

test("a step adds to the address, and null takes away", () => {
  location.search = "?layer=2&colour=v";
  location.hash = "#layers";
  new Address(scope(), () => {}).step({ layer: 3, colour: null });
  assert.deepEqual(visits, [["push", "/runs/a?layer=3#layers"]]);
});

test("commas and colons stay legible", () => {
  new Address(scope(), () => {}).step({ runs: "a,b", epochs: "0:10" });
  assert.deepEqual(visits, [["push", "/runs/a?runs=a,b&epochs=0:10"]]);
});

test("a step to where the reader is already is none", () => {
  location.search = "?layer=2";
  new Address(scope(), () => {}).step({ layer: 2 });
  assert.deepEqual(visits, []);
});

test("what moves all the time is written once it rests, without a step", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const address = new Address(scope(), () => {});
  address.settle({ epoch: 3 });
  t.mock.timers.tick(200);
  address.settle({ epoch: 4 });
  t.mock.timers.tick(249);
  assert.deepEqual(visits, []);
  t.mock.timers.tick(1);
  assert.deepEqual(visits, [["replace", "/runs/a?epoch=4"]]);
});

test("a step takes along what still waits to be written", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const address = new Address(scope(), () => {});
  address.settle({ epoch: 3 });
  address.step({ layer: 1 });
  t.mock.timers.tick(1000);
  assert.deepEqual(visits, [["push", "/runs/a?epoch=3&layer=1"]]);
});

test("going back tells this page alone, before Dash hears of it", () => {
  location.search = "?layer=2";
  const told = [];
  let stopped = 0;
  const event = {
    stopImmediatePropagation() {
      stopped += 1;
    },
  };
  const page = scope();
  new Address(page, (query) => told.push(query));
  goBack(event);
  assert.deepEqual(told, [{ layer: "2" }]);
  assert.equal(stopped, 1);
  location.pathname = "/"; // another page
  goBack(event);
  Object.assign(location, { pathname: "/runs/a" });
  page.ended = true;
  goBack(event);
  assert.equal(told.length + stopped, 2);
});

test("a page writes into no other page's address, be it older or made too late", () => {
  const page = scope();
  const address = new Address(page, () => {}, "/runs/a");
  Object.assign(location, { pathname: "/user/ana/runs/a/" });
  address.step({ layer: 1 });
  assert.deepEqual(visits.splice(0), [["push", "/user/ana/runs/a/?layer=1"]]);
  Object.assign(location, { pathname: "/user/ana/new", search: "" });
  address.step({ layer: 2 });
  new Address(scope(), () => {}, "/runs/a").step({ layer: 3 });
  Object.assign(location, { pathname: "/runs/a" });
  page.ended = true;
  address.step({ layer: 4 });
  assert.deepEqual(visits, []);
});
