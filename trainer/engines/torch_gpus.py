"""Which GPUs torch finds: `python -m trainer.engines.torch_gpus cuda` prints them as JSON. Imports torch."""

import json
import sys
from typing import Any

import torch


def torch_gpus(kind: str) -> list[dict[str, Any]]:
    """Kind, number, name and memory of every GPU of a kind that torch can use, in its own order."""
    if kind == "mps":
        return [_apple()] if torch.backends.mps.is_available() else []
    module: Any = torch.get_device_module(kind)
    if not module.is_available():
        return []
    found = [module.get_device_properties(number) for number in range(module.device_count())]
    return [
        {"kind": kind, "number": number, "name": each.name, "memory_bytes": each.total_memory}
        for number, each in enumerate(found)
    ]


def _apple() -> dict[str, Any]:
    memory = torch.mps.recommended_max_memory()
    return {"kind": "mps", "number": 0, "name": "Apple GPU", "memory_bytes": memory}


if __name__ == "__main__":
    print(json.dumps(torch_gpus(sys.argv[1])))  # noqa: T201
