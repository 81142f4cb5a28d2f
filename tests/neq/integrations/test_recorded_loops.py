"""The callbacks with `run=`: what the loop does and logs is recorded, and Stop on the run's page ends it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import neq
from neq import Equilibrium
from neq.integrations.lightning import NEqCallback
from neq.integrations.logged_metrics import FreshMetrics, numbers_of
from neq.integrations.transformers import NEqTrainerCallback
from tests.neq.integrations.comparing import assert_same, assert_same_weights
from tests.neq.integrations.test_lightning import EPSILON, PROBE, Classifier, fit
from tests.neq.integrations.test_transformers import PROBE as SEQUENCES
from tests.neq.integrations.test_transformers import STEPS, training
from tests.neq.recording.stub_server import Store, serving, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec.*:FutureWarning"),  # Lightning 2.6 on torch 2.14
    pytest.mark.filterwarnings("ignore:.*pin_memory.*no accelerator"),
]


@pytest.fixture
def store() -> Store:
    """What the server keeps."""
    return Store()


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Iterator[neq.Run]:
    """A run that is recorded to a server."""
    with (
        serving(store) as url,
        neq.init("loop", url=url, mode="online", folder=tmp_path / "runs", capture=False, system=False) as run,
    ):
        yield run


def epochs(store: Store) -> list[tuple[int, float]]:
    return [(event["epoch"], event["frozen_fraction"]) for event in store.run.events("epoch_finished")]


def names(store: Store) -> set[str]:
    return {series["name"] for event in store.run.events("metrics_logged") for series in event["series"]}


def places(store: Store, name: str) -> list[tuple[int, int | None]]:
    """Step and epoch of each point."""
    return [(step, epoch) for step, epoch, _ in store.run.points(name)]


class Talkative(Classifier):
    """Logs in every way that Lightning has."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        if self.trainer.training:
            self.log("by_step", loss)
            self.log("both", loss, on_step=True, on_epoch=True)
            self.log("by_epoch", loss, on_step=False, on_epoch=True, logger=False)
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("last", float(self.current_epoch))


def test_a_lightning_training_is_recorded_and_is_the_same_as_without(run: neq.Run, store: Store) -> None:
    found: list[Equilibrium] = []
    wanted: list[Equilibrium] = []
    plain, _ = fit(NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=wanted.append), epochs=4)
    callback = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append, run=run)
    module, _ = fit(callback, epochs=4)
    run.finish()
    assert_same(found, wanted)
    assert_same_weights(module, plain)
    assert epochs(store) == [(one.epoch, pytest.approx(one.frozen_fraction)) for one in found]
    assert places(store, "loss") == [(6, 0), (12, 1), (18, 2), (24, 3)]
    assert names(store) == {"loss"}, "its own figures are the epochs' already"
    assert store.run.state == "run_finished"


