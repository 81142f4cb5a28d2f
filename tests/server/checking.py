"""Workers that say what they have, as a store keeps them."""

from typing import Any

from contract.version import VERSION
from db import Store

SMALL_CPU: dict[str, Any] = {
    "version": VERSION,
    "device_limit": "auto",
    "threads": 2,
    "gpus": [],
    "memory_bytes": 16_000_000_000,
    "free_memory_bytes": 8_000_000_000,
    "may_download": False,
    "sets": [],
    "folders": [],
    "weights": [],
    "models": ["cnn", "mlp", "resnet-cifar", "torchvision", "torchvision-segmentation"],
    "data": [],
}
"""A machine of two cores that has nothing but the program."""


def has_worker(store: Store, **changed: Any) -> str:
    """Registers a worker that says it is SMALL_CPU, but for what is given. Returns its id."""
    worker = store.register_worker(name="w", host="h", pid=1, device="auto", slots=1)
    store.describe_worker(worker.id, SMALL_CPU | changed)
    return worker.id
