"""What a run's page tells besides its pictures: published figures, the machine, warnings, forks."""

import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from contract.config import NEqConfig, RunConfig
from contract.events import EpochFinished, Event, Logged, NEqMemory, Precision, Resources
from contract.presets import PRESETS
from db import Checkpoint, EventRecord, NewRun, RetainedCheckpoints, Store
from tests.server.recording import Recording

MB = 10**6
RECIPE = next(preset for preset in PRESETS if preset.name == "paper-resnet32-sgd")


class Measured(Recording):
    """A run that tells what each epoch cost: 100 MB more than the one before, 2 Wh and 1 g; and where it can go on."""

    def _append(self, event: Event, **given: object) -> int:
        if isinstance(event, EpochFinished):
            resources = Resources(
                peak_memory_bytes=(500 + 100 * event.epoch) * MB,
                peak_device_memory_bytes=2048 * MB,
                epoch_peak_device_memory_bytes=(2048 - 50 * event.epoch) * MB,
                step_peak_device_memory_bytes=(1900 - 400 * event.epoch) * MB,
                device_use=0.873,
                device_watts=301.4,
                energy_kwh=0.002,
                co2_kg=0.001,
                neq_memory=NEqMemory(
                    device="cuda:0",
                    former=44 * MB,
                    optimizer_rows=30 * MB,
                    held=20 * MB,
                    outputs=0,
                    outputs_on_host=False,
                    measuring=512 * MB,
                    at_most=132 * MB,
                ),
            )
            file = Checkpoint(event.epoch, f"{self.id}/epoch-{event.epoch:06}-0123456789abcdef.pt", 10)
            precision = Precision(training="bf16", evaluation="bf16", phi="float32")
            told = {"resources": resources, "samples_per_second": 1234.0, "precision": precision}
            event = event.model_copy(update=told)
            given["kept"] = RetainedCheckpoints("checkpoint_store", (file,))
        return super()._append(event, **given)  # type: ignore[arg-type]


def warn(recording: Recording, text: str) -> None:
    payload = Logged(level="warning", text=text).model_dump(mode="json")
    recording.store.append(
        recording.id, recording.worker.id, EventRecord(kind="logged", payload=payload, at=datetime.now(UTC))
    )


def test_a_run_stands_beside_the_figures_published_of_its_recipe(page: Page, address: str, store: Store) -> None:
    changed = RECIPE.config["data"] | {"train_samples": 1000}
    recording = Recording(store, **(RECIPE.config | {"data": changed, "name": "ours"}), epochs=25)
    recording.start()
    recording.epoch()
    page.goto(f"{address}/runs/{recording.id}")
    rows = page.locator(".published-table tbody tr")
    expect(rows).to_have_text(
        [
            "Published: no freezing92.85 ± 0.23 %0.0 %138.9 M",
            "Published: NEq92.96 ± 0.21 %98.0 %84.81 M",
            "Published: random neurons, same number92.23 ± 0.18 %–86.00 M",
            "This run after 1 of 25 epochs25.00 %0.0 %–",
        ]
    )
    words = page.locator("[data-part=published-words]")
    expect(words).to_contain_text("This run differs from the recipe: Data, Training images: 1000 (–).")
    expect(words).to_contain_text("arXiv 2207.09455")
    recording.epoch()
    expect(rows.last).to_contain_text("This run after 2 of 25 epochs")


def test_the_config_card_calls_settings_as_the_form_does(page: Page, address: str, store: Store) -> None:
    config = RunConfig(neq=NEqConfig(pinning=True)).model_dump(mode="json")
    config["neq"]["of_a_later_version"] = 3
    run = store.create_run(name="mine", config=config, epochs_planned=3)
    page.goto(f"{address}/runs/{run.id}")
    card = page.locator("[data-part=config]")
    for title, words in {
        "Never thaw": "yes",
        "Skip frozen gradients": "yes",
        "Probe set · Probe images": "200",
        "of a later version": "3",
    }.items():
        expect(card.locator(f"dt:text-is('{title}') + dd")).to_have_text(words)
    expect(card.locator("dt:text-is('Never thaw')")).to_have_attribute("title", "neq.pinning")


