"""Files that lie in people's folders and are no part of a set: known for what they are, passed over, and counted."""

import os
from collections.abc import Iterator
from pathlib import Path

from contract.checks.names import legible
from contract.checks.strays import stray_reason as stray_reason
from contract.data_report import MOST_EXAMPLES, MOST_REASONS, PassedOver, shortened
from contract.errors import RunError
from trainer.data.reading import ENDINGS

_MOST_COUNTED = 100_000
"""Files that are counted within folders that are passed over."""


class Strays:
    """What was passed over so far: by reason, how many files, and a few of their names."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, reason: str, name: str, count: int = 1) -> None:
        """One file or more, with the path of one below the data folder."""
        if reason not in self._counts and len(self._counts) >= MOST_REASONS - 1:
            reason = "for other reasons"
        self._counts[reason] = self._counts.get(reason, 0) + count
        examples = self._examples.setdefault(reason, [])
        if len(examples) < MOST_EXAMPLES:
            examples.append(shortened(legible(name)))

    def found(self) -> tuple[PassedOver, ...]:
        """All of it, most files first."""
        ranked = sorted(self._counts, key=lambda reason: -self._counts[reason])
        return tuple(
            PassedOver(reason=reason, count=self._counts[reason], examples=tuple(self._examples[reason]))
            for reason in ranked
        )


class Folder:
    """A folder of a set, looked through without reading any file.

    Args:
        root: the data folder.
        own: folders of the set that are looked through in their own right: a link to a place in them shows nothing new.
        strays: takes in what is passed over.
    """

    def __init__(self, root: Path, own: list[Path], strays: Strays) -> None:
        self.root, self.strays = root, strays
        self._prefix = f"{root}/"
        self._own = [folder.resolve() for folder in own]

    def folders(self, folder: Path, *, beside: str) -> list[str]:
        """Names of the folders in it that are no strays, sorted.

        Args:
            beside: why files that lie beside them are passed over.
        """
        names = []
        for entry, is_folder in self._entries(folder):
            if is_folder:
                names.append(entry.name)
            else:
                self.strays.add(beside, self._below(entry.path))
        return sorted(names)

    def images(self, folder: Path) -> list[str]:
        """Paths below the data folder of the images in it and in its folders, sorted by folder, then by name."""
        found = sorted(self._walk(folder, (folder.resolve(),)))
        return [self._below(f"{place}/{name}") for place, name in found]

    def _walk(self, folder: Path, chain: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
        for entry, is_folder in self._entries(folder):
            if not is_folder:
                if not entry.name.lower().endswith(ENDINGS):
                    self.strays.add(_by_ending(entry.name), self._below(entry.path))
                    continue
                yield str(folder), entry.name
                continue
            inner = Path(entry.path)
            real = inner.resolve() if entry.is_symlink() else chain[-1] / entry.name
            if real in chain:
                self.strays.add("a link that leads back", self._below(entry.path))
                continue
            yield from self._walk(inner, (*chain, real))

    def _entries(self, folder: Path) -> Iterator[tuple[os.DirEntry[str], bool]]:
        """What may belong to the set, each with whether it is a folder."""
        for entry in listed(self.root, folder):
            kind = self._kind(entry)
            reason = kind if isinstance(kind, str) else stray_reason(entry.name, folder=kind)
            if reason is None:
                yield entry, kind is True
            else:
                inside = _files_within(entry.path) if kind is True else 1
                if inside:
                    self.strays.add(reason, self._below(entry.path), inside)

    def _kind(self, entry: os.DirEntry[str]) -> bool | str:
        """Whether it is a folder; or why it is neither a folder nor a file of this set."""
        if entry.is_symlink():
            real = Path(entry.path).resolve()
            if not real.exists():
                return "a link that leads nowhere"
            if any(real.is_relative_to(own) or own.is_relative_to(real) for own in self._own):
                return "a link to what is in the set already"
        if entry.is_dir():
            return True
        return False if entry.is_file() else "no regular file"

    def _below(self, path: str) -> str:
        # By far faster than relpath, which a million files would wait for.
        return path[len(self._prefix) :] if path.startswith(self._prefix) else os.path.relpath(path, self.root)


def listed(root: Path, folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder.

    Raises:
        RunError: it may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError as error:
        raise RunError(
            f"The folder {legible(os.path.relpath(folder, root))} in the data folder may not be read by the worker.",
            "Give the worker's user the right to read it and to enter it.",
        ) from error


def _by_ending(name: str) -> str:
    ending = Path(name).suffix.lower()
    return f"{legible(ending[:12])} files are not read" if ending else "files without an ending are not read"


def _files_within(folder: str) -> int:
    """How many files lie in a folder and below it; links are not followed."""
    count = 0
    for _, _, files in os.walk(folder):
        count += len(files)
        if count >= _MOST_COUNTED:
            break
    return count
