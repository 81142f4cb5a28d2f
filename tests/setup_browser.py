"""Finds the Chromium that the browser tests drive, and gets one where there is none.

Looks at NEQ_CHROMIUM, the path and Playwright's own first, then asks Debian's packages (as root), then Playwright's
download. Chromium's headless shell is preferred: the same engine without the window around it, which takes a quarter of
the whole's processor time.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
WHOLE = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium that can be started, or None."""
    named = os.environ.get("NEQ_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    if found := _on_the_path(SHELLS):
        return found
    shell, whole = _playwrights_own()
    return shell or _on_the_path(WHOLE) or whole


def _on_the_path(names: Sequence[str]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _playwrights_own() -> tuple[str | None, str | None]:
    """Playwright's headless shell and its whole Chromium; its Python interface names the path of the latter alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        whole = Path(playwright.chromium.executable_path)
    shells = whole.parents[2].glob("chromium_headless_shell-*/*/*headless[-_]shell")
    return next((str(path) for path in shells if os.access(path, os.X_OK)), None), str(
        whole
    ) if whole.exists() else None


def _from_debian() -> None:
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, stdout=subprocess.DEVNULL)
        for browser in ("chromium-headless-shell", "chromium"):
            command = ["apt-get", "install", "-y", "-qq", browser, "fonts-dejavu"]
            if not subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL).returncode:
                return


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
