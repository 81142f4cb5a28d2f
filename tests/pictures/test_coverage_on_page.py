"""How much of a network is watched, as the run's page says it."""

from playwright.sync_api import Page, expect

from contract.layers import Coverage, UnwatchedModule
from db import Store
from tests.server.recording import Recording

TABLE = UnwatchedModule(name="embed", type="Embedding", parameters=380, reason="an embedding looks its rows up")
OWN = UnwatchedModule(name="", type="Net", parameters=15, reason="where a Net has its neurons is not known")
PART = Coverage(parameters=1000, watched=599, fraction=0.599, unwatched=(TABLE, OWN), more_modules=2, more_parameters=6)


def test_the_page_says_how_much_is_watched_and_lists_what_is_not(page: Page, address: str, store: Store) -> None:
    recording = Recording(store)
    page.goto(f"{address}/runs/{recording.id}")
    coverage = page.locator("[data-part=coverage]")
    expect(coverage).to_be_hidden()
    recording.start(PART)
    expect(coverage.locator("summary")).to_contain_text(
        "The watched layers hold 59.9 % of the trainable parameters (599 of 1,000)."
    )
    expect(coverage.locator("table")).to_be_hidden()
    coverage.locator("summary").focus()
    page.keyboard.press("Enter")
    rows = coverage.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_have_text("embedEmbedding380an embedding looks its rows up")
    expect(rows.nth(1)).to_contain_text("the network itself")
    expect(rows.nth(2)).to_contain_text("2 more")


def test_nearly_all_is_not_rounded_to_all(page: Page, address: str, store: Store) -> None:
    recording = Recording(store)
    recording.start(Coverage(parameters=100_000, watched=99_999, fraction=0.99999, unwatched=(OWN,)))
    page.goto(f"{address}/runs/{recording.id}")
    summary = page.locator("[data-part=coverage] summary")
    expect(summary).to_contain_text("hold 99.9 % of the trainable parameters (99,999 of 100,000).")
    expect(summary).to_contain_text("1 module is not watched")


def test_a_network_that_is_watched_whole_has_no_list(page: Page, address: str, store: Store) -> None:
    recording = Recording(store)
    recording.start(Coverage(parameters=1000, watched=1000, fraction=1.0))
    page.goto(f"{address}/runs/{recording.id}")
    coverage = page.locator("[data-part=coverage]")
    expect(coverage).to_have_text("The watched layers hold all trainable parameters of the network.")
    expect(coverage.locator("details")).to_have_count(0)
