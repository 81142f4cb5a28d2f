"""The metrics of a recorded run: columns of numbers, and pandas' frames of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self

import numpy as np
import numpy.typing as npt

NO_EPOCH = -1


@dataclass(frozen=True, eq=False)
class Metric:
    """The points of one metric, in the order in which they were logged.

    Attributes:
        name: such as `val/loss`.
        steps: int64 (points,).
        epochs: int64 (points,), from 0; -1: logged without an epoch.
        times: float64 (points,), seconds since 1970, UTC.
        values: float64 (points,). The API tells every value that is not finite as one, so an infinity is NaN here.
    """

    name: str
    steps: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """From what the API answers."""
        epochs = [NO_EPOCH if epoch is None else epoch for epoch in answer["epochs"]]
        return cls(
            name=str(answer["name"]),
            steps=np.array(answer["steps"], np.int64),
            epochs=np.array(epochs, np.int64),
            times=np.array(answer["times"], np.float64),
            values=np.array(answer["values"], np.float64),  # null becomes NaN
        )

    def __len__(self) -> int:
        return self.values.size

    def frame(self) -> Any:
        """A `pandas.DataFrame` with a row for each point: step, epoch (NA: none), time (UTC) and value.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = _pandas()
        return pandas.DataFrame(
            {
                "step": self.steps,
                "epoch": pandas.arrays.IntegerArray(self.epochs.copy(), self.epochs == NO_EPOCH),
                "time": pandas.to_datetime(self.times, unit="s", utc=True),
                "value": self.values,
            }
        )


class Metrics(dict[str, Metric]):
    """The metrics of a run by name."""

    def frame(self) -> Any:
        """A `pandas.DataFrame` of all points, metric after metric: name, step, epoch, time and value.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = _pandas()
        columns = {"name": str, "step": "int64", "epoch": "Int64", "time": "datetime64[ns, UTC]", "value": "float64"}
        if not self:
            return pandas.DataFrame(columns=list(columns)).astype(columns)
        frames = [metric.frame().assign(name=name)[list(columns)] for name, metric in self.items()]
        return pandas.concat(frames, ignore_index=True)


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        raise ImportError("frame() needs pandas, the extra `pandas`: pip install 'neq[pandas]'") from error
