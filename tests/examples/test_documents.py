"""The programs of README.md and docs/recording.md, as they stand there, with a server and without one."""

import argparse
import re
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import neq
from db import Run, Store
from neq.integrations.lightning import NEqCallback
from neq.recording.sync import sync
from tests.neq.integrations.classifier import Classifier

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RECORDING = re.findall(r"```python\n(.*?)```", (ROOT / "docs/recording.md").read_text(), flags=re.DOTALL)
README = [
    textwrap.dedent(block)
    for block in re.findall(r"(?:^    .*\n|^\n)+", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
]
THE_LOOP, WITH_A_CALLBACK, READING_BACK = "for epoch in range(epochs)", "callbacks=[NEqCallback", "neq.Client()"
EPOCHS = 3


def program_with(words: str, document: list[str] = RECORDING) -> str:
    found = [program for program in document if words in program]
    assert len(found) == 1
    return found[0]


def execute(program: str, **given: Any) -> dict[str, Any]:
    names = {"__name__": "__main__", "neq": neq, **given}
    exec(compile(program, "the document", "exec"), names)
    return names


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = {"conv1": nn.Conv2d(1, 4, 3), "relu": nn.ReLU(), "flat": nn.Flatten(), "head": nn.Linear(64, 3)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def readers_own() -> dict[str, Any]:
    """What the reader of the loop has already."""
    model = network()

    def train_one_epoch(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
        loss = nn.functional.cross_entropy(model(torch.randn(12, 1, 6, 6)), torch.arange(12) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return {
        "args": argparse.Namespace(lr=0.1, epochs=EPOCHS),
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "probe": [torch.randn(5, 1, 6, 6)],
        "epochs": EPOCHS,
        "train_one_epoch": train_one_epoch,
        "evaluate": lambda model: 0.5,
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs are recorded, and nothing else of this machine's environment."""
    for name, value in {"DIR": str(tmp_path / "runs"), "CAPTURE": "0", "SYSTEM": "0"}.items():
        monkeypatch.setenv(f"NEQ_{name}", value)
    for name in ("NEQ_TOKEN", "NEQ_MODE", "NEQ_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


@pytest.fixture
def server(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server where the library looks for one."""
    monkeypatch.setenv("NEQ_URL", address)
    return address


def assert_recorded(run: Run, store: Store, *metrics: str) -> None:
    assert (run.name, run.state, run.epochs_done, run.config["lr"]) == ("my vit", "finished", EPOCHS, 0.1)
    assert [layer["name"] for layer in store.layers(run.id)] == ["conv1", "head"]
    for name in metrics:
        assert store.metric_points(run.id, name).epochs.tolist() == list(range(EPOCHS))


DOCUMENTS: dict[str, tuple[Callable[[], str], tuple[str, ...], tuple[str, ...]]] = {
    "README.md": (partial(program_with, THE_LOOP, README), ("loss",), ()),
    "docs/recording.md": (partial(program_with, THE_LOOP), ("loss", "accuracy"), ("flowers",)),
}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_loop_is_recorded_as_it_stands(document: str, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    program, metrics, tags = DOCUMENTS[document]
    names = execute(program(), **readers_own())
    assert f"recording at {names['run'].url}" in capsys.readouterr().err, "prints the page's address"
    run = store.run(names["run"].id)
    assert_recorded(run, store, *metrics)
    assert run.tags == tags


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_loop_without_a_server_is_sent_later(
    document: str, address: str, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, metrics, _ = DOCUMENTS[document]
    monkeypatch.setenv("NEQ_URL", "http://127.0.0.1:9")  # nobody answers there
    names = execute(program(), **readers_own())
    assert names["run"].url is None
    (sent,) = sync(folder, address)
    assert sent.done
    assert_recorded(store.run(names["run"].id), store, *metrics)


@pytest.mark.usefixtures("server")
def test_reading_back_finds_what_the_loop_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neq.recording.start.new_run_id", lambda: "k3v9x0qa2m")
    loop = program_with(THE_LOOP).replace("loss=loss, ", '**{"val/loss": loss}, ')  # the name that is read back
    execute(loop, **readers_own())
    program = program_with(READING_BACK)
    assert "run.figure(" in program and ".frame()" in program, "with the extras, which are installed here"
    names = execute(program)
    assert (names["run"].id, names["run"].name) == ("k3v9x0qa2m", "my vit")
    for field in ("phi", "velocity", "frozen", "applied"):
        assert getattr(names["layer"], field).shape == (EPOCHS, 4)
    assert names["run"].metrics("val/loss").values.shape == (EPOCHS,)
    names["client"].close()


@pytest.mark.usefixtures("server")
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec.*:FutureWarning")  # Lightning 2.6 on torch 2.14
def test_the_callbacks_example_is_recorded_as_it_stands(store: Store) -> None:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    names = execute(
        program_with(WITH_A_CALLBACK),
        args=argparse.Namespace(lr=0.1),
        Trainer=partial(lightning.pytorch.Trainer, enable_model_summary=False, **quiet),
        NEqCallback=NEqCallback,
        module=Classifier(),
        train=DataLoader(TensorDataset(torch.randn(6, 4), torch.zeros(6, dtype=torch.long)), batch_size=3),
        probe=[torch.randn(5, 4)],
    )
    run = store.run(names["run"].id)
    assert (run.state, run.epochs_done) == ("finished", 20)
