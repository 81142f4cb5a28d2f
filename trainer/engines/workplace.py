"""Where a run is trained: what the machine offers, as opposed to what the run asks for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Workplace:
    """The place and the limits a worker gives its runs; never part of a run's description.

    Attributes:
        data_root: folder that holds the data sets, in the layout that torchvision reads.
        device_limit: `cpu` keeps every run off the GPU, `cuda` insists on one; `auto` leaves it to the run.
        threads: threads that torch may use on the CPU; None leaves torch's own choice.
        may_download: whether a set that is missing from data_root may be fetched by torchvision.
    """

    data_root: Path
    device_limit: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = None
    may_download: bool = False
