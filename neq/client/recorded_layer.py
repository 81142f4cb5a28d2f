"""One layer of a recorded run: what was measured and decided of its neurons, epoch by epoch."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from neq.client.connection import Connection
from neq.client.errors import ClientError

Floats = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]
Field = Literal["phi", "divergence", "velocity", "frozen", "applied"]


class RecordedLayer:
    """Arrays of shape (epochs, neurons): row e is epoch e, from 0 to the run's last when it was asked for.

    An epoch in which the layer was not recorded, such as one before its network was watched, is a row of NaN, in masks
    of False; `present` tells them. Each array is read when it is first asked for, and then kept; none can be written
    to: `copy()` it for that.

    Attributes:
        name: in the run, such as `conv1`, or `generator/conv1` of a watch with a name.
        index: among the run's layers, from 0.
        type: the module's class, such as `Conv2d`.
        neurons: how many it has.
        epsilon: the threshold of its watch; None where that was not told.

    Raises:
        ClientError: by each of the arrays, as `Client`'s methods; or the run's epochs changed while it was read.
    """

    def __init__(
        self, connection: Connection, path: str, told: dict[str, Any], epochs: int, epsilon: float | None = None
    ) -> None:
        self.name, self.type, self.epsilon = str(told["name"]), str(told["type"]), epsilon
        self.index, self.neurons = int(told["index"]), int(told["neurons"])
        self._epochs = epochs
        self._connection, self._path = connection, f"{path}/layers/{self.index}"

    def __repr__(self) -> str:
        return f"<RecordedLayer {self.name}: {self._epochs} epochs × {self.neurons} neurons>"

    @cached_property
    def present(self) -> Masks:
        """bool (epochs,): whether the layer was recorded in the epoch."""
        present = np.zeros(self._epochs, np.bool_)
        # The arrays come without the numbers of their epochs; the timeline of one neuron has them, and is short.
        told = self._connection.json(f"{self._path}/neurons/0", "epochs", epochs=f"0:{self._epochs}")
        present[told["epochs"]] = True
        return _read_only(present)

    @cached_property
    def phi(self) -> Floats:
        """float32 (epochs, neurons): φ, in [-1, 1], how like its former self a neuron's output is, one epoch apart."""
        return self._floats("phi")

    @cached_property
    def divergence(self) -> Floats:
        """float32 (epochs, neurons): 1 − φ as recorded, in [0, 2]; keeps its digits where φ is nearly 1."""
        return self._floats("divergence")

    @cached_property
    def velocity(self) -> Floats:
        """float32 (epochs, neurons): of φ, per epoch; NaN also where there was none yet, as in the first epoch."""
        return self._floats("velocity")

    @cached_property
    def frozen(self) -> Masks:
        """bool (epochs, neurons): decided at the epoch's end to be frozen in the next."""
        return self._masks("frozen")

    @cached_property
    def applied(self) -> Masks:
        """bool (epochs, neurons): not updated during the epoch."""
        return self._masks("applied")

    def _floats(self, field: Field) -> Floats:
        return self._read(field, np.dtype("<f4"))

    def _masks(self, field: Field) -> Masks:
        return self._read(field, np.dtype(np.bool_))

    def _read(self, field: Field, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        rows = self._connection.array(f"{self._path}/{field}", epochs=f"0:{self._epochs}")
        if rows.shape != (self._epochs, self.neurons) or rows.dtype != dtype:
            raise ClientError(
                f"{field} of {self.name!r} came as {rows.dtype} {rows.shape}, not as {dtype} "
                f"{(self._epochs, self.neurons)}: the run changed while it was read; ask the client for it again"
            )
        return _read_only(rows)


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array
