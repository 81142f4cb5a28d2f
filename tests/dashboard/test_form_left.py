"""Leaving the launch form: a launch under way still completes, and the next page is not disturbed."""

import re

from playwright.sync_api import Page, Route, expect

from db import Store
from tests.dashboard.test_launching import control, only_run, open_form
from tests.server.checking import has_worker
from tests.trainer.worker.conftest import eventually


def leave(page: Page) -> None:
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", name="Compare runs")).to_be_visible()


def launch_and_leave(page: Page, address: str) -> Route:
    """Returns the launch, which waits for its answer."""
    held: list[Route] = []
    open_form(page, address)
    page.get_by_label("Name").fill("Left behind")
    page.route("**/api/v1/runs", lambda route: held.append(route))
    page.get_by_role("button", name="Launch run").click()
    eventually(lambda: page.wait_for_timeout(20) or held)
    leave(page)
    return held[0]


def test_checks_end_when_the_form_is_left(page: Page, address: str, store: Store) -> None:
    has_worker(store)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/checks/" in request.url else None)
    open_form(page, address)
    expect(page.locator("#form-check")).to_contain_text("a worker is training one small batch")
    eventually(lambda: page.wait_for_timeout(20) or asked)
    leave(page)
    before = len(asked)
    page.wait_for_timeout(1000)
    assert len(asked) <= before + 1, "one may have been on its way"


def test_a_launch_that_succeeds_after_the_form_was_left_is_told_where_the_reader_is(
    page: Page, address: str, store: Store
) -> None:
    launch_and_leave(page, address).continue_()
    expect(page.get_by_text("“Left behind” was launched.")).to_be_visible()
    expect(page).to_have_url(re.compile("/compare$"))
    assert only_run(store)["name"] == "Left behind"


def test_a_launch_that_is_refused_after_the_form_was_left_is_told_and_nothing_typed_is_lost(
    page: Page, address: str
) -> None:
    refusal = [{"field": "training.epochs", "message": "must be at least 1"}]
    launch_and_leave(page, address).fulfill(status=422, json={"detail": refusal})
    expect(page.get_by_text("The run was not launched. training.epochs: must be at least 1")).to_be_visible()
    page.unroute("**/api/v1/runs")
    page.go_back()
    expect(page.get_by_label("Name")).to_have_value("Left behind")
    expect(control(page, "training.epochs")).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
