"""From asking for a stored run's page to its first useful picture: how long, and how many bytes?

    python bench/browser/first_picture.py [--network swin-b] [--epochs 300] [--times 15]

Useful: the overview, layers × epochs, has pixels from its first to its last epoch. `cold`: a new profile, nothing
cached. `warm`: the same profile comes back, scripts are cached. Bytes are those of all answers that had ended by then,
as they came over the wire, headers included, by the page's own account. Before the timed visits one visit lets the
server decode the run; it is told too.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, options, told
from bench.machine import machine
from bench.networks import NETWORKS
from bench.stored import Recorder
from bench.synthetic import stream
from db import Store
from tests.pages_hook import HOOK
from tests.system import running

USEFUL = """(() => {
const useful = (last) => {
  const canvas = document.querySelector("[data-part=overview] canvas.picture-pixels");
  if (!canvas?.width) return false;
  const picture = neq.run?.present()?.overview?.picture;
  if (!picture) return false;
  const [from, to] = picture.range.x;
  const {data} = canvas.getContext("2d").getImageData(0, canvas.height >> 1, canvas.width, 1);
  const filled = (epoch) => data[4 * Math.floor(((epoch - from) / (to - from)) * canvas.width) + 3] > 0;
  return filled(0) && filled(last >> 1) && filled(last);
};
const look = () => {
  if (!useful(LAST)) return requestAnimationFrame(look);
  const now = performance.now();
  const got = performance.getEntries().filter((each) => each.transferSize && each.responseEnd <= now);
  window.neqUseful = { now, bytes: got.reduce((sum, each) => sum + each.transferSize, 0) };
};
look();
})()"""


def main() -> None:
    """Prints both."""
    parser = options(__doc__, network="swin-b", epochs=300)
    parser.add_argument("--times", type=int, default=15)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        run_id = Recorder(store, asked.epochs).say_all(stream(NETWORKS[asked.network], asked.epochs))
        store.close()
        url = f"{system.url}/runs/{run_id}"
        with chromium() as browser:
            first = visit(browser, url, asked.epochs - 1)[0]
            pairs = [visit(browser, url, asked.epochs - 1) for _ in range(asked.times)]
    print(f"first useful picture of {asked.network} × {asked.epochs} epochs")
    print(f"  the server's first visit: {first[0]:.0f} ms, {first[1] / 1e6:.2f} MB until then")
    for name, visits in zip(("cold", "warm"), zip(*pairs, strict=True), strict=True):
        print(
            f"  {name}: {told([each[0] for each in visits])}; "
            f"{told([each[1] / 1e6 for each in visits], 'MB')} until then"
        )
        print(f"        the whole page: {told([each[2] / 1e6 for each in visits], 'MB')}")


def visit(browser: Browser, url: str, last: int) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Milliseconds, bytes until then and bytes in all: of a new profile, and of the same one coming back."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(HOOK)
    found = []
    for _ in range(2):
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        received: list[float] = []
        line.on("Network.loadingFinished", lambda event, received=received: received.append(event["encodedDataLength"]))
        page.add_init_script(USEFUL.replace("LAST", str(last)))
        page.goto(url, wait_until="commit")
        page.wait_for_function("() => window.neqUseful", timeout=120_000)
        useful = page.evaluate("() => window.neqUseful")
        rest(page, received)
        found.append((useful["now"], useful["bytes"], sum(received)))
        page.close()
    context.close()
    return found[0], found[1]


def rest(page: Page, received: list[float]) -> None:
    """Waits until nothing has come for a second and a half."""
    before = -1
    while len(received) != before:
        before = len(received)
        page.wait_for_timeout(1500)


if __name__ == "__main__":
    main()
