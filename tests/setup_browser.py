"""Finds the Chromium that the browser tests drive, and gets one where there is none.

Looks at NEQ_CHROMIUM and the path first, then asks Debian's packages (as root), then Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium that can be started, or None."""
    named = os.environ.get("NEQ_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next((path for name in NAMES if (path := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _from_debian() -> None:
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium", "fonts-dejavu"]):
            subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)


def _from_playwright() -> None:
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> str | None:
    """Gets a browser if need be; returns what to tell a person when none could be had."""
    for attempt in (lambda: None, _from_debian, _from_playwright):
        attempt()
        if path := find_chromium():
            sys.stdout.write(f"Browser for the tests: {path}\n")
            return None
    return "No Chromium for the browser tests: install one, or name one in NEQ_CHROMIUM."


if __name__ == "__main__":
    sys.exit(main())
