"""Answers that do not come, or that refuse: what the page says of them."""

import pytest
from playwright.sync_api import Page, Route, expect

NOT_LOADED = "The plotting library did not load; reload the page."
LIBRARY = "**/package_data/plotly*"
PICTURES = {
    "/runs/{running}": ("overview", "neurons", "distribution", "accuracy", "learning_rate", "step_ms"),
    "/compare?runs={running},{queued}": ("heatmaps", "overviews", "curves", "scatter"),
}


@pytest.mark.parametrize("where", list(PICTURES))
def test_without_the_plotting_library_the_pictures_say_so(
    page: Page, address: str, runs: dict[str, str], where: str
) -> None:
    page.route(LIBRARY, lambda route: route.abort())
    page.goto(address + where.format(**runs))
    for part in PICTURES[where]:
        expect(page.locator(f"[data-part={part}] .plot-words").first).to_have_text(NOT_LOADED)


@pytest.mark.parametrize("where", list(PICTURES))
def test_a_page_left_before_the_plotting_library_failed_says_nothing(
    page: Page, address: str, runs: dict[str, str], where: str
) -> None:
    held: list[Route] = []
    page.route(LIBRARY, lambda route: held.append(route))
    with page.expect_request(LIBRARY):
        page.goto(address + where.format(**runs))
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator(".runs-name").first).to_be_visible()
    with page.expect_event("requestfailed"):
        held[0].abort()
    page.wait_for_timeout(100)  # what it would raise, the tab tells at its end


def test_what_the_server_refuses_the_notice_does_not_promise_to_ask_for_again(
    page: Page, address: str, runs: dict[str, str]
) -> None:
    refusal = {"status": 404, "json": {"detail": "There is no such run."}}
    page.route("**/overview?field=thawed", lambda route: route.fulfill(**refusal))
    page.goto(f"{address}/runs/{runs['running']}")
    notice = page.locator("[data-part=notice]")
    expect(notice).to_contain_text("There is no such run.")
    expect(notice).to_contain_text("Reload the page to try again.")
