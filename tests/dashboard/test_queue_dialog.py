"""The queue on the page of runs: seen, and put into another order by mouse and by keyboard."""

import re

from playwright.sync_api import Locator, Page, expect

from db import Store
from tests.dashboard.test_runs_table import make, open_table
from tests.trainer.worker.conftest import eventually


def line(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name="Queue").get_by_role("listitem").filter(has_text=name)


def drag(page: Page, name: str, onto: str, *, drop: bool = True) -> None:
    """Drags a run by its handle to the upper edge of another's line; without a drop Escape gives it up there."""
    line(page, name).locator(".queue-handle").hover()
    page.mouse.down()
    target = line(page, onto).bounding_box()
    assert target is not None
    page.mouse.move(target["x"] + 12, target["y"] + 4, steps=4)
    expect(line(page, onto)).to_have_class(re.compile("queue-drop-before"))
    if not drop:
        page.keyboard.press("Escape")
        expect(line(page, onto)).not_to_have_class(re.compile("queue-drop-before"))
    page.mouse.up()


def test_the_queue_is_put_in_order_by_mouse_and_keyboard(page: Page, address: str, store: Store) -> None:
    ids = {name: make(store, name).id for name in ("alpha", "beta", "gamma")}

    def ordered(*names: str) -> None:
        expect(page.locator(".queue-called")).to_have_text(list(names))
        assert store.queue(held=True) == [ids[name] for name in names]

    open_table(page, address)
    button = page.get_by_role("button", name=re.compile("^Queue 3$"))
    button.press("Enter")
    expect(line(page, "alpha")).to_contain_text("unknown")
    expect(page.get_by_role("dialog")).to_contain_text("No worker is online")
    page.get_by_role("button", name="Move down: alpha").press("Enter")
    page.get_by_role("button", name="Move down: alpha").press("Enter")
    ordered("beta", "gamma", "alpha")
    expect(page.get_by_role("button", name="Move down: alpha")).to_be_focused()
    drag(page, "alpha", "gamma", drop=False)
    ordered("beta", "gamma", "alpha")
    drag(page, "alpha", "gamma")
    ordered("beta", "alpha", "gamma")

    page.get_by_role("spinbutton", name="Priority of gamma").fill("7")
    page.keyboard.press("Enter")
    ordered("gamma", "beta", "alpha")
    priority = page.get_by_role("spinbutton", name="Priority of beta")
    priority.fill("11")
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert").filter(has_text="A priority is")).to_be_visible()
    expect(priority).to_have_value("0")

    page.get_by_role("button", name="Hold: beta").click()
    expect(line(page, "beta")).to_contain_text("held")
    assert store.queue() == [ids["gamma"], ids["alpha"]]
    page.reload()  # the address keeps it open
    page.get_by_role("button", name="Release: beta").click()
    eventually(lambda: page.wait_for_timeout(20) or len(store.queue()) == 3)

    # What happens elsewhere is seen.
    store.request_stop(ids["gamma"])
    expect(line(page, "gamma")).to_have_count(0)
    for name in ("alpha", "beta"):
        store.request_stop(ids[name])
    expect(page.get_by_role("dialog")).to_contain_text("No run is waiting")
    page.get_by_role("button", name="Done").click()
    expect(page).not_to_have_url(re.compile("queue="))
    expect(page.get_by_role("button", name=re.compile("^Queue$"))).to_be_visible()
