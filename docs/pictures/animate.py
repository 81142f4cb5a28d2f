"""Makes the README's moving picture from a run file:  python docs/pictures/animate.py [RUN.neq]

It starts the system in a folder of its own, replays the run as if it were trained now, and photographs the run's page
after every epoch.
"""

import io
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from contract.runfile import RunFile
from tests.chromium import FLAGS, tab
from tests.setup_browser import find_chromium
from tests.system import Process, System, running

HERE = Path(__file__).parent
DEMO = HERE / "demo-sgd.neq"
"""The run that `make demo` launches with SGD, exported once it had ended."""

LAYER = 12
"""A layer in the middle of the network, where neurons freeze at different times."""

VIEW = {"width": 1440, "height": 1200}
MARGIN = 12
WIDTH = 960
COLOURS = 96
SECONDS_PER_EPOCH = 4.0
"""Of the replay: time enough to photograph each epoch."""
MS_PER_EPOCH, MS_AT_THE_END = 260, 3000


def area(page: Page) -> FloatRect:
    """From the slider of epochs to the end of the two pictures below it."""
    top = page.locator(".cursor-bar").evaluate("it => it.getBoundingClientRect().top") - MARGIN
    bottom = page.locator(".run-columns > *").nth(1).evaluate("it => it.getBoundingClientRect().bottom") + MARGIN
    return {"x": 0, "y": top, "width": VIEW["width"], "height": bottom - top}


def photographed(page: Page, epochs: int) -> Iterator[Image.Image]:
    """The page once it shows each epoch; one that ends while another is photographed is in the next picture."""
    photographed = -1
    while photographed < epochs - 1:
        shown = re.fullmatch(r"epoch (\d+)", page.locator(".cursor-words").inner_text().strip())
        if not shown or int(shown[1]) == photographed:
            page.wait_for_timeout(50)
            continue
        photographed = int(shown[1])
        page.wait_for_timeout(100)  # the cells are drawn in the frame after the words
        picture = Image.open(io.BytesIO(page.screenshot(clip=area(page)))).convert("RGB")
        yield picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)


def watched(browser: Browser, system: System, epochs: int) -> list[Image.Image]:
    """The pictures of the run that is being replayed, from its first epoch to its last."""
    while not (runs := system.ask("GET", "/runs")["runs"]):
        time.sleep(0.1)
    with tab(browser, viewport=VIEW) as page:
        page.goto(f"{system.url}/runs/{runs[0]['id']}?layer={LAYER}")
        return list(photographed(page, epochs))


def write(pictures: list[Image.Image]) -> None:
    """All pictures as one, in the colours of the last, which has all of them."""
    palette = pictures[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    durations = [MS_PER_EPOCH] * (len(frames) - 1) + [MS_AT_THE_END]
    frames[0].save(HERE / "run.gif", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def speed(file: Path) -> tuple[float, int]:
    """How much faster than it was trained a run is to be replayed, and its epochs."""
    with RunFile.open(file) as recorded:
        header = recorded.header
        seconds = sum(event.seconds.train for event in recorded.events() if event.kind == "epoch_finished")
        return seconds / header.epochs_planned / SECONDS_PER_EPOCH, header.epochs_planned


def main(file: Path) -> None:
    """Writes run.gif beside this file."""
    times, epochs = speed(file)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        replay = Process("replay", str(file), "--speed", f"{times:g}", environment=system.environment)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
                write(watched(browser, system, epochs))
                browser.close()
        finally:
            replay.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO)
