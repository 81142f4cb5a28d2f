"""What is tried in a fork of the warm process: a dry pass, or which GPUs torch finds. Imports torch."""

from dataclasses import asdict
from typing import Any

import torch

from trainer.config import RunConfig
from trainer.engines.workplace import Workplace
from trainer.loop.dry_pass import dry_pass


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Does a job as `trainer.engines.dry` writes it."""
    if job["job"] == "gpus":
        return {"gpus": gpus()}
    return asdict(dry_pass(RunConfig.model_validate(job["config"]), Workplace.from_json(job["workplace"])))


def gpus() -> list[dict[str, Any]]:
    """Name and memory of every GPU that torch can use."""
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return [{"name": each.name, "memory_bytes": each.total_memory} for each in found]
