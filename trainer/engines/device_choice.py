"""What a worker may train on, as it is told: `auto`, `cpu`, `cuda`, `cuda:1`, `cuda:0,cuda:2`, `xpu`, `mps`."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

DeviceKind = Literal["auto", "cpu", "cuda", "xpu", "mps"]
GPU_KINDS = ("cuda", "xpu", "mps")
_NUMBERED = re.compile(r"(cuda|xpu):(\d{1,3})")


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A kind of device and, where not all of its kind are meant, the numbers that torch gives them."""

    kind: DeviceKind
    numbers: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "DeviceChoice":
        """Reads what a person wrote.

        Raises:
            ValueError: it is none of these.
        """
        for kind in get_args(DeviceKind):
            if text.strip() == kind:
                return cls(kind)
        named = [_NUMBERED.fullmatch(each.strip()) for each in text.split(",")]
        found = [(match[1], int(match[2])) for match in named if match]
        kinds, numbers = {kind for kind, _ in found}, [number for _, number in found]
        if len(found) < len(named) or len(kinds) != 1 or len(set(numbers)) < len(numbers):
            raise ValueError(
                "write auto, cpu, cuda, xpu or mps, or GPUs by their numbers, such as cuda:1 or cuda:0,cuda:2"
            )
        return cls("cuda" if kinds == {"cuda"} else "xpu", tuple(numbers))
