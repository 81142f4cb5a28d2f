"""Launching a run from the form, in a real browser against the real API and store."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from contract.config import RunConfig
from db import Store
from tests.trainer.worker.conftest import eventually


def open_form(page: Page, address: str, query: str = "") -> None:
    page.goto(f"{address}/new{query}")
    expect(page.locator("#form-summary dl").first).to_be_visible()


def control(page: Page, path: str, kind: str = "value") -> Locator:
    """The input at a path of the form."""
    name = json.dumps({"form": kind, "path": path}, separators=(",", ":"))
    return page.locator(f"[id='{name}']")


def choose(page: Page, path: str, option: str) -> None:
    control(page, path).click()
    page.get_by_role("option", name=option, exact=True).click()


def refusals(address: str, config: dict[str, Any]) -> dict[str, str]:
    """What the server says of a configuration, by field."""
    answer = httpx.post(f"{address}/api/v1/runs", json=config)
    assert answer.status_code == 422
    return {error["field"]: error["message"] for error in answer.json()["detail"]}


def only_run(store: Store) -> dict[str, Any]:
    runs = store.runs().items
    assert len(runs) == 1
    return runs[0].config


def test_a_run_is_launched_from_the_form_and_its_page_opens(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    page.get_by_label("Name").fill("From the form")
    choose(page, "data.kind", "Synthetic patterns")
    control(page, "data.synthetic.size").fill("12")
    control(page, "neq.epsilon").fill("2e-3")
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    expect(page).to_have_title(re.compile("From the form"))
    config = only_run(store)
    assert config["data"]["kind"] == "synthetic"
    assert config["data"]["size"] == 12
    assert config["neq"]["epsilon"] == 0.002


def test_one_of_many_networks_is_found_by_a_part_of_its_name(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    choose(page, "model.kind", "torchvision, classification")
    network = control(page, "model.torchvision.name")
    network.click()
    network.fill("swin")
    offered = page.get_by_role("option").filter(visible=True)
    expect(offered).to_have_text(["swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"])
    page.reload()  # what was searched for is no value
    expect(network).to_have_value("resnet18")
    network.click()
    network.fill("swin_b")
    page.get_by_role("option", name="swin_b", exact=True).click()
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    assert only_run(store)["model"] == {"kind": "torchvision", "name": "swin_b", "weights": "none", "input_size": None}


def test_however_often_it_is_clicked_one_run_is_launched(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    held: list[Route] = []
    page.route("**/api/v1/runs", lambda route: held.append(route))
    press = "() => { const launch = document.getElementById('form-launch'); launch.click(); }"
    page.evaluate(press)
    expect(page.locator("#form-launch")).to_have_attribute("data-loading", "true")
    page.evaluate(press)
    page.get_by_label("Name").press("Enter")
    eventually(lambda: held)  # it is looked over first
    page.wait_for_timeout(300)
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_url("**/runs/*")
    only_run(store)


def test_a_wrong_value_is_marked_at_its_field_and_nothing_typed_is_lost(page: Page, address: str, store: Store) -> None:
    said = refusals(address, {"optimizer": {"kind": "sgd", "learning_rate": -1}})["optimizer.learning_rate"]
    open_form(page, address)
    page.get_by_label("Name").fill("RetainedCheckpoints")
    rate, samples = control(page, "optimizer.sgd.learning_rate"), control(page, "neq.probe.split.samples")
    rate.fill("-1")
    samples.fill("9000")
    samples.press("Enter")
    expect(page.get_by_text(said)).to_be_visible()
    expect(rate).to_be_focused()
    expect(rate).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("RetainedCheckpoints")
    expect(samples).to_have_value("9000")
    assert store.runs().items == []

    rate.fill("0.05")
    expect(page.get_by_text(said)).to_be_hidden()
    rate.press("Enter")
    expect(page.get_by_text("leave too few to train on")).to_be_visible()
    expect(samples).to_be_focused()
    samples.fill("50")
    samples.press("Enter")
    page.wait_for_url("**/runs/*")
    assert only_run(store)["optimizer"]["learning_rate"] == 0.05


def test_what_is_typed_survives_a_reload_and_a_change_of_variant(page: Page, address: str) -> None:
    open_form(page, address)
    control(page, "optimizer.sgd.momentum").fill("0.77")
    choose(page, "optimizer.kind", "AdamW")
    expect(control(page, "optimizer.sgd.momentum")).to_be_hidden()
    control(page, "optimizer.adamw.beta1").fill("0.8")
    page.reload()
    expect(control(page, "optimizer.kind")).to_have_value("AdamW")
    expect(control(page, "optimizer.adamw.beta1")).to_have_value("0.8")
    choose(page, "optimizer.kind", "SGD")
    expect(control(page, "optimizer.sgd.momentum")).to_have_value("0.77")


def test_without_the_server_it_says_so_and_keeps_everything(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    page.get_by_label("Name").fill("Patient")
    page.context.set_offline(True)
    page.get_by_role("button", name="Launch run").click()
    expect(page.get_by_role("alert").get_by_text("The server cannot be reached")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Patient")
    page.context.set_offline(False)
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    assert only_run(store)["name"] == "Patient"


@pytest.mark.parametrize("answer", [None, 504], ids=["none", "a proxy's"])
def test_where_no_answer_came_it_does_not_say_that_nothing_was_launched(
    page: Page, address: str, store: Store, answer: int | None
) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        if answer is None:
            route.abort()
        else:
            route.fulfill(status=answer, body="<h1>Gateway Time-out</h1>")

    open_form(page, address)
    page.get_by_label("Name").fill("Maybe")
    page.route("**/api/v1/runs", lose)
    page.get_by_role("button", name="Launch run").click()
    alert = page.locator("#form-alert")
    expect(alert).to_contain_text("It is not known whether the run was launched: look at the table of runs")
    expect(alert).not_to_contain_text("othing was launched")
    expect(page.get_by_label("Name")).to_have_value("Maybe")
    assert only_run(store)["name"] == "Maybe"


def test_where_storage_is_forbidden_the_launched_run_s_page_opens(page: Page, address: str, store: Store) -> None:
    page.add_init_script("Storage.prototype.removeItem = () => { throw new DOMException('no', 'SecurityError'); }")
    open_form(page, address)
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    only_run(store)


def test_a_preset_fills_the_form_and_can_be_taken_back(page: Page, address: str) -> None:
    open_form(page, address)
    page.get_by_label("Name").fill("Mine")
    control(page, "training.epochs").fill("3")
    page.get_by_role("button", name=re.compile("ResNet-32 on CIFAR-10")).first.click()
    expect(control(page, "model.kind")).to_have_value("ResNet for small images")
    expect(control(page, "training.epochs")).to_have_value("250")
    page.get_by_role("button", name="Undo").click()
    expect(control(page, "training.epochs")).to_have_value("3")
    expect(page.get_by_label("Name")).to_have_value("Mine")


def test_a_clone_takes_over_every_setting_and_has_a_name_of_its_own(page: Page, address: str, store: Store) -> None:
    config = RunConfig.model_validate(
        {"name": "First", "tags": ["a", "b"], "model": {"kind": "mlp", "hidden": [9, 8]}, "neq": {"mu": 0.25}}
    )
    first = store.create_run(name="First", config=config.model_dump(mode="json"), epochs_planned=24)
    open_form(page, address, f"?from={first.id}")
    expect(page).to_have_title("Clone First · NEq")
    expect(page.locator("#form-summary h3")).to_have_text("Same as First")
    control(page, "training.epochs").fill("7")
    expect(page.locator("#form-summary")).to_contain_text("Changed from FirstEpochs7 epochs instead of 40 epochs")
    control(page, "training.epochs").fill("40")
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*")
    again = next(run for run in store.runs().items if run.id != first.id)
    assert RunConfig.model_validate(again.config) == config.model_copy(update={"name": "First · clone"})


def test_a_pasted_description_fills_the_form_and_what_is_wrong_with_it_is_said(page: Page, address: str) -> None:
    open_form(page, address)
    page.get_by_text("Paste JSON").click()
    room, use = page.get_by_label("Run config as JSON"), page.get_by_role("button", name="Fill in the form")
    problem = page.locator("#form-paste-problem")
    room.fill('{"training": {"epochs": 3,}}')
    use.click()
    expect(problem).to_contain_text("This is not valid JSON")
    room.fill('{"optimizer": {"kind": "adam", "learning_rat": 0.5}}')
    use.click()
    expect(problem).to_contain_text(
        "optimizer.learning_rat is not a config field. Did you mean optimizer.learning_rate?"
    )
    room.fill('{"name": "pasted", "optimizer": {"kind": "adam"}, "training": {"epochs": -3}}')
    use.click()
    expect(page.get_by_label("Name")).to_have_value("pasted")
    expect(control(page, "optimizer.kind")).to_have_value("Adam")
    expect(control(page, "training.epochs")).to_have_value("-3")
    expect(problem).to_be_empty()
    page.get_by_role("button", name="Launch run").click()
    expect(page.locator(".mantine-InputWrapper-error")).to_contain_text("Must be at least 1")


@pytest.mark.parametrize("path", ["/runs/nosuchrun1", "/nothing", "/new?from=nosuchrun1"])
def test_what_is_not_there_is_said_with_a_way_on(page: Page, address: str, path: str) -> None:
    page.goto(address + path)
    expect(page.get_by_role("heading", name=re.compile("not found"))).to_be_visible()
    page.get_by_role("link", name="All runs").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


def test_every_input_has_a_name_that_is_read_aloud(page: Page, address: str) -> None:
    open_form(page, address)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("#run-form input, #run-form textarea, #run-form button")]
            .filter((each) => each.type !== "hidden" && !each.labels?.length && !each.getAttribute("aria-label")
                && !each.textContent.trim()).map((each) => each.outerHTML)"""
    )
    assert nameless == []
