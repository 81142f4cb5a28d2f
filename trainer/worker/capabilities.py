"""What this worker's machine has: its data folder by listing alone, its weights, its memory. No torch."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from contract.checks.capabilities import Capabilities, Folder, Node
from contract.checks.capabilities import Gpu as SaidGpu
from contract.checks.names import alike
from contract.checks.parts import are_parts_alone, part_word, set_parts
from contract.checks.sets import ENDINGS, NAMED, NamedSet
from contract.checks.strays import stray_reason
from contract.config import RunConfig
from contract.config.discovery import kind_of
from contract.errors import RunError
from contract.version import VERSION
from trainer.engines.environment import Workplace
from trainer.engines.gpus import Gpu

WEIGHTS = "weights"
"""Folder of trained weights below the data folder."""
MOST_FOLDERS = 200
MOST_FILES = 50_000
"""Of all folders together: more are not counted, so that a look at the data folder takes no more than a moment."""
_MASKS = ("annot", "mask", "label")
"""In the name of a folder that may hold the masks of a part."""


def capabilities(workplace: Workplace, gpus: Sequence[Gpu] | None, others: Sequence[str] | None = None) -> Capabilities:
    """What the worker can say now.

    Args:
        gpus: what torch found, in a process of its own; None: it was not asked yet.
        others: the kinds of GPUs besides cuda that torch can use; None: it was not asked yet.
    """
    total, free = memory()
    return Capabilities(
        version=VERSION,
        device_limit=workplace.device_limit,
        threads=workplace.threads,
        gpus=() if workplace.device_limit == "cpu" else _said(gpus),
        others=None if others is None else tuple(others),
        memory_bytes=total,
        free_memory_bytes=free,
        may_download=workplace.may_download,
        sets=tuple(kind for kind, named in NAMED.items() if _is_there(named, workplace.data_root)),
        folders=folders(workplace.data_root),
        folders_complete=len(_set_names(workplace.data_root)) <= MOST_FOLDERS,
        looked_at=datetime.now(UTC),
        weights=weights(workplace.data_root),
        models=_kinds("model"),
        data=_kinds("data"),
    )


def cluster_capabilities(nodes: Sequence[Node]) -> Capabilities:
    """What the worker of a cluster can say: what it knows itself, and what its nodes have free. Their folders and GPUs
    are seen by those who train there."""
    return Capabilities(
        version=VERSION, folders_complete=False, models=_kinds("model"), data=_kinds("data"), nodes=tuple(nodes)
    )


def _said(gpus: Sequence[Gpu] | None) -> tuple[SaidGpu, ...] | None:
    if gpus is None:
        return None
    return tuple(SaidGpu(name=gpu.name, memory_bytes=gpu.memory_bytes, number=gpu.number) for gpu in gpus)


def memory() -> tuple[int | None, int | None]:
    """Bytes that this machine has and that are free; None where the system does not tell.

    A container may have less: its limit counts where it is lower.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None, None
    known = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines)}
    total, free = known.get("MemTotal"), known.get("MemAvailable")
    limit = _container_limit()
    if limit is None or total is None or limit >= total:
        return total, free
    return limit, None if free is None else min(free, limit)


def _container_limit() -> int | None:
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            return int(Path(file).read_text())
    return None


def folders(root: Path) -> tuple[Folder, ...]:
    """The folders of the data folder, counted as far as that is quick."""
    count = _Count(MOST_FILES)
    return tuple(_folder(root / name, name, count) for name in _set_names(root)[:MOST_FOLDERS])


def _set_names(root: Path) -> list[str]:
    """Names of the folders that may be sets and that a run's description can name."""
    with suppress(OSError):
        return [name for name in _folder_names(root) if name != WEIGHTS and _is_text(name)]
    return []


def weights(root: Path) -> tuple[str, ...]:
    """Files of trained weights, where they are looked for."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    places = (root / WEIGHTS, Path(home) / "hub" / "checkpoints")
    return tuple(sorted({name for place in places for name in _file_names(place)}))


class _Count:
    """Counts images until there were too many."""

    def __init__(self, most: int) -> None:
        self._left = most

    def images(self, folder: Path) -> int | None:
        """Images in the folder; None where it has links or folders of its own, or once too many files were seen.

        Raises:
            OSError: it may not be read.
        """
        found = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                self._left -= 1
                if self._left < 0:
                    return None
                is_folder = entry.is_dir()
                if stray_reason(entry.name, folder=is_folder) is not None:
                    continue
                if is_folder or entry.is_symlink():
                    return None
                found += entry.name.lower().endswith(ENDINGS) and entry.is_file()
        return found

    def all_of(self, folders: Iterable[Path]) -> int | None:
        """Images in all of them."""
        counts = [self.images(folder) for folder in folders]
        return None if None in counts else sum(count or 0 for count in counts)


def _folder(path: Path, name: str, count: _Count) -> Folder:
    """What is plain from the names of its folders, by the rules of a run; of any other arrangement a dry pass tells."""
    try:
        return _counted(path, name, count)
    except (OSError, RunError):  # it may not be read, or several could be what is trained on: the run says which
        return Folder(name=name)


def _counted(path: Path, name: str, count: _Count) -> Folder:
    names = _folder_names(path)
    if any(word in part_word(each) for each in names for word in _MASKS):
        return Folder(name=name)
    parts = set_parts(path, names, lambda each: bool(_folder_names(path / each)))
    if parts.train is None and are_parts_alone(names):
        return Folder(name=name)
    train = parts.train or path
    classes = _folder_names(train)
    return Folder(
        name=name,
        masks=False,
        classes=len({alike(each) for each in classes}),
        train=count.all_of(train / each for each in classes),
        test=None if parts.test is None else count.all_of(parts.test / each for each in _folder_names(parts.test)),
    )


def _is_there(named: NamedSet, root: Path) -> bool:
    return all((root / file).exists() or (root / f"{file}.gz").is_file() for file in named.files)


def _folder_names(folder: Path) -> list[str]:
    """Names of the folders in it that may belong to a set, sorted, as `trainer.data` finds them.

    Raises:
        OSError: it is not there, or may not be read.
    """
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if stray_reason(entry.name, folder=True) is None and entry.is_dir()
        )


def _file_names(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [entry.name for entry in entries if _is_text(entry.name) and entry.is_file()]
    return []


def _is_text(name: str) -> bool:
    """Whether a run's description can name it: Python stands lone surrogates in for bytes that are not UTF-8."""
    return not any(0xD800 <= ord(each) <= 0xDFFF for each in name)


def _kinds(choice: str) -> tuple[str, ...]:
    """The kinds of model, or of data, that this worker's description knows."""
    return tuple(kind_of(part) for part in get_args(RunConfig.model_fields[choice].annotation))