def test_what_a_module_logs_is_recorded_once_with_its_step_and_epoch(run: neq.Run, store: Store) -> None:
    callback = NEqCallback(PROBE, epsilon=EPSILON, run=run)
    fit(callback, epochs=4, module=Talkative(), check_val_every_n_epoch=2, log_every_n_steps=3)
    run.finish()
    each_epoch = [(6, 0), (12, 1), (18, 2), (24, 3)]
    each_third_step = [(3 * number, (number - 1) // 2) for number in range(1, 9)]
    assert places(store, "by_step") == each_third_step == places(store, "both_step")
    assert places(store, "both_epoch") == each_epoch == places(store, "by_epoch")
    assert places(store, "loss") == [(12, 1), (24, 3)], "validated every second epoch"
    assert [(epoch, value) for _, epoch, value in store.run.points("last")] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert names(store) == {"by_step", "both_step", "both_epoch", "by_epoch", "loss", "last"}


def stopping(run: neq.Run, store: Store) -> Callable[[Equilibrium], None]:
    """Somebody presses Stop after the second epoch."""

    def press(equilibrium: Equilibrium) -> None:
        if equilibrium.epoch == 1:
            store.run.stop_requested = True
            until(lambda: run.log({"waiting": 1.0}) or run.should_stop)

    return press


def test_stop_on_the_page_ends_a_lightning_training(run: neq.Run, store: Store) -> None:
    _, trainer = fit(NEqCallback(PROBE, on_equilibrium=stopping(run, store), run=run), epochs=50)
    run.finish()
    assert trainer.global_step == 12
    assert [epoch for epoch, _ in epochs(store)] == [0, 1]
    assert store.run.state == "run_stopped"


def test_stop_within_an_epoch_ends_a_lightning_training_behind_the_step(run: neq.Run, store: Store) -> None:
    class Pressing(Classifier):
        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            if self.global_step == 8:
                store.run.stop_requested = True
                until(lambda: run.log({"waiting": 1.0}) or run.should_stop)

    _, trainer = fit(NEqCallback(PROBE, run=run), epochs=50, module=Pressing())
    run.finish()
    assert trainer.global_step == 9
    assert [epoch for epoch, _ in epochs(store)] == [0, 1]


def test_a_trainers_training_is_recorded(run: neq.Run, store: Store, tmp_path: Path) -> None:
    found: list[Equilibrium] = []
    callback = NEqTrainerCallback(SEQUENCES, epsilon=2e-3, on_equilibrium=found.append, run=run)
    trainer = training(callback, tmp_path, num_train_epochs=3)
    trainer.train()
    run.finish()
    assert epochs(store) == [(one.epoch, pytest.approx(one.frozen_fraction)) for one in found]
    assert places(store, "loss") == [(STEPS, 0), (2 * STEPS, 1), (3 * STEPS, 2)]
    logged = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert [value for _, _, value in store.run.points("loss")] == logged
    assert {"grad_norm", "learning_rate", "train_loss"} <= names(store)
    assert not {name for name in names(store) if name.startswith("neq/")} | ({"epoch"} & names(store))


def test_stop_on_the_page_ends_a_trainers_training(run: neq.Run, store: Store, tmp_path: Path) -> None:
    callback = NEqTrainerCallback(SEQUENCES, on_equilibrium=stopping(run, store), run=run)
    trainer = training(callback, tmp_path, num_train_epochs=50)
    trainer.train()
    run.finish()
    assert trainer.state.global_step == 2 * STEPS
    assert [epoch for epoch, _ in epochs(store)] == [0, 1]


def test_stop_within_an_epoch_ends_a_trainers_training_behind_the_step(
    run: neq.Run, store: Store, tmp_path: Path
) -> None:
    class Pressing(NEqTrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == STEPS + 2:
                store.run.stop_requested = True
                until(lambda: run.log({"waiting": 1.0}) or run.should_stop)

    trainer = training(Pressing(SEQUENCES, run=run), tmp_path, num_train_epochs=50)
    trainer.train()
    run.finish()
    assert trainer.state.global_step == STEPS + 3


class Adversaries(Classifier):
    """Two networks and an optimizer each, as a GAN has."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.made, self.judge = nn.Linear(36, 5), nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.judge(self.made(images.flatten(1)))

    def training_step(self, batch: Any, batch_idx: int) -> None:
        for optimizer in self.optimizers():  # type: ignore[union-attr]
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        self.log("by_step", loss)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(each.parameters(), lr=0.05) for each in (self.made, self.judge)]


def layers(store: Store) -> list[str]:
    return [layer["name"] for event in store.run.events("watch_started") for layer in event["layers"]]


def test_two_callbacks_of_one_trainer_share_a_run_by_name(run: neq.Run, store: Store) -> None:
    callbacks = [
        NEqCallback(PROBE, optimizer=place, run=run, name=name, layers=neq.LayerFilter(only=(only,)))
        for place, (name, only) in enumerate({"G": "made", "D": "judge"}.items())
    ]
    fit(*callbacks, epochs=3, module=Adversaries())
    run.finish()
    assert layers(store) == ["G/made", "D/judge"]
    assert [event["layers"]["phi_mean"].count(None) for event in store.run.events("epoch_finished")] == [0, 0, 0]
    assert places(store, "by_step") == [(step, (step - 1) // 12) for step in range(2, 37, 2)], "each value once"
    assert names(store) == {"by_step", "loss"}


def test_trainings_one_after_the_other_share_a_run_by_name(run: neq.Run, store: Store, tmp_path: Path) -> None:
    fit(NEqCallback(PROBE, run=run, name="images"), epochs=2)
    training(NEqTrainerCallback(SEQUENCES, run=run, name="words"), tmp_path, num_train_epochs=1).train()
    run.finish()
    assert {name.split("/")[0] for name in layers(store)} == {"images", "words"}
    assert [epoch for epoch, _ in epochs(store)] == [0, 1, 2]
    assert places(store, "images/loss") == [(6, 0), (12, 1)]
    assert places(store, "words/loss") == [(STEPS, 2)], "behind the epochs of the other"
    assert "loss" not in names(store)


@pytest.mark.parametrize("callback", [NEqCallback, NEqTrainerCallback])
def test_a_name_that_cannot_be_one_is_refused_at_once(callback: Any, run: neq.Run) -> None:
    with pytest.raises(ValueError, match="none of them a slash"):
        callback(PROBE, run=run, name="a/b")


@pytest.mark.parametrize("callback", [NEqCallback, NEqTrainerCallback])
def test_what_is_no_run_is_refused_at_once(callback: Any) -> None:
    with pytest.raises(TypeError, match=r"run is a str; give what neq\.init"):
        callback(PROBE, run="my run")


def test_what_is_no_number_is_left_out() -> None:
    given = {"a": 1, "b": torch.tensor(2.0), "c": "text", "d": torch.ones(2), "e": None, "neq/phi": 1.0, "epoch": 1.0}
    assert set(numbers_of(given | {"": 1.0, "x" * 201: 1.0})) == {"a", "b"}
    assert set(numbers_of({"a": 1, "neq/phi": 1.0, "x" * 198: 1.0, "y" * 199: 1.0}, "G")) == {"G/a", f"G/{'x' * 198}"}


def test_a_value_that_stands_there_still_is_told_once_and_under_one_name() -> None:
    fresh, value = FreshMetrics(), torch.tensor(1.0)
    assert list(fresh.look([{"loss_epoch": value}, {"loss": value.detach(), "loss_epoch": value}])) == ["loss_epoch"]
    assert fresh.look([{"loss_epoch": value}]) == {}
    assert list(fresh.look([{"loss_epoch": torch.tensor(1.0)}])) == ["loss_epoch"], "the same number, logged anew"
