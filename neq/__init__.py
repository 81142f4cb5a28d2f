"""Neurons at equilibrium, for any PyTorch training loop. Needs torch and nothing else.

Source: Bragagnolo, Tartaglione, Grangetto, "To update or not to update? Neurons at equilibrium in deep models",
NeurIPS 2022, arXiv:2207.09455.
"""

from neq.equilibrium import Equilibrium, GroupEquilibrium, LayerEquilibrium
from neq.errors import NEqError, NEqWarning
from neq.memory import NEqMemory
from neq.neq import NEq
from neq.network.coverage import Coverage, ModuleCoverage
from neq.network.discovery import Watch
from neq.network.kinds import register_layer

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
