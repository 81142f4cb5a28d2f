"""NEq in the real Lightning Trainer, beside the same training written out by hand."""

import csv
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.strategies import FSDPStrategy
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.utils.data import DataLoader, TensorDataset

from neq import Equilibrium, LayerFilter, NEq
from neq.integrations.lightning import NEqCallback, refuse_splitting
from tests.neq.integrations.comparing import assert_same, assert_same_weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*Checkpoint directory.*exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec.*:FutureWarning"),  # Lightning 2.6 on torch 2.14
]

RANDOM = torch.Generator().manual_seed(3)
IMAGES = torch.randn(24, 1, 6, 6, generator=RANDOM)
LABELS = torch.randint(3, (24,), generator=RANDOM)
PROBE = [(torch.randn(4, 1, 6, 6, generator=RANDOM), torch.zeros(4)) for _ in range(2)]
EPSILON = 0.02


def loader() -> DataLoader[Any]:
    return DataLoader(TensorDataset(IMAGES, LABELS), batch_size=4)


class Classifier(LightningModule):
    """A convolution, a batch norm, a linear layer; momentum and weight decay, which would move frozen rows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(96, 3)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.training_step(batch, batch_idx))

    def configure_optimizers(self) -> Any:
        return SGD(self.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-2)


def fit(
    *callbacks: Any, epochs: int = 5, module: LightningModule | None = None, path: Any = None, **options: Any
) -> tuple[LightningModule, Trainer]:
    module = module or Classifier()
    given = {"logger": False, "enable_checkpointing": False, "log_every_n_steps": 1, **options}
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        **given,
    )
    trainer.fit(module, loader(), loader() if isinstance(module, Classifier) else None, ckpt_path=path)
    return module, trainer


def by_hand(epochs: int, *, gathered: int, clip: float | None) -> tuple[nn.Module, list[Equilibrium]]:
    """The same training without Lightning."""
    module = Classifier()
    optimizer = module.configure_optimizers()
    found = []
    with NEq(module, optimizer, PROBE, epsilon=EPSILON) as neq:
        for _ in range(epochs):
            for step, batch in enumerate(loader()):
                (module.training_step(batch, step) / gathered).backward()
                if (step + 1) % gathered == 0:
                    if clip is not None:
                        nn.utils.clip_grad_norm_(module.parameters(), clip)
                    optimizer.step()
                    optimizer.zero_grad()
            found.append(neq.end_epoch())
    return module, found


@pytest.mark.parametrize(("gathered", "clip"), [(1, None), (2, None), (3, 0.5)])
def test_it_trains_and_freezes_as_the_same_loop_by_hand_does(gathered: int, clip: float | None) -> None:
    found: list[Equilibrium] = []
    callback = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    module, _ = fit(callback, accumulate_grad_batches=gathered, gradient_clip_val=clip)
    expected, wanted = by_hand(5, gathered=gathered, clip=clip)
    assert_same(found, wanted)
    assert_same_weights(module, expected)
    assert callback.equilibrium is found[-1]
    assert 0 < found[-1].applied_fraction < 1


SAVED: dict[str, Callable[[Path], ModelCheckpoint]] = {
    "at an epoch's end": lambda folder: ModelCheckpoint(folder, save_top_k=-1, save_on_train_epoch_end=True),
    "at a validation's end": lambda folder: ModelCheckpoint(folder, save_top_k=-1, save_on_train_epoch_end=False),
    "after an epoch's last batch": lambda folder: ModelCheckpoint(folder, save_top_k=-1, every_n_train_steps=6),
}


@pytest.mark.parametrize("moment", SAVED)
def test_resuming_from_a_checkpoint_gives_the_numbers_of_never_having_stopped(moment: str, tmp_path: Path) -> None:
    wanted: list[Equilibrium] = []
    saving = SAVED[moment](tmp_path)
    expected, _ = fit(
        NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=wanted.append), saving, epochs=7, enable_checkpointing=True
    )
    checkpoint = next(tmp_path.glob("epoch=3-step=24*.ckpt"))
    assert torch.load(checkpoint, weights_only=True)["callbacks"].keys() & {NEqCallback(PROBE).state_key}

    found: list[Equilibrium] = []
    resumed = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    module, _ = fit(resumed, SAVED[moment](tmp_path), epochs=7, path=checkpoint, enable_checkpointing=True)
    assert_same(found[-3:], wanted[-3:])
    assert_same_weights(module, expected)
    assert wanted[-1].applied_fraction > 0


def test_a_checkpoint_saved_after_training_is_gone_on_from_too(tmp_path: Path) -> None:
    wanted, found = [], []
    expected, _ = fit(NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=wanted.append), epochs=7)
    _, trainer = fit(NEqCallback(PROBE, epsilon=EPSILON), epochs=4)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    resumed = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    module, _ = fit(resumed, epochs=7, path=tmp_path / "last.ckpt")
    assert_same(found, wanted[4:])
    assert_same_weights(module, expected)


def test_fitting_again_without_a_checkpoint_starts_anew() -> None:
    found: list[Equilibrium] = []
    callback = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    module, trainer = fit(callback, epochs=4)
    trainer.fit_loop.max_epochs = 6
    trainer.fit(module, loader(), loader())
    assert [one.epoch for one in found] == [0, 1, 2, 3, 0, 1]
    assert found[4].applied_fraction == 0


def test_a_checkpoint_that_only_a_test_looked_at_is_not_gone_on_from(tmp_path: Path) -> None:
    found: list[Equilibrium] = []
    callback = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    module, trainer = fit(callback, epochs=4)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    trainer.validate(module, loader(), ckpt_path=tmp_path / "last.ckpt", verbose=False)
    trainer.fit_loop.max_epochs = 5
    trainer.fit(module, loader(), loader())
    assert [one.epoch for one in found] == [0, 1, 2, 3, 0]


def test_its_figures_are_in_lightnings_logs(tmp_path: Path) -> None:
    found: list[Equilibrium] = []
    logger = CSVLogger(tmp_path, name="", version="")
    _, trainer = fit(NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append), logger=logger)
    rows = [row for row in csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()) if row["neq/phi"]]
    assert [float(row["neq/frozen_fraction"]) for row in rows] == pytest.approx([one.frozen_fraction for one in found])
    assert [float(row["neq/applied_fraction"]) for row in rows] == pytest.approx(
        [one.applied_fraction for one in found]
    )
    assert [bool(row["neq/speed"]) for row in rows] == [False, True, True, True, True]  # φ twice, then v
    mean = torch.cat([layer.phi for layer in found[-1].layers.values()]).mean()
    assert trainer.callback_metrics["neq/phi"] == pytest.approx(float(mean), abs=1e-6)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_phi_is_that_of_the_weights_in_their_own_precision(precision: Any) -> None:
    """float64 cosines of the outputs, where autocast's bfloat16 would be wrong by up to 0.02."""
    outputs: list[Tensor] = []
    phis: list[Tensor] = []
    module = Classifier()

    def remember(equilibrium: Equilibrium | None) -> None:
        convolution = module.net[0]
        with torch.no_grad():
            images = torch.cat([batch[0] for batch in PROBE]).to(convolution.weight.dtype)
            outputs.append(convolution(images).double().transpose(0, 1).flatten(1))
        if equilibrium is not None:
            phis.append(equilibrium.layers["net.0"].phi)

    callback = NEqCallback(PROBE, epsilon=EPSILON, on_equilibrium=remember)
    fit(callback, module=module, precision=precision, epochs=3)
    assert len(phis) == 3
    for before, now, phi in zip(outputs, outputs[1:], phis[1:], strict=False):
        assert torch.allclose(torch.cosine_similarity(before, now).float(), phi, atol=1e-6)


