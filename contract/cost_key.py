"""Which runs take as long an epoch, and as much room: what is expected of one is read from the others."""

import json
from hashlib import sha256
from typing import Any

from contract.config import RunConfig

WHOLE = ("data", "model", "compute", "checkpoints")
"""Groups all of which decide what an epoch takes."""
OF_TRAINING = ("batch_size", "gradient_accumulation_steps", "max_grad_norm")
OF_NEQ = ("select", "probe", "formula", "phi", "phi_precision", "measure", "groups", "decide_by", "layers", "savings")

NEWER_COMPUTE: dict[str, Any] = {
    "processes": 1,
    "sync_batch_norm": False,
    "cpus": None,
    "gpus": None,
    "memory_gib": None,
    "labels": [],
}
"""Fields with their defaults that runs from before them do not have: such a value is in no key."""


def cost_key(config: RunConfig) -> str:
    """The same for runs that differ in nothing but what an epoch's time and size do not depend on.

    The number of epochs, the seed, rates, ε and μ do not count: how much is frozen changes an epoch's time too, by less
    than what a key of its own for every ε would cost in runs to learn from.
    """
    whole = config.model_dump(mode="json")
    told: dict[str, Any] = {name: whole[name] for name in WHOLE if name in whole}
    told["compute"] = {name: value for name, value in told["compute"].items() if NEWER_COMPUTE.get(name, ...) != value}
    told["training"] = {name: whole["training"][name] for name in OF_TRAINING}
    told["neq"] = {name: whole["neq"][name] for name in OF_NEQ}
    told["neq"]["select"] = {name: value for name, value in whole["neq"]["select"].items() if name != "run"}
    told["optimizer"] = whole["optimizer"]["kind"]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
