"""The table of many runs: how long until its first rows, a filter's, an order's, and the last ones?

    python bench/browser/runs_table.py [--runs 10000] [--times 9]

Every run has a config of 80 settings and four metrics, as in `bench/filters.py`. First rows: from asking for the page,
in a tab of a new profile (`cold`) and in one that comes back (`warm`). A filter: from its last key, without the pause
that the box waits for. An order: from the click on a header. The end: from the jump there, until no row is blank.
Medians and ranges.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium
from bench.filters import fill
from bench.machine import machine
from db import Store
from tests.system import running

WATCH = """() => {
  window.neqWhen = (done) => new Promise((resolve, reject) => {
    const begun = performance.now();
    const look = () => {
      const taken = performance.now() - begun;
      if (done()) return resolve(taken);
      // Rather than for ever: what is shown says whether the page is at fault or what it is asked here.
      if (taken > 30_000) return reject(new Error(`not within 30 s: ${location.search}, first row ${neqFirst()}`));
      requestAnimationFrame(look);
    };
    look();
  });
  const names = () => [...document.querySelectorAll("#runs-table .runs-name")];
  window.neqBlank = () => document.querySelectorAll("#runs-table .ag-row .runs-unloaded").length;
  window.neqFirst = () => document.querySelector("#runs-table .ag-row[row-index='0'] .runs-name")?.textContent;
  window.neqShown = () => names().length;
}"""
FIRST = """(() => {
  const look = () => {
    if (document.querySelectorAll("#runs-table .runs-name").length < 5) return requestAnimationFrame(look);
    console.log(`neq-first-rows ${performance.now()}`); // a wait for a value would cost the page 50 ms meanwhile
  };
  look();
})()"""
FILTER = """async (where) => {
  const input = document.getElementById("runs-where");
  const before = neqFirst();
  input.value = where;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  return neqWhen(() => neqFirst() && neqFirst() !== before);
}"""
CLEAR = """async () => {
  // The first of all may be the first of the last filter's, too: told by the address.
  const input = document.getElementById("runs-where");
  input.value = "";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  return neqWhen(() => !location.search.includes("where") && neqShown() > 5 && !neqBlank());
}"""
SORT = """async (column) => {
  // The first row may stay the first: told by the answer, and by no row that is blank.
  performance.setResourceTimingBufferSize(10_000);
  const asked = () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/runs?")).length;
  const before = asked();
  document.querySelector(`#runs-table .ag-header-cell[col-id='${column}'] .ag-header-cell-label`).click();
  return neqWhen(() => asked() > before && neqShown() > 5 && !neqBlank());
}"""
GROUP = """async (by) => {
  const group = document.getElementById("runs-by");
  const first = () => document.querySelector("#runs-table [row-index='0'] [col-id='runs']") && neqFirst();
  const before = first();
  group.value = by;
  group.dispatchEvent(new Event("change", { bubbles: true }));
  return neqWhen(() => first() && first() !== before);
}"""
SCROLL = """async (place) => {
  const viewport = document.querySelector("#runs-table .ag-body-viewport");
  viewport.scrollTop = place * viewport.scrollHeight;
  const row = Math.ceil(viewport.scrollTop / 60); // the first that is whole
  return neqWhen(() => document.querySelector(`#runs-table .ag-row[row-index='${row}'] .runs-name`) && !neqBlank());
}"""


def told(taken: list[float]) -> str:
    """Median and range."""
    return f"{median(taken):6.0f} ms [{min(taken):.0f}, {max(taken):.0f}], n = {len(taken)}"


def first_rows(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds in a new profile, and in the same one coming back."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    taken = []
    for _ in range(2):
        page = context.new_page()
        page.add_init_script(FIRST)
        with page.expect_console_message(lambda told: told.text.startswith("neq-first-rows "), timeout=60_000) as told:
            page.goto(url, wait_until="commit")
        taken.append(float(told.value.text.split()[1]))
        page.close()
    context.close()
    return taken[0], taken[1]


def each(page: Page, times: int, one: Callable[[Page, int], float]) -> list[float]:
    """Several measurements, each on the page as the one before left it."""
    return [one(page, number) for number in range(times)]


def main() -> None:
    """Prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=9)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        fill(store, asked.runs)
        store.close()
        with chromium() as browser:
            first_rows(browser, system.url)
            pairs = [first_rows(browser, system.url) for _ in range(asked.times)]
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(system.url)
            page.wait_for_selector("#runs-table .runs-name")
            page.evaluate(WATCH)
            filters = each(page, asked.times, lambda page, n: page.evaluate(FILTER, f"seed = {n} and neq.epsilon < 1"))
            page.evaluate(CLEAR)
            orders = each(page, asked.times, lambda page, n: page.evaluate(SORT, ("name", "state", "accuracy")[n % 3]))
            scrolls = each(page, asked.times, lambda page, n: page.evaluate(SCROLL, (n + 1) / asked.times))
            by = ("neq.epsilon", "optimizer.kind", "seed")
            groups = each(page, asked.times, lambda page, n: page.evaluate(GROUP, by[n % 3]))
    print(f"the table of {asked.runs:,} runs")
    for name, taken in zip(("first rows, cold", "first rows, warm"), zip(*pairs, strict=True), strict=True):
        print(f"  {name:20}{told(list(taken))}")
    for name, taken in (("a filter", filters), ("an order", orders), ("a jump down", scrolls), ("a grouping", groups)):
        print(f"  {name:20}{told(taken)}")


if __name__ == "__main__":
    main()