def test_masks_hold_under_a_gradient_scaler() -> None:
    class Watched(Classifier):
        def on_train_epoch_start(self) -> None:
            self.before = self.net[0].weight.detach().clone()

        def on_train_epoch_end(self) -> None:
            moved.append((self.net[0].weight != self.before).flatten(1).any(1))

    moved: list[Tensor] = []
    found: list[Equilibrium] = []
    callback = NEqCallback(PROBE, epsilon=0.05, on_equilibrium=found.append)
    fit(callback, module=Watched(), plugins=MixedPrecision("16-mixed", "cpu"), epochs=6)
    applied = [one.layers["net.0"].applied for one in found]
    assert any(bool(mask.any()) for mask in applied)
    assert [rows.tolist() for rows in moved] == [(~mask).tolist() for mask in applied]


class Pair(LightningModule):
    """Two optimizers, by manual optimisation, as in adversarial training."""

    def __init__(self, *, overlapping: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.automatic_optimization = False
        self.first, self.second = nn.Linear(36, 5), nn.Linear(5, 3)
        self._overlapping = overlapping

    def forward(self, images: Tensor) -> Tensor:
        return self.second(self.first(images.flatten(1)))

    def training_step(self, batch: Any, batch_idx: int) -> None:
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        for optimizer in self.optimizers():
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in self.optimizers():
            optimizer.step()

    def configure_optimizers(self) -> list[Optimizer]:
        rest = self.parameters() if self._overlapping else self.second.parameters()
        return [SGD(self.first.parameters(), lr=0.05), SGD(rest, lr=0.05)]


def test_with_several_optimizers_one_is_to_be_chosen() -> None:
    with pytest.raises(ValueError, match=r"optimizer is None; .*0 SGD, 1 SGD"):
        fit(NEqCallback(PROBE), module=Pair())
    with pytest.raises(ValueError, match=r"optimizer is 2"):
        fit(NEqCallback(PROBE, optimizer=2), module=Pair())


def test_the_chosen_optimizers_layers_are_frozen_and_the_others_move() -> None:
    callback = NEqCallback(
        PROBE, optimizer=0, layers=LayerFilter(only=("first",)), select="random", fraction=0.6, epsilon=EPSILON
    )
    module = Pair()
    kept = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    fit(callback, module=module, epochs=2)
    assert callback.equilibrium is not None
    assert int(callback.equilibrium.layers["first"].applied.sum()) == 3
    assert callback.equilibrium.layers.keys() == {"first"}
    assert not torch.equal(module.second.weight, kept["second.weight"])


@pytest.mark.parametrize("place", [0, 1])
def test_what_another_optimizer_moves_is_frozen_too(place: int) -> None:
    class Watched(Pair):
        def on_train_epoch_start(self) -> None:
            before.append({name: one.detach().clone() for name, one in self.named_parameters()})

        def on_train_epoch_end(self) -> None:
            stood.append(
                {name: (one == before[-1][name]).reshape(len(one), -1).all(1) for name, one in self.named_parameters()}
            )

    before: list[dict[str, Tensor]] = []
    stood: list[dict[str, Tensor]] = []
    found: list[Equilibrium] = []
    callback = NEqCallback(
        PROBE, optimizer=place, select="random", fraction=0.5, epsilon=EPSILON, on_equilibrium=found.append
    )
    fit(callback, module=Watched(), epochs=4)
    held = 0
    for one, rows in zip(found, stood, strict=True):
        for name in ("first", "second"):
            held += int(one.layers[name].applied.sum())
            for own in ("weight", "bias"):
                assert torch.equal(rows[f"{name}.{own}"], one.layers[name].applied)
    assert held


@pytest.mark.parametrize("fails", [False, True])
def test_after_training_and_after_an_error_every_neuron_moves_again(fails: bool) -> None:
    class Failing(Classifier):
        def on_train_epoch_start(self) -> None:
            if fails and self.current_epoch == 3:
                raise RuntimeError("out of memory, say")

        def configure_optimizers(self) -> Optimizer:
            self.moved_by = SGD(self.parameters(), lr=0.1)
            return self.moved_by

    module, callback = Failing(), NEqCallback(PROBE, select="random", fraction=0.5)
    with pytest.raises(RuntimeError, match="out of memory") if fails else nullcontext():
        fit(callback, module=module)
    assert callback.neq is None
    assert callback.equilibrium is not None
    assert callback.equilibrium.frozen_fraction > 0
    before = module.net[0].weight.detach().clone()
    module.net[0].weight.grad = torch.ones_like(before)
    module.moved_by.step()
    assert bool((module.net[0].weight != before).all())


def test_a_strategy_that_splits_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="FSDPStrategy splits parameters"):
        refuse_splitting(FSDPStrategy())


def test_an_option_that_neq_has_not_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"'epsilom' is no option.*epsilon"):
        NEqCallback(PROBE, epsilom=1e-3)  # type: ignore[call-arg]
