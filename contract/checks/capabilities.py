"""What a worker has, as it says itself: read by the web process, which has neither torch nor the data folder."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

FRESH = timedelta(seconds=15)
"""Workers look at their data folder every few seconds; of what was seen longer ago, absence is no ground to refuse."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a worker of a newer version may say more


class Gpu(_Said):
    """A GPU that torch finds; its number on the worker, where that says it."""

    name: str
    memory_bytes: int
    number: int | None = None


class Node(_Said):
    """A machine of a cluster that a worker reserves places on: what it has, and what of that nobody has reserved."""

    id: str
    name: str
    cpus: float = 0.0
    free_cpus: float = 0.0
    gpus: float = 0.0
    free_gpus: float = 0.0
    memory_bytes: float = 0.0
    free_memory_bytes: float = 0.0
    labels: dict[str, str] = {}


class Folder(_Said):
    """A folder of the data folder, as far as its listing tells; None where that would take too long.

    Attributes:
        masks: False where it is plain that it holds none.
        classes: folders that hold images of a class each.
        train, test: images in it; test is None also where none are set apart.
    """

    name: str
    masks: bool | None = None
    classes: int | None = None
    train: int | None = None
    test: int | None = None


class Capabilities(_Said):
    """What a worker has.

    Attributes:
        device_limit: what its runs may use.
        gpus: None until torch was asked.
        others: the kinds of GPUs besides cuda that torch can use there, `xpu` and `mps`; None until it was asked, and
            of workers that may not use every kind.
        memory_bytes, free_memory_bytes: of the machine; None where the system does not tell.
        sets: kinds of data whose files are there.
        folders_complete: a folder that is not among them is not there; False where they were too many to be listed, or
            the list is old.
        looked_at: when the data folder was looked at, by the worker's clock; None of workers that do not say it.
        weights: files of trained weights.
        models, data: the kinds that it can build, other people's included.
        nodes: of the cluster that its runs are trained on; None: it trains them on its own machine. What the rest says
            of data, memory and GPUs is then not known.
    """

    version: str
    device_limit: Literal["auto", "cpu", "cuda", "xpu", "mps"] = "auto"
    threads: int | None = None
    gpus: tuple[Gpu, ...] | None = None
    others: tuple[str, ...] | None = None
    memory_bytes: int | None = None
    free_memory_bytes: int | None = None
    may_download: bool = False
    sets: tuple[str, ...] = ()
    folders: tuple[Folder, ...] = ()
    folders_complete: bool = True
    looked_at: AwareDatetime | None = None
    weights: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    nodes: tuple[Node, ...] | None = None

    @property
    def trains_on_cpu(self) -> bool:
        """Whether a run that leaves the choice to the worker is trained on a CPU."""
        return self.device_limit == "cpu" or self.gpus == ()

    def at(self, now: datetime) -> "Capabilities":
        """The same, with what is too old to be relied on marked as such."""
        if self.looked_at is None or now - self.looked_at <= FRESH:
            return self
        return self.model_copy(update={"folders_complete": False})


def said(capabilities: object) -> Capabilities | None:
    """What a worker said; None where it said nothing yet, or nothing that this version understands."""
    try:
        return Capabilities.model_validate(capabilities)
    except ValidationError:
        return None
