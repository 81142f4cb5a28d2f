"""Which GPUs torch finds: `python -m trainer.engines.torch_gpus cuda` prints them as JSON. Imports torch."""

import json
import os
import sys
from typing import Any

import torch

from trainer.engines.gpus import GROWING


def torch_gpus(kind: str) -> list[dict[str, Any]]:
    """Kind, number, name and memory of every GPU of a kind that torch can use, in its own order; and whether its memory
    can grow in segments, where this process's environment asks for that."""
    if kind == "mps":
        return [_apple()] if torch.backends.mps.is_available() else []
    module: Any = torch.get_device_module(kind)
    if not module.is_available():
        return []
    found = [module.get_device_properties(number) for number in range(module.device_count())]
    return [
        {
            "kind": kind,
            "number": number,
            "name": each.name,
            "memory_bytes": each.total_memory,
            "segments_grow": kind == "cuda" and _segments_grow(number),
        }
        for number, each in enumerate(found)
    ]


def other_kinds() -> list[str]:
    """The kinds of GPUs besides cuda that torch can use here."""
    modules: dict[str, Any] = {"xpu": torch.xpu, "mps": torch.backends.mps}
    return [kind for kind, module in modules.items() if module.is_available()]


def _segments_grow(number: int) -> bool:
    """Tried with a single byte: where the driver does not bear it, a run's first allocation would fail."""
    if os.environ.get("PYTORCH_ALLOC_CONF") != GROWING:
        return False
    try:
        torch.empty(1, dtype=torch.uint8, device=f"cuda:{number}")
    except RuntimeError:
        return False
    return True


def _apple() -> dict[str, Any]:
    memory = torch.mps.recommended_max_memory()
    return {"kind": "mps", "number": 0, "name": "Apple GPU", "memory_bytes": memory}


if __name__ == "__main__":
    print(json.dumps(torch_gpus(sys.argv[1])))  # noqa: T201
