"""Trainer's `report_to` and Lightning's loggers beside a callback with `run=`: both get every value, once."""

import csv
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.loggers import CSVLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import Trainer

import neq
from neq import Equilibrium
from neq.integrations.figures import figures
from neq.integrations.lightning import NEqCallback
from neq.integrations.transformers import NEqTrainerCallback
from tests.neq.integrations.test_lightning import PROBE as IMAGES
from tests.neq.integrations.test_lightning import fit
from tests.neq.integrations.test_recorded_loops import Talkative, run, store
from tests.neq.integrations.test_transformers import DATA, PROBE, STEPS, training
from tests.neq.recording.stub_server import Store

__all__ = ["run", "store"]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*pin_memory.*no accelerator")]

EPOCHS = 2
LOGGED = ("loss", "grad_norm", "learning_rate")
REWRITTEN = {name: f"train/{name}" for name in LOGGED} | {"train_loss": "train/train_loss", "eval_loss": "eval/loss"}
"""Trainer writes its reports under other names than it logs."""


def reported(folder: Path) -> EventAccumulator:
    (file,) = folder.glob("**/events.out.tfevents.*")
    return EventAccumulator(str(file), size_guidance={"scalars": 0}).Reload()


def trained(run: neq.Run, folder: Path) -> Trainer:
    callback = NEqTrainerCallback(PROBE, run=run)
    options: dict[str, Any] = {"report_to": "tensorboard", "eval_strategy": "epoch", "num_train_epochs": EPOCHS}
    trainer = training(callback, folder, evaluated=DATA[:4], **options)
    trainer.train()
    run.finish()
    return trainer


def test_a_reporter_and_the_run_both_get_every_value_once(run: neq.Run, store: Store, tmp_path: Path) -> None:
    trainer = trained(run, tmp_path)
    events = reported(tmp_path)
    for name, there in REWRITTEN.items():
        points = store.run.points(name)
        wanted = [(row["step"], row[name]) for row in trainer.state.log_history if name in row]
        assert [(step, value) for step, _, value in points] == wanted, name
        found = [(event.step, event.value) for event in events.Scalars(there)]
        assert found == [(step, pytest.approx(value)) for step, value in wanted], there
        epochs = list(range(EPOCHS)) if name != "train_loss" else [EPOCHS - 1]
        assert [epoch for _, epoch, _ in points] == epochs, name
    assert not [tag for tag in events.Tags()["scalars"] if "neq/" in tag], "reporters are not told of NEq's own figures"


def test_the_reporters_are_told_of_the_figures_where_the_trainer_is_asked_to_log_them(
    run: neq.Run, store: Store, tmp_path: Path
) -> None:
    trainers: list[Trainer] = []

    found: list[Equilibrium] = []

    def tell(equilibrium: Equilibrium) -> None:
        found.append(equilibrium)
        trainers[0].log(figures(equilibrium))

    callback = NEqTrainerCallback(PROBE, run=run, on_equilibrium=tell)
    trainers.append(training(callback, tmp_path, report_to="tensorboard", num_train_epochs=EPOCHS))
    trainers[0].train()
    run.finish()
    events = reported(tmp_path).Scalars("train/neq/frozen_fraction")
    assert [event.step for event in events] == [STEPS, 2 * STEPS]
    assert [event.value for event in events] == [pytest.approx(one.frozen_fraction) for one in found]
    series = [series["name"] for event in store.run.events("metrics_logged") for series in event["series"]]
    assert not [name for name in series if name.startswith("neq/")], "the run has them of its epochs"
    assert [step for step, _, _ in store.run.points("loss")] == [STEPS, 2 * STEPS], (
        "Trainer's own log is not lost by it"
    )


def test_neq_is_no_value_of_report_to(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neq is not supported"):
        training(NEqTrainerCallback(PROBE), tmp_path, report_to="neq")


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec.*:FutureWarning")  # Lightning 2.6 on torch 2.14
def test_a_logger_of_lightning_and_the_run_both_get_every_value_once(
    run: neq.Run, store: Store, tmp_path: Path
) -> None:
    fit(NEqCallback(IMAGES, run=run), epochs=3, module=Talkative(), logger=CSVLogger(tmp_path, version="one"))
    run.finish()
    with (tmp_path / "lightning_logs/one/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in ("by_step", "both_step", "both_epoch", "last"):
        there = [float(row[name]) for row in rows if row.get(name)]
        assert there == [pytest.approx(value, rel=1e-5) for _, _, value in store.run.points(name)], name
        assert len(there) == (3 if name in ("both_epoch", "last") else 18)
    assert len([row for row in rows if row["neq/frozen_fraction"]]) == 3, "Lightning's loggers have NEq's figures"
