"""Takes the README's picture from a running system:  python docs/pictures/take.py http://127.0.0.1:8000/runs/RUN"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chromium import FLAGS, tab
from tests.setup_browser import find_chromium


def main(address: str) -> None:
    """Writes run.png beside this file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        with tab(browser, viewport={"width": 1440, "height": 1290}) as page:
            page.goto(address)
            page.wait_for_selector("canvas.picture-pixels")
            page.wait_for_timeout(3000)
            page.screenshot(path=str(Path(__file__).with_name("run.png")))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
