"""The mirror: TensorBoard's own reader finds what the training saw; what goes wrong with it is only a warning."""

import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import neq
from neq import Equilibrium, NEqRecordingWarning
from neq.recording import tensorboard
from tests.neq.recording.stub_server import Store

pytestmark = pytest.mark.slow

EPOCHS = 4


def train(run: neq.Run, name: str | None = None, epochs: int = EPOCHS) -> list[Equilibrium]:
    """A small training whose metrics are its epochs' numbers."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    found = []
    with run.watch(model, optimizer, [torch.randn(16, 6)], name=name, epsilon=0.05) as watch:
        for epoch in range(epochs):
            loss = model(torch.randn(32, 6)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train": {"loss": loss}}, step=10 * epoch, epoch=epoch)
            found.append(watch.end_epoch(accuracy=0.25 * epoch))
    return found


def read(folder: Path) -> EventAccumulator:
    """The only run in a folder, as TensorBoard reads it."""
    (run,) = folder.iterdir()
    events = EventAccumulator(str(run), size_guidance={"histograms": 0, "scalars": 0})
    return events.Reload()


def scalars(events: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(name)]


def assert_histogram(event: Any, values: torch.Tensor) -> None:
    """TensorBoard keeps counts by bin, and of the values these five."""
    exact, kept = values.double().numpy(), event.histogram_value
    assert (kept.min, kept.max, kept.num) == (exact.min(), exact.max(), exact.size)
    assert (kept.sum, kept.sum_squares) == pytest.approx((exact.sum(), (exact**2).sum()))
    assert sum(kept.bucket) == exact.size


@pytest.mark.usefixtures("nowhere")
def test_what_is_logged_and_what_the_neurons_did_is_mirrored(tmp_path: Path) -> None:
    with neq.init("my vit/2", mode="offline", tensorboard=tmp_path / "mirror") as run:
        seen = train(run)
    events = read(tmp_path / "mirror")
    assert [path.name for path in (tmp_path / "mirror").iterdir()] == [f"my-vit-2-{run.id}"]
    assert scalars(events, "accuracy") == [(10 * epoch + 1, 0.25 * epoch) for epoch in range(EPOCHS)]
    assert [step for step, _ in scalars(events, "train/loss")] == [0, 10, 20, 30]
    assert scalars(events, "lr") == [(epoch, 0.25) for epoch in range(EPOCHS)]
    frozen = [(one.epoch, pytest.approx(100 * one.applied_fraction)) for one in seen]
    assert scalars(events, "frozen_neurons_perc/total") == frozen
    assert any(value > 0 for _, value in scalars(events, "frozen_neurons_perc/total"))
    for name in seen[0].layers:
        layers = [one.layers[name] for one in seen]
        shares = [
            (epoch, pytest.approx(100 * float(layer.applied.float().mean()))) for epoch, layer in enumerate(layers)
        ]
        assert scalars(events, f"frozen_neurons_perc/layer/{name}") == shares
        for event, layer in zip(events.Histograms(f"deltas/phi/{name}"), layers, strict=True):
            assert_histogram(event, layer.divergence)
        for event, layer in zip(events.Histograms(f"deltas/velocity/{name}"), layers[1:], strict=True):
            assert_histogram(event, layer.velocity)
        for event, layer in zip(events.Histograms(f"deltas/d_phi/{name}"), layers[1:], strict=True):
            assert np.isclose(event.histogram_value.sum, layer.delta_phi.double().sum(), atol=1e-5)
        assert [event.step for event in events.Histograms(f"deltas/phi/{name}")] == list(range(EPOCHS))


@pytest.mark.usefixtures("nowhere")
def test_the_environment_asks_for_a_mirror_and_a_watch_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEQ_TENSORBOARD", str(tmp_path / "mirror"))
    with neq.init(mode="offline") as run:
        train(run, name="G", epochs=2)
    tags = read(tmp_path / "mirror").Tags()
    assert {"deltas/phi/G/0", "deltas/velocity/G/2"} <= set(tags["histograms"])
    assert {"G/accuracy", "train/loss", "frozen_neurons_perc/layer/G/2"} <= set(tags["scalars"])


@pytest.mark.usefixtures("server")
def test_a_run_that_is_taken_up_again_goes_on_in_its_folder(tmp_path: Path) -> None:
    with neq.init("mine", tensorboard=tmp_path / "mirror") as run:
        train(run, epochs=2)
    with neq.init(resume=run.id, tensorboard=tmp_path / "mirror") as again:
        train(again, epochs=4)  # from the start: two of its epochs stand recorded
    events = read(tmp_path / "mirror")
    assert [event.step for event in events.Histograms("deltas/phi/2")] == [0, 1, 2, 3]
    assert [step for step, _ in scalars(events, "frozen_neurons_perc/layer/0")] == [0, 1, 2, 3]


@pytest.mark.usefixtures("nowhere")
def test_a_disabled_run_has_no_mirror(tmp_path: Path) -> None:
    with neq.init(mode="disabled", tensorboard=tmp_path / "mirror") as run:
        train(run, epochs=1)
    assert not (tmp_path / "mirror").exists()


@pytest.mark.usefixtures("server")
def test_a_missing_package_is_a_warning_with_the_extras_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("tensorboard", "tensorboard.compat"):
        monkeypatch.setitem(sys.modules, name, None)
    told = recorded_with_a_warning(tmp_path / "mirror")
    assert "pip install 'neq[tensorboard]'" in told
    assert len(store.run.events("epoch_finished")) == EPOCHS


@pytest.mark.usefixtures("server")
def test_a_folder_that_cannot_be_written_is_a_warning(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mirror").write_text("a file")
    assert "TensorBoard gets nothing more of this run" in recorded_with_a_warning(tmp_path / "mirror")
    assert len(store.run.events("epoch_finished")) == EPOCHS
    assert store.run.state == "run_finished"


def recorded_with_a_warning(folder: Path) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with neq.init("mine", tensorboard=folder) as run:
            train(run)
    (told,) = [str(one.message) for one in caught if one.category is NEqRecordingWarning]
    return told


@pytest.mark.usefixtures("server")
def test_a_mirror_that_hangs_holds_up_neither_training_nor_recording(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(tensorboard.TensorBoardMirror, "_write", lambda *_: released.wait(60))
    monkeypatch.setattr(tensorboard, "CLOSE_SECONDS", 0.5)
    monkeypatch.setattr(tensorboard, "BOUND", 3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = neq.init("mine", tensorboard=tmp_path / "mirror")
        began = time.monotonic()
        train(run, epochs=10)
        took = time.monotonic() - began
        run.finish()
    released.set()
    assert took < 5
    assert time.monotonic() - began < 20
    assert [epoch["epoch"] for epoch in store.run.events("epoch_finished")] == list(range(10))
    assert store.run.state == "run_finished"
    assert [one for one in caught if "is written too slowly" in str(one.message)]
