"""A run that is recorded into a real store, event by event, with values that a test can compare with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.config import RunConfig
from contract.costs import PlanChanges, Saving, StepFlops, StepTimes
from contract.events import (
    VELOCITY_EDGES,
    EpochFinished,
    EpochProgressed,
    Event,
    LayerCounts,
    Logged,
    RunContinued,
    RunFinished,
    RunStarted,
    Seconds,
)
from contract.layers import Coverage, Layer
from db import RetainedCheckpoints, Run, Snapshot, Store, event_record

Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]
Costs = tuple[StepTimes | None, StepFlops | None, PlanChanges | None]


class Recording:
    """One run, told by hand; `velocity[layer][epoch]` and the like hold what was stored.

    Args:
        costs: what an epoch tells of its costs; as a run of an older program it tells nothing.
        saving: what it tells of what that saved.
        changes: of the description.
    """

    def __init__(
        self,
        store: Store,
        neurons: Sequence[int] = (5, 17, 3),
        *,
        epochs: int = 400,
        seed: int = 0,
        costs: Callable[[int], Costs] = lambda epoch: (None, None, None),
        saving: Callable[[int], Saving | None] = lambda epoch: None,
        **changes: Any,
    ) -> None:
        self.store = store
        self.neurons = tuple(neurons)
        self.random = np.random.default_rng(seed)
        config = RunConfig.model_validate({"name": "recorded", "training": {"epochs": epochs}} | changes)
        self.costs, self.saving = costs, saving
        self.worker = store.register_worker(name="hand", host="here", pid=1, device="CPU", slots=1)
        made = store.create_run(
            name="recorded", config=config.model_dump(mode="json"), tags=("one",), epochs_planned=epochs
        )
        self.id = made.id
        assert store.claim(self.worker.id) is not None
        self.epochs = 0
        self.phi: list[list[Floats]] = [[] for _ in neurons]
        self.divergence: list[list[Floats]] = [[] for _ in neurons]
        self.velocity: list[list[Floats]] = [[] for _ in neurons]
        self.frozen: list[list[Masks]] = [[] for _ in neurons]
        self.applied: list[list[Masks]] = [[] for _ in neurons]

    @property
    def run(self) -> Run:
        """As it stands."""
        return self.store.run(self.id)

    def start(self, coverage: Coverage | None = None) -> int:
        """The run has started; by default it does not tell how much of its network is watched."""
        layers = tuple(
            Layer(index=index, name=f"conv{index}", type="Conv2d", neurons=count, parameters=9 * count)
            for index, count in enumerate(self.neurons)
        )
        return self._append(
            RunStarted(
                layers=layers,
                neurons=sum(self.neurons),
                parameters=9 * sum(self.neurons),
                device="CPU, 2 threads",
                epochs=400,
                batches_per_epoch=10,
                train_samples=1000,
                test_samples=100,
                probe_samples=50,
                first_freezing_epoch=2,
                versions={"python": "3"},
                coverage=coverage,
            )
        )

    def epoch(self, *, arrays: bool = True, **counts: tuple[int, ...]) -> int:
        """One more epoch is over: random φ, velocity from the second on, a random mask; told with or without them.

        Args:
            counts: of each layer's dead or churning neurons; as a run of an older program it tells none.
        """
        epoch, rows = self.epochs, []
        for layer, count in enumerate(self.neurons):
            divergence = (1 - self.random.uniform(-1, 1, count)).astype("<f4")
            phi = (1 - divergence.astype(np.float64)).astype("<f4")
            velocity = (self.random.normal(size=count) * 10.0 ** self.random.uniform(-8, 1, count)).astype("<f4")
            if epoch == 0:
                velocity[:] = np.nan
            frozen = self.random.random(count) < (0.5 if epoch else 0.0)
            applied = self.frozen[layer][-1] if epoch else np.zeros(count, np.bool_)
            for kept, value in ((self.phi, phi), (self.divergence, divergence), (self.velocity, velocity)):
                kept[layer].append(value)
            for masks, mask in ((self.frozen, frozen), (self.applied, applied)):
                masks[layer].append(mask)
            rows.append(self._row(layer, divergence, None if epoch == 0 else velocity, applied, frozen))
        self.epochs += 1
        event = self._finished(epoch, counts)
        return self._append(event, snapshots=tuple(rows) if arrays else ())

    def progress(self, batch: int) -> int:
        """A sign of life inside an epoch."""
        return self._append(
            EpochProgressed(
                epoch=self.epochs, phase="train", batch=batch, batches=10, loss=1.5, samples_per_second=100.0
            )
        )

    def log(self, text: str) -> int:
        """A line of the log."""
        return self._append(Logged(text=text))

    def warn(self, text: str) -> int:
        """A warning in the log."""
        return self._append(Logged(level="warning", text=text))

    def requeue(self, reason: str) -> None:
        """Its worker ends in order; the run is queued again."""
        self.store.requeue(self.id, self.worker.id, reason=reason, remedy="Start a worker.", counted=False)

    def go_on(self) -> int:
        """The worker takes it again, and it stands as it did."""
        assert self.store.claim(self.worker.id) is not None
        return self._append(RunContinued(epoch=self.epochs, device="CPU, 2 threads", versions={"python": "3"}))

    def finish(self) -> int:
        """The run is over."""
        event = RunFinished(epochs=self.epochs, test_accuracy=0.5, frozen_fraction=0.5, seconds=1.0)
        return self._append(event)

    def _append(
        self, event: Event, snapshots: tuple[Snapshot, ...] = (), kept: RetainedCheckpoints | None = None
    ) -> int:
        record = event_record(event.model_dump(mode="json"), snapshots=snapshots, kept=kept)
        return self.store.append(self.id, self.worker.id, record)

    def _row(self, layer: int, divergence: Floats, velocity: Floats | None, applied: Masks, frozen: Masks) -> Snapshot:
        return Snapshot(
            layer=layer,
            neurons=len(divergence),
            divergence=divergence.tobytes(),
            velocity=None if velocity is None else velocity.tobytes(),
            applied=np.packbits(applied).tobytes(),
            frozen=np.packbits(frozen).tobytes(),
        )

    def _finished(self, epoch: int, counts: dict[str, tuple[int, ...]]) -> EpochFinished:
        frozen = tuple(int(masks[-1].sum()) for masks in self.frozen)
        applied = tuple(int(masks[-1].sum()) for masks in self.applied)
        none = tuple(0 for _ in self.neurons)
        step_ms, flops, plans = self.costs(epoch)
        bins = len(VELOCITY_EDGES) + 1
        return EpochFinished(
            epoch=epoch,
            learning_rate=0.1,
            train_loss=1.0 / (epoch + 1),
            train_accuracy=0.5,
            test_loss=1.0,
            test_accuracy=0.25 + epoch / 1000,
            applied_fraction=sum(applied) / sum(self.neurons),
            frozen_fraction=sum(frozen) / sum(self.neurons),
            layers=LayerCounts(
                applied=applied,
                frozen=frozen,
                froze=none,
                thawed=none,
                phi_mean=tuple(0.5 for _ in self.neurons),
                speed_mean=tuple(0.01 if epoch else None for _ in self.neurons),
                velocity_histogram=tuple((1,) * bins if epoch else None for _ in self.neurons),
                plans=plans,
                **counts,
            ),
            seconds=Seconds(train=1.0, probe=0.1, evaluate=0.1, record=0.01),
            step_ms=step_ms,
            flops=flops,
            saving=self.saving(epoch),
        )
