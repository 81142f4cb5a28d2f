"""The form says what is known of a run while it is typed, and asks once before it launches what is doubtful."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.dashboard.test_launching import choose, control, only_run, open_form
from tests.server.checking import has_worker
from tests.server.test_going_on import Keeping
from tests.trainer.worker.conftest import eventually

COLOUR = "element => getComputedStyle(element).color"


def warning(page: Page, path: str) -> Any:
    return page.locator(f'[id=\'{{"form":"warning","path":"{path}"}}\']')


def answer_the_next(store: Store, worker: str, state: Any, **said: Any) -> None:
    """Answers the check that the form asks for next."""
    check = eventually(lambda: store.claim_check(worker))
    facts = {
        "errors": [],
        "reason": None,
        "seconds": 0.9,
        "peak_memory_bytes": 4e8,
        "neq_memory_bytes": 3e6,
        "parameters": 88_000,
        "neurons": 306,
    }
    store.answer_check(check.id, worker, state, facts | said)


def test_what_is_known_to_fail_is_said_at_its_field_while_it_is_typed(page: Page, address: str, store: Store) -> None:
    has_worker(store)
    open_form(page, address)
    choose(page, "model.kind", "torchvision, classification")
    network = control(page, "model.torchvision.name")
    network.click()
    network.fill("inception")
    page.get_by_role("option", name="inception_v3", exact=True).click()
    expect(network).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".mantine-InputWrapper-error")).to_contain_text("needs at least 75 × 75 px")
    expect(page.locator("#form-check")).to_have_text("The run cannot be launched with these settings:")
    page.get_by_role("button", name="Launch run").click()
    expect(page.locator(".mantine-InputWrapper-error")).to_contain_text("set model.input_size to 299")
    assert store.runs().items == []
    control(page, "model.torchvision.input_size").fill("299")
    expect(page.locator(".mantine-InputWrapper-error")).to_have_count(0)


def test_a_number_that_is_written_otherwise_is_explained(page: Page, address: str) -> None:
    open_form(page, address)
    control(page, "optimizer.sgd.learning_rate").fill("0,05")
    expect(page.locator(".mantine-InputWrapper-error")).to_have_text("Use a point: 0.05")
    control(page, "optimizer.sgd.learning_rate").fill("0.05")
    expect(page.locator(".mantine-InputWrapper-error")).to_have_count(0)
    control(page, "training.epochs").fill("1_0")
    expect(page.locator(".mantine-InputWrapper-error")).to_have_text("Write it without separators: 10")


def test_what_is_doubtful_stands_below_its_input_and_is_asked_once(page: Page, address: str, store: Store) -> None:
    has_worker(store, nodes=[{"id": "1", "name": "node", "cpus": 4, "free_cpus": 4}])
    open_form(page, address)
    control(page, "training.batch_size").fill("60000")
    expect(page.locator("#form-check")).to_have_text("Fits now on 1 of 1 node.")
    expect(warning(page, "training.batch_size")).to_contain_text("All 5,800 training images are a single batch")
    page.get_by_role("button", name="Launch run").click()
    anyway = page.get_by_role("button", name="Launch anyway")
    expect(anyway).to_be_focused()
    expect(page.locator("#form-alert")).to_contain_text("Batch size All 5,800 training images are a single batch")
    assert store.runs().items == []
    anyway.press("Enter")
    page.wait_for_url("**/runs/*")
    assert only_run(store)["training"]["batch_size"] == 60_000
    expect(page.locator(".run-notice")).to_contain_text("Fits now on 1 of 1 node.")


def test_a_run_about_which_there_is_nothing_to_say_is_launched_at_once(page: Page, address: str, store: Store) -> None:
    has_worker(store)
    open_form(page, address)
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    only_run(store)


def test_the_dry_pass_of_a_worker_is_shown_when_it_is_there(page: Page, address: str, store: Store) -> None:
    worker = has_worker(store)
    open_form(page, address)
    expect(page.locator("#form-check")).to_have_text("Checking: a worker is training one small batch …")
    answer_the_next(store, worker, "ok")
    expect(page.locator("#form-check")).to_have_text(
        "Check passed: one small batch was trained on w in 0.9 s. 306 neurons watched, 88,000 parameters, "
        "0.4 GB of memory with 4 images, at most 3.00 MB for NEq."
    )


def test_what_a_dry_pass_finds_is_shown_at_its_field_and_asked_about(page: Page, address: str, store: Store) -> None:
    worker = has_worker(store)
    open_form(page, address)
    answer_the_next(store, worker, "ok")
    page.locator(".form-more", has=control(page, "neq.layers.only")).locator("summary").first.click()
    control(page, "neq.layers.only").fill("nosuch*")
    control(page, "neq.layers.only").press("Enter")
    answer_the_next(
        store, worker, "failed", errors=[{"field": "neq.layers.only", "message": "No layer is called nosuch*."}]
    )
    expect(page.locator("#form-check")).to_have_text("The check failed, and the run would fail too:")
    expect(page.locator(".mantine-InputWrapper-error")).to_have_text("No layer is called nosuch*.")
    page.get_by_role("button", name="Launch run").click()
    expect(page.get_by_role("button", name="Launch anyway")).to_be_visible()
    assert store.runs().items == []


def test_a_preset_that_cannot_run_here_says_why_and_can_be_filled_in(page: Page, address: str, store: Store) -> None:
    has_worker(store)
    open_form(page, address)
    paper = page.get_by_role("button", name=re.compile("ResNet-32 on CIFAR-10, SGD"))
    expect(paper).to_contain_text("Cannot run here: CIFAR-10 is not in the worker's data folder")
    expect(paper).to_have_class(re.compile("preset-unable"))
    expect(page.get_by_role("button", name=re.compile("^Quick look"))).not_to_contain_text("Cannot run here")
    paper.click()
    expect(control(page, "data.kind")).to_have_value("CIFAR-10")
    expect(page.locator(".mantine-InputWrapper-error").first).to_contain_text("CIFAR-10 is not in the worker's data")


@pytest.mark.parametrize("path", ["/new", "/"])
def test_presets_that_cannot_run_here_stand_grey_below_the_others_with_the_reason(
    page: Page, address: str, store: Store, path: str
) -> None:
    has_worker(store)
    page.goto(address + path)
    rows = page.locator(".presets-row")
    expect(rows).to_have_count(2)
    able, unable = rows.nth(0).locator(".preset"), rows.nth(1).locator(".preset-unable")
    expect(able.filter(has_text="Quick look")).to_be_visible()
    assert not able.filter(has_text="Cannot run here").count()
    assert unable.count() == unable.filter(has_text="Cannot run here").count() >= 5
    paper = unable.filter(has_text="ResNet-32 on CIFAR-10, SGD")
    expect(paper).to_contain_text("Cannot run here: CIFAR-10 is not in the worker's data folder")
    expect(paper).to_have_css("border-style", "dashed")
    assert paper.locator(".preset-title").evaluate(COLOUR) != able.first.locator(".preset-title").evaluate(COLOUR)
    heights = able.evaluate_all("cards => cards.map((card) => card.offsetHeight)")
    assert max(heights) < max(unable.evaluate_all("cards => cards.map((card) => card.offsetHeight)"))


def test_without_a_worker_it_says_that_the_run_queues(page: Page, address: str, store: Store) -> None:
    open_form(page, address, "?preset=paper-resnet32-sgd")
    expect(page.locator("#form-workers")).to_contain_text("No worker is running: the run will wait in the queue")
    expect(page.locator(".preset-unable")).to_have_count(0)
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    expect(page.locator("[data-part=notice]")).to_contain_text("No worker is running")


def trained(store: Store, epochs: int) -> Keeping:
    keeping = Keeping(store, epochs=epochs)
    keeping.start()
    for _ in range(epochs):
        keeping.epoch()
    keeping.finish()
    return keeping


def test_a_fork_of_a_finished_run_can_be_launched_as_it_is_offered(page: Page, address: str, store: Store) -> None:
    parent = trained(store, 4)
    refused = httpx.post(f"{address}/api/v1/runs/{parent.id}/fork", json={})
    assert refused.status_code == 422  # as many epochs as are trained already
    open_form(page, address, f"?fork={parent.id}")
    expect(control(page, "training.epochs")).to_have_value("6")
    page.get_by_role("button", name="Launch run").click()
    anyway = page.get_by_role("button", name="Launch anyway")
    expect(anyway.or_(page.locator("#run-head"))).to_be_visible()
    if anyway.is_visible():
        anyway.click()
    page.wait_for_url("**/runs/*")
    (fork,) = [run for run in store.runs().items if run.parent_id == parent.id]
    assert (fork.parent_epoch, fork.epochs_planned) == (3, 6)


def test_a_fork_with_nothing_changed_is_asked_about(page: Page, address: str, store: Store) -> None:
    keeping = Keeping(store)
    keeping.start()
    for _ in range(4):
        keeping.epoch()
    open_form(page, address, f"?fork={keeping.id}")
    page.get_by_role("button", name="Launch run").click()
    expect(page.locator("#form-alert")).to_contain_text(
        "would repeat the other run from epoch 4 on: change neq.epsilon"
    )
    page.get_by_role("button", name="Launch anyway").click()
    page.wait_for_url("**/runs/*")
    assert [run.parent_id for run in store.runs().items].count(keeping.id) == 1
