"""A real Chromium for benchmarks, on pages of the real system."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.networks import NETWORKS
from tests.chromium import FLAGS
from tests.pages_hook import HOOK
from tests.setup_browser import find_chromium

DRAWN = """(epoch) => {
  const main = neq.run?.present()?.card?.main;
  const picture = main?.picture;
  // An axis that has just been widened lies for a moment over old pixels: an epoch that has not come has none.
  if (!picture?.canvas.width || !main.layer?.cells.has(epoch)) return false;
  const {canvas} = picture;
  const [from, to] = picture.range.x;
  const x = Math.floor(((epoch - from) / (to - from)) * canvas.width);
  if (!(x >= 0 && x < canvas.width)) return false;
  return canvas.getContext("2d").getImageData(x, canvas.height >> 1, 1, 1).data[3] > 0;
}"""
"""Whether the open layer's canvas has a pixel of this epoch."""

ROOM_FOR_DRAWN = f"window.neqDrawn = {DRAWN};"


def options(description: str | None, *, network: str, epochs: int) -> argparse.ArgumentParser:
    """The command line that all of them share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default=network)
    parser.add_argument("--epochs", type=int, default=epochs)
    return parser


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Started as the tests start it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
        yield browser
        browser.close()


def opened(browser: Browser, url: str, *, width: int = 1440, height: int = 900) -> tuple[Page, CDPSession]:
    """A tab of its own profile at this address, and its line to the browser's instruments."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(HOOK)
    page = context.new_page()
    page.add_init_script(ROOM_FOR_DRAWN)
    page.goto(url)
    return page, context.new_cdp_session(page)


def wait_for_cells(page: Page, epoch: int = 0, seconds: float = 60) -> None:
    """Until the open layer shows an epoch, with axes around it."""
    page.wait_for_function(f"() => window.neqDrawn({epoch}) && neq.run.present()?.drawn", timeout=1000 * seconds)


def renderer(line: CDPSession) -> int:
    """The process of the tab: the renderer that has worked most."""
    found = [each for each in line.send("SystemInfo.getProcessInfo")["processInfo"] if each["type"] == "renderer"]
    return int(max(found, key=lambda each: each["cpuTime"])["id"])


def on_processor(process: int) -> float:
    """Milliseconds that a process's main thread has had a processor for."""
    return int(Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()[0]) / 1e6


def told(values: list[float], unit: str = "ms") -> str:
    """Median, 95th percentile and extremes."""
    p95 = quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    return f"median {median(values):.1f} {unit}, p95 {p95:.1f}, {min(values):.1f}–{max(values):.1f} (n = {len(values)})"
