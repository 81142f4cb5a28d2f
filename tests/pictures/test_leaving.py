"""Pages that are slow to fill: one may leave them meanwhile, and use what is already there."""

from playwright.sync_api import Page, Route, expect

from tests.pictures.pages import come_to
from tests.pictures.test_keyboard import to_the_rows

ASKED = ("epochs?*", "layers", "log?*", "data", "coverage", "forks", "overview?*", "layers/*/display?*")


def never(_route: Route) -> None:
    """An answer that does not come."""


def test_a_run_s_page_left_while_it_is_asking_gives_up_in_silence(
    page: Page, address: str, runs: dict[str, str]
) -> None:
    raised: list[str] = []
    page.goto(f"{address}/")
    for what in ASKED:
        where = f"**/api/v1/runs/{runs['running']}/{what}"
        page.once("pageerror", lambda error, what=what: raised.append(f"{what}: {error}"))
        page.route(where, never)
        with page.expect_request(where):
            page.locator(f".runs-name[href$='{runs['running']}']").click()
        with page.expect_event("requestfailed"):
            page.get_by_role("link", name="Runs", exact=True).click()
        expect(page.locator(".runs-name").first).to_be_visible()
        page.unroute_all()
    assert raised == []


def test_rows_can_be_used_before_they_are_counted(page: Page, address: str, runs: dict[str, str]) -> None:
    page.route("**/api/v1/runs/counts*", never)
    with page.expect_request("**/api/v1/runs/counts*"):
        come_to(page, f"{address}/")
    to_the_rows(page)
    expect(page.locator(".ag-overlay-loading-center")).to_have_count(0)
