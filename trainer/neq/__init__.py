"""Neurons at equilibrium, for any PyTorch training loop. Needs torch and nothing else.

Source: Bragagnolo, Tartaglione, Grangetto, "To update or not to update? Neurons at equilibrium in deep models",
NeurIPS 2022, arXiv:2207.09455.
"""

from trainer.neq.coverage import Coverage, ModuleCoverage
from trainer.neq.discovery import Watch
from trainer.neq.equilibrium import Equilibrium, GroupEquilibrium, LayerEquilibrium
from trainer.neq.errors import NEqError, NEqWarning
from trainer.neq.kinds import register_layer
from trainer.neq.memory import NEqMemory
from trainer.neq.neq import NEq

__all__ = [
    "Coverage",
    "Equilibrium",
    "GroupEquilibrium",
    "LayerEquilibrium",
    "ModuleCoverage",
    "NEq",
    "NEqError",
    "NEqMemory",
    "NEqWarning",
    "Watch",
    "register_layer",
]
