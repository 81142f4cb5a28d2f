"""The mirror into TensorBoard, the extra `tensorboard`: what is logged, and histograms under the authors' names."""

import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neq.recording.facts import EpochEnded, Points, Said
from neq.recording.listener import Told
from neq.recording.scalars import read_number
from neq.recording.telling import Warner
from neq.recording.watch_epoch import WatchEpoch

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

BOUND = 20_000
"""Facts that wait for the mirror's disk; behind that they are left out of it."""
CLOSE_SECONDS = 10.0
MOST_BINS = 512
"""As the authors' code has it: of a layer with fewer neurons, as many bins as neurons."""
FROZEN, DELTAS = "frozen_neurons_perc", "deltas"
"""Names that the authors' released code logs under."""


def folder_of(description: Mapping[str, Any], mirrors: Path) -> Path:
    """The folder of a run, whose name TensorBoard shows; of one that is taken up again, that which it has."""
    run = str(description["id"])
    for found in sorted(mirrors.glob(f"*{run}")):
        return found
    name = re.sub(r"[^\w.-]+", "-", str(description.get("name") or "")).strip("-.")
    return mirrors / (f"{name}-{run}" if name else run)


class TensorBoardMirror:
    """Writes event files on a thread of its own, so that neither the training nor the recording waits for them.

    It ends with the first thing that goes wrong, which is a warning.

    Args:
        folder: of the event files.
        layers: names of those that the run has announced before, in order.
    """

    def __init__(self, folder: Path, warner: Warner, layers: Sequence[str] = ()) -> None:
        self._folder, self._warner = folder, warner
        self._layers = dict(enumerate(layers))
        self._former: dict[int, npt.NDArray[np.float32]] = {}
        self._facts: queue.Queue[Told | None] = queue.Queue(BOUND)
        self._broken = False
        self._thread = threading.Thread(target=self._work, name="neq-tensorboard", daemon=True)
        self._thread.start()

    def take(self, fact: Told) -> None:
        """Hands it on."""
        if self._broken:
            return
        try:
            self._facts.put_nowait(fact)
        except queue.Full:
            self._warner.warn(
                "mirror full", f"{self._folder} is written too slowly: TensorBoard does not get everything"
            )

    def close(self) -> None:
        """Waits a while until everything is written."""
        if self._thread.is_alive():
            try:
                self._facts.put(None, timeout=CLOSE_SECONDS)
            except queue.Full:
                return
            self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        try:
            with _writer(self._folder) as writer:
                while (fact := self._facts.get()) is not None:
                    self._write(writer, fact)
        except Exception as error:  # whatever TensorBoard or its disk does
            self._broken = True
            self._warner.warn("mirror", f"TensorBoard gets nothing more of this run: {_reason(error)}")

    def _write(self, writer: "SummaryWriter", fact: Told) -> None:
        if isinstance(fact, Points):
            for name, value in fact.values.items():
                number = read_number(value)
                if number is not None:
                    writer.add_scalar(name, number, fact.step, walltime=fact.time)
        elif isinstance(fact, Said):
            if fact.event["kind"] == "watch_started":
                self._layers |= {layer["index"]: layer["name"] for layer in fact.event["layers"]}
        else:
            self._write_epoch(writer, fact)

    def _write_epoch(self, writer: "SummaryWriter", ended: EpochEnded) -> None:
        def scalar(name: str, value: float) -> None:
            writer.add_scalar(name, value, ended.epoch, walltime=ended.time)

        neurons = frozen = 0
        for watch in ended.watches:
            for name, applied in self._named(watch, watch.masks["applied"].numpy(), watch.sizes):
                neurons, frozen = neurons + applied.size, frozen + int(applied.sum())
                scalar(f"{FROZEN}/layer/{name}", 100 * float(applied.mean()))
            for kind, values, sizes in self._deltas(watch):
                for name, of_layer in self._named(watch, values, sizes):
                    _histogram(writer, f"{DELTAS}/{kind}/{name}", of_layer, ended)
        scalar(f"{FROZEN}/total", 100 * frozen / neurons)
        told = ended.watches[0].learning_rate
        rate = None if told is None else read_number(told)
        if rate is not None:
            scalar("lr", rate)
        writer.flush()

    def _deltas(self, watch: WatchEpoch) -> Iterator[tuple[str, npt.NDArray[np.float32], list[int]]]:
        """What the authors' code has histograms of: its `phi` is 1 − φ, as here `divergence`, and its `d_phi` is Δφ."""
        divergence: npt.NDArray[np.float32] = watch.divergence.numpy()
        former, self._former[watch.first] = self._former.get(watch.first), divergence
        yield "phi", divergence, list(watch.sizes)
        if former is not None and former.size == divergence.size:
            yield "d_phi", former - divergence, list(watch.sizes)
        if watch.velocity is not None:
            moving = zip(watch.sizes, watch.has_velocity, strict=True)
            yield "velocity", watch.velocity.numpy(), [size if has else 0 for size, has in moving]

    def _named(
        self, watch: WatchEpoch, values: npt.NDArray[Any], sizes: Sequence[int]
    ) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """The values layer by layer, with the layers' names; not of layers that have none."""
        parts = np.split(values, np.cumsum(sizes)[:-1])
        for place, part in enumerate(parts, start=watch.first):
            if part.size:
                yield self._layers.get(place, str(place)), part


def _histogram(writer: "SummaryWriter", name: str, values: npt.NDArray[Any], ended: EpochEnded) -> None:
    finite = values[np.isfinite(values)]
    if finite.size:
        bins = min(MOST_BINS, finite.size)
        writer.add_histogram(name, finite, ended.epoch, bins=bins, walltime=ended.time)


def _writer(folder: Path) -> "SummaryWriter":
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "tensorboard":
        return "it is not installed; the extra is called tensorboard: pip install 'neq[tensorboard]'"
    return f"{type(error).__name__}: {error}"
