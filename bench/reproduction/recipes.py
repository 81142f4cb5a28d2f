"""The shortened runs: the paper's recipe for ResNet-32 on CIFAR-10, with everything that is not shortened kept."""

from typing import Any

from contract.config import RunConfig

PAPER_EPOCHS = 250
EPOCHS = 25
"""A tenth of the paper's; the milestones, 100 and 150 there, are scaled with them."""

_OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
    "adam": {"kind": "adam", "learning_rate": 1e-3},
}
REPRODUCTIONS = tuple(f"{optimizer}-{kind}" for optimizer in _OPTIMIZERS for kind in ("official", "paper", "dense"))


def shortened(optimizer: str, *, formula: str = "paper", select: str = "equilibrium", seed: int = 0) -> RunConfig:
    """1,050 training images, of which 50 are the probe set, and 1,000 test images; 20 steps an epoch."""
    return RunConfig.model_validate(
        {
            "name": f"Shortened ResNet-32 · {optimizer} · {'dense' if select == 'none' else formula}",
            "tags": ["shortened"],
            "data": {"kind": "cifar10", "train_samples": 1050, "test_samples": 1000},
            "model": {"kind": "resnet-cifar", "depth": 32},
            "optimizer": _OPTIMIZERS[optimizer],
            "schedule": {"kind": "multistep", "milestones": [10, 15], "gamma": 0.1},
            "training": {"epochs": EPOCHS, "batch_size": 50, "seed": seed},
            "neq": {
                "epsilon": 1e-3,
                "mu": 0.5,
                "formula": formula,
                "select": {"kind": select},
                "probe": {"kind": "split", "samples": 50},
            },
            "compute": {"device": "cpu"},
        }
    )


def reproduction(name: str) -> RunConfig:
    """`sgd-official`, `adam-dense` and so on."""
    optimizer, kind = name.split("-")
    if kind == "dense":
        return shortened(optimizer, select="none")
    return shortened(optimizer, formula=kind)


def compared(seed: int) -> RunConfig:
    """A small CNN with SGD and the paper's formula, for the comparison with controls: 16 epochs of 30 steps.

    ResNet-32 learns next to nothing in the time that twelve trainings may take on one core: 20 % accuracy.
    """
    return RunConfig.model_validate(
        {
            "data": {"kind": "cifar10", "train_samples": 1550, "test_samples": 1000},
            "model": {"kind": "cnn", "channels": [16, 16, 32, 32, 64, 64]},
            "optimizer": _OPTIMIZERS["sgd"],
            "schedule": {"kind": "multistep", "milestones": [6, 10], "gamma": 0.1},
            "training": {"epochs": 16, "batch_size": 50, "seed": seed},
            "neq": {"epsilon": 1e-3, "mu": 0.5, "formula": "paper", "probe": {"kind": "split", "samples": 50}},
            "compute": {"device": "cpu"},
        }
    )
