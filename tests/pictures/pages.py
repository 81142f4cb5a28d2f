"""Every page of the dashboard, for the tests that go through all of them."""

from playwright.sync_api import Page, expect

PAGES = {
    "runs": "/",
    "new run": "/new",
    "clone": "/new?from={running}",
    "running": "/runs/{running}?layer=1",
    "looked at": "/runs/{running}?layer=1&neuron=3&order=similarity&colour=delta&pair=1&epoch=2"
    "&overview=speed&values=phi",
    "queued": "/runs/{queued}",
    "stopped": "/runs/{stopped}",
    "external": "/runs/{external}",
    "external without a watch": "/runs/{unwatched}?by=epoch",
    "compare": "/compare?runs={running},{queued},{external}",
    "compare nothing": "/compare",
    "missing": "/nowhere",
    "missing run": "/runs/0000000000",
}
"""Addresses by name; the fixtures `runs` and `scripts` fill in the ids."""

TWICE = """() => {
  // Buttons of one name that do different things; those of a table's rows are named after their row.
  const names = [...document.querySelectorAll("button")]
    .filter((each) => each.checkVisibility({ opacityProperty: false }))
    .map((each) => (each.ariaLabel || each.textContent || each.title).trim());
  const again = names.filter((name, place) => names.indexOf(name) !== place);
  return [...new Set(again)].map((name) => `twice: ${name}`);
}"""


def come_to(page: Page, address: str) -> None:
    """Opens a page and waits until its scripts have drawn it."""
    page.goto(address)
    expect(page.locator("main h1").first).to_be_visible()
    if "/runs/" in address and "0000000000" not in address:
        page.wait_for_selector("#run-page[data-drawn]")
    if "/compare?" in address:
        page.wait_for_selector("#compare-page[data-drawn]")
    if "/new" in address:
        expect(page.locator("#form-launch")).to_be_visible()
    if address.endswith("/"):
        expect(page.locator(".runs-name").first).to_be_visible()
