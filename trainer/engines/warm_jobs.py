"""What is tried in a fork of the warm process: a dry pass, or which GPUs torch finds. Imports torch."""

import os
from dataclasses import asdict
from typing import Any

from contract.config import RunConfig
from trainer.engines.environment import Workplace
from trainer.engines.torch_gpus import other_kinds, torch_gpus
from trainer.training.dry_pass import dry_pass


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Does a job as `trainer.engines.dry` writes it."""
    if job["job"] == "gpus":
        return {"gpus": torch_gpus(job["kind"])}
    if job["job"] == "other kinds":
        return {"kinds": other_kinds()}
    os.environ.update(job["environment"])  # CUDA reads it when it is first used, which is below
    return asdict(dry_pass(RunConfig.model_validate(job["config"]), Workplace.from_json(job["workplace"])))
