"""Many runs side by side: how long until Compare's first picture, and until another axis or grouping is drawn?

    python bench/browser/compared.py [--runs 50] [--epochs 300] [--times 9]

Every run has 60 layers and 2,280 neurons. *First picture*: the curves of all runs have pixels. Bytes are those of all
answers that had ended by then, as they came over the wire, headers included, by the page's own account. A change is
timed from the choice to the frame in which the charts are drawn anew, the server's answer included.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, options, told
from bench.machine import machine
from bench.studies import LAYERS, copied, recorded
from db import Store
from tests.pages_hook import HOOK
from tests.system import running

DRAWN = """(() => {
const useful = () => {
  const canvases = [...document.querySelectorAll("[data-part=curves] canvas.chart-lines")];
  return canvases.length > 3 && canvases.every((canvas) => {
    if (!canvas.width) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  });
};
const look = () => {
  if (!useful()) return requestAnimationFrame(look);
  const now = performance.now();
  const got = performance.getEntries().filter((each) => each.transferSize && each.responseEnd <= now);
  window.neqUseful = { now, bytes: got.reduce((sum, each) => sum + each.transferSize, 0) };
};
look();
})()"""
CHANGE = """async ([name, value]) => {
  const card = neq.compare.present().curves;
  const select = document.querySelector(`[data-part=${name}]`);
  const before = card.answer;
  const start = performance.now();
  select.value = value;
  select.dispatchEvent(new Event("change"));
  while (card.answer === before) await new Promise((next) => setTimeout(next));
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  return performance.now() - start;
}"""
CHANGES = (
    ("another axis", ("curves-axis", "seconds"), ("curves-axis", "epoch")),
    ("another grouping", ("curves-group", "training.seed"), ("curves-group", "")),
)


def main() -> None:
    """Fills a store, opens the page, changes it."""
    parser = options(__doc__, network="resnet-32", epochs=300)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--times", type=int, default=9)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        one = recorded(store, LAYERS, asked.epochs)
        runs = [one, *copied(store, one, asked.runs - 1, asked.epochs - 1)]
        store.close()
        url = f"{system.url}/compare?runs={','.join(runs)}"
        with chromium() as browser:
            visits = [visit(browser, url) for _ in range(asked.times)]
            print(f"Compare of {asked.runs} runs × {asked.epochs} epochs × {len(LAYERS)} layers, cold profile")
            print(f"  first picture: {told([each[0] for each in visits])}")
            print(f"  bytes until then: {told([each[1] / 1e6 for each in visits], 'MB')}")
            change(browser, url, asked.times)


def visit(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds and bytes until the curves are drawn, in a new profile."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(HOOK)
    page = opened(context.new_page(), url)
    found = page.evaluate("() => window.neqUseful")

    context.close()
    return found["now"], found["bytes"]


def opened(page: Page, url: str) -> Page:
    """The page, its curves drawn."""
    page.add_init_script(f"addEventListener('DOMContentLoaded', () => {DRAWN})")
    page.goto(url)
    page.wait_for_function("() => window.neqUseful", timeout=120_000)
    return page


def change(browser: Browser, url: str, times: int) -> None:
    """Tells how long changes take; the first of each is not asked of the server's cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(HOOK)
    page = opened(context.new_page(), url)
    page.wait_for_timeout(3_000)
    page.evaluate("() => document.querySelector('[data-part=curves-axis]').scrollIntoView()")  # as a reader has it
    for name, there, back in CHANGES:
        first = page.evaluate(CHANGE, list(there))
        rest = [page.evaluate(CHANGE, list(each)) for _ in range(times) for each in (back, there)]
        page.evaluate(CHANGE, list(back))
        print(f"  {name}: the first {first:.0f} ms; then {told(rest)}")
    context.close()


if __name__ == "__main__":
    main()
