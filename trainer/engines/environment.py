"""Where a run is trained: what the machine offers, as opposed to what the run asks for."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.engines.device_choice import DeviceKind


@dataclass(frozen=True, slots=True)
class Workplace:
    """The place and the limits a worker gives its runs; never part of a run's description.

    Attributes:
        data_root: folder that holds the data sets, in the layout that torchvision reads.
        device_limit: `cpu` keeps every run off the GPU, `cuda`, `xpu` and `mps` insist on one of theirs; `auto` leaves
            it to the run.
        threads: threads that torch may use on the CPU; None leaves torch's own choice.
        may_download: whether a set that is missing from data_root may be fetched by torchvision.
        checkpoints: folder below which runs leave their checkpoints; None: they leave none.
        country: whose electricity is used (ISO 3166, three letters); None: energy is not measured.
        loaders: processes that read files ahead of training; None leaves it to the data.
        gpu: the GPUs that the run's processes see alone, as a person names them: `GPU 1 (NVIDIA H200)`; None: they were
            given none.
        rank, processes: which of how many processes that train the run this is.
    """

    data_root: Path
    device_limit: DeviceKind = "auto"
    threads: int | None = None
    may_download: bool = False
    checkpoints: Path | None = None
    country: str | None = None
    loaders: int | None = None
    gpu: str | None = None
    rank: int = 0
    processes: int = 1

    def to_json(self) -> dict[str, Any]:
        """For the training process; paths as text."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Workplace":
        """What `to_json` wrote."""
        known: dict[str, Any] = {name: Path(given[name]) for name in ("data_root", "checkpoints") if given[name]}
        return cls(**{**given, **known})
