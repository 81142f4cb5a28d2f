"""What `bench/gpu.py` finds, as a file that is whole after every line, whatever ends the script. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Source = Literal["rule", "estimate", "measured"]
"""Where a range comes from: it must hold anywhere; it was reckoned from counts and data sheets; it was measured."""


@dataclass(frozen=True)
class Range:
    """What a figure was expected to be; None: no bound on that side."""

    low: float | None
    high: float | None
    source: Source = "estimate"

    def is_missed_by(self, value: float) -> bool:
        """Whether a value lies outside. What is no number does."""
        above = self.low is None or value >= self.low
        below = self.high is None or value <= self.high
        return not (above and below) or value != value

    def __str__(self) -> str:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        return f"{self.source} {low}..{high}"


def rule(low: float | None, high: float | None) -> Range:
    """One that must hold on any device, a CPU included."""
    return Range(low, high, "rule")


def is_surprise(value: object, expected: Range | None, *, dry: bool) -> bool:
    """Whether a figure is not what was expected. A dry run can only break rules: the other ranges are a GPU's."""
    if expected is None or isinstance(value, str) or not isinstance(value, int | float):
        return False
    return (expected.source == "rule" or not dry) and expected.is_missed_by(value)


@dataclass
class Record:
    """The file: `machine`, `lines`, `failures`, `left_out`, `seconds` by section, and which section is `running`.

    Attributes:
        path: rewritten after every line, by a new file in its place.
        ended: how the script ended; None while it has not.
    """

    path: Path
    dry: bool = False
    machine: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    running: dict[str, Any] | None = None
    ended: str | None = None

    @classmethod
    def read(cls, path: Path) -> "Record":
        """What another process wrote."""
        return cls(path, **json.loads(path.read_text()))

    def keep(self) -> None:
        """Writes the file anew."""
        found = {name: value for name, value in asdict(self).items() if name != "path"}
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(found, indent=1, default=str))
        beside.replace(self.path)

    def say(self, section: str, case: str, name: str, value: Any, unit: str, expected: Range | None, note: str) -> None:
        """One figure, on the screen and in the file."""
        surprise = is_surprise(value, expected, dry=self.dry)
        self.lines.append(
            {
                "section": section,
                "case": case,
                "name": name,
                "value": value,
                "unit": unit,
                "low": expected.low if expected else None,
                "high": expected.high if expected else None,
                "source": expected.source if expected else None,
                "surprise": surprise,
                "note": note,
            }
        )
        self.keep()
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        told = f"  ({expected})" if expected else ""
        print(f"{'!' if surprise else ' '} {section:8} {case:38} {name:30} {shown} {unit}{told}  {note}", flush=True)

    def fail(self, section: str, case: str, error: str, trace: str = "") -> None:
        """Something went wrong."""
        self.failures.append({"section": section, "case": case, "error": error[:600], "trace": trace[-2000:]})
        self.keep()
        print(f"! {section:8} {case:38} FAILED {error.splitlines()[0][:200] if error else ''}", flush=True)

    def leave_out(self, section: str, case: str, why: str) -> None:
        """Something was not done."""
        self.left_out.append({"section": section, "case": case, "why": why})
        self.keep()
        print(f"  {section:8} {case:38} left out: {why}", flush=True)

    def summary(self) -> str:
        """One line for the end."""
        surprises = sum(line["surprise"] for line in self.lines)
        return (
            f"{len(self.lines)} lines, {surprises} surprises, {len(self.failures)} failures, "
            f"{len(self.left_out)} left out; {self.ended}; seconds {_rounded(self.seconds)}"
        )


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {section: round(taken, 1) for section, taken in seconds.items()}