def test_a_run_tells_what_it_asked_of_the_machine_and_what_came_of_it(page: Page, address: str, store: Store) -> None:
    recording = Measured(store, epochs=30)
    recording.start()
    for _ in range(3):
        recording.epoch()
    fork = store.fork(
        recording.id, 2, NewRun(config=recording.run.config, epochs_planned=40, name="its fork"), words="Forked."
    )
    page.goto(f"{address}/runs/{recording.id}?epoch=1")
    machine = page.locator("[data-part=machine]")
    for words in ("1,234 samples/s", "600 MB", "2,048 MB", "87.3 %", "301 W", "4.00 Wh", "2.00 g"):
        expect(machine).to_contain_text(words)
    for words in (
        "Peak memory of the process so far",
        "Peak GPU memory in epoch 1",
        "1,998 MB",
        "Peak GPU memory of training steps",
        "1,500 MB; median of 2 epochs 1,700 MB (1,500 MB to 1,900 MB)",
    ):
        expect(machine).to_contain_text(words)
    page.locator("[data-part=cursor-newest]").click()
    expect(machine).to_contain_text("6.00 Wh")
    expect(machine).to_contain_text("bf16, including evaluation; φ float32")
    kept = machine.get_by_text("Memory used by NEq")
    expect(machine).to_contain_text("94 MB, at most 132 MB")
    # A term with another role is no term to who hears the page.
    assert machine.locator("dl > *").evaluate_all("all => all.every((each) => !each.hasAttribute('role'))")
    kept.focus()
    explained = page.locator(".tooltip-help")
    for words in ("on the GPU (cuda:0)", "network of one epoch earlier", "(44 MB)", "512 MB more for a moment"):
        expect(explained).to_contain_text(words)
    expect(page.locator("[data-part=published-card]")).to_be_hidden()
    expect(page.locator("[data-part=notice]")).to_be_hidden()
    page.get_by_role("link", name=f"run {fork.id} after epoch 2").click()
    page.wait_for_url(f"**/runs/{fork.id}")
    expect(page.locator("[data-part=facts]")).to_contain_text(f"forked from run {recording.id} after epoch 2")


def test_what_a_run_warns_of_stands_above_its_numbers(page: Page, address: str, store: Store) -> None:
    recording = Recording(store, epochs=30)
    recording.start()
    page.goto(f"{address}/runs/{recording.id}")
    expect(page.locator("[data-part=machine]")).to_contain_text("The first column appears when epoch 0 ends.")
    warn(recording, "Nothing will freeze: neq.epsilon is 0, and no |v| is below it.")
    recording.epoch()
    expect(page.locator("[data-part=notice] h2")).to_have_text(
        "Nothing will freeze: neq.epsilon is 0, and no |v| is below it."
    )
    expect(page.locator("[data-part=machine]")).to_contain_text("not measured")


def tick_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Lets the page's clock run on by seconds; answers of the server take their own time."""
    for _ in range(60):
        page.clock.run_for(1_000)
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def test_a_run_that_falls_silent_says_so_and_names_a_full_disk(
    page: Page, address: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(store, epochs=30)
    recording.start()
    recording.epoch()
    page.clock.install()
    page.goto(f"{address}/runs/{recording.id}")
    notice = page.locator("[data-part=notice]")
    expect(page.locator("[data-part=machine]")).to_contain_text("not measured")
    expect(notice).to_be_hidden()
    store.forget_worker(recording.worker.id)
    # The heartbeat is the run's own, by the server's clock, which no page can turn.
    while page.request.get(f"{address}/api/v1/runs/{recording.id}").json()["heard_seconds_ago"] < 10:
        time.sleep(0.2)
    page.clock.run_for(16_000)
    expect(notice).to_contain_text(re.compile(r"No heartbeat for \d"))
    full = shutil.disk_usage("/")._replace(free=300_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    tick_until(page, lambda: "The store's disk is full: 0.3 MB are left. Free space there." in notice.inner_text())
    expect(notice).to_contain_text("The run waits for the store and then continues automatically.")
    recording.epoch()
    tick_until(page, notice.is_hidden)
