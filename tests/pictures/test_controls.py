"""Controls on a run's page: launched beside it, and listed with what came of them."""

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording


@pytest.fixture
def finished(store: Store) -> Recording:
    """A run of four epochs that is over."""
    recording = Recording(store, epochs=4, schedule={"kind": "constant"})
    recording.start()
    for _ in range(4):
        recording.epoch()
    recording.finish()
    return recording


def test_a_saving_without_controls_says_so_and_they_are_launched_from_there(
    page: Page, store: Store, address: str, finished: Recording
) -> None:
    page.goto(f"{address}/runs/{finished.id}")
    controls = page.locator("[data-part=controls]")
    expect(controls).to_contain_text("No control was run beside this run")
    controls.get_by_role("button", name="Launch controls").click()
    dialog = page.get_by_role("dialog")
    launch = dialog.get_by_role("button", name="Launch", exact=True)
    for box in dialog.get_by_role("checkbox").all():
        box.uncheck()
    expect(launch).to_be_disabled()
    for name in ("Dense:", "Replayed masks"):
        dialog.get_by_label(name).check()
    launch.click()
    rows = controls.locator("tbody tr")
    expect(rows).to_have_count(3)
    assert [row.inner_text() for row in rows.locator("th").all()] == ["This run", "dense", "replayed masks"]
    expect(rows.nth(1)).to_contain_text("queued")
    kinds = [store.run(run).config["neq"]["select"] for run in store.queue()]
    assert kinds == [{"kind": "none"}, {"kind": "replay", "run": finished.id}]


def test_they_are_launched_by_keyboard_alone_and_what_cannot_be_is_told(
    page: Page, store: Store, address: str, live_run: Recording
) -> None:
    """A run that still trains has no masks to replay, and nobody knows for how long it will train."""
    page.goto(f"{address}/runs/{live_run.id}")
    page.locator("[data-part=controls] button").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Launch", exact=True).focus()
    page.keyboard.press("Enter")
    expect(
        page.get_by_text("Replayed masks: Its masks can be replayed once all its epochs are trained.")
    ).to_be_visible()
    expect(page.get_by_text("3 controls were launched.")).to_be_visible()
    assert len(store.queue()) == 3


def test_a_control_names_the_run_that_it_is_one_of(page: Page, store: Store, address: str, finished: Recording) -> None:
    control = Recording(store, tags=[f"control:{finished.id}"])
    store.describe_run(control.id, name="recorded · dense", tags=[f"control:{finished.id}"])
    control.start()
    control.epoch()
    page.goto(f"{address}/runs/{control.id}")
    link = page.locator("[data-part=controls]").get_by_role("link", name="another run")
    expect(link).to_have_attribute("href", f"/runs/{finished.id}")
    page.goto(f"{address}/runs/{finished.id}")
    row = page.locator("[data-part=controls] tbody tr").nth(1)
    accuracy = 100 * (store.run(control.id).test_accuracy - store.run(finished.id).test_accuracy)  # type: ignore[operator]
    sign = "±" if abs(accuracy) < 0.05 else "+" if accuracy > 0 else "−"
    expect(row.locator("td").nth(2)).to_have_text(f"{sign}{abs(accuracy):.1f}")
