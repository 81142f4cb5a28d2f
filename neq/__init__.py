"""Neurons at equilibrium, for any PyTorch training loop; and `init`, which records one. Needs nothing of the web.

What is named here is imported once it is asked for, so that `import neq` alone costs nothing.

Source: Bragagnolo, Tartaglione, Grangetto, "To update or not to update? Neurons at equilibrium in deep models",
NeurIPS 2022, arXiv:2207.09455.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neq.client.client import Client
    from neq.equilibrium import Equilibrium, GroupEquilibrium, LayerEquilibrium
    from neq.errors import NEqError, NEqRecordingWarning, NEqWarning
    from neq.memory import NEqMemory
    from neq.neq import NEq
    from neq.network.coverage import Coverage, ModuleCoverage
    from neq.network.discovery import LayerFilter
    from neq.network.kinds import register_layer
    from neq.options import Options
    from neq.recording.run import Run
    from neq.recording.start import init
    from neq.savings.wrapping import DistributedDataParallel

__all__ = [
    "Client",
    "Coverage",
    "DistributedDataParallel",
    "Equilibrium",
    "GroupEquilibrium",
    "LayerEquilibrium",
    "LayerFilter",
    "ModuleCoverage",
    "NEq",
    "NEqError",
    "NEqMemory",
    "NEqRecordingWarning",
    "NEqWarning",
    "Options",
    "Run",
    "init",
    "register_layer",
]

_HOMES = {
    "Client": "client.client",
    "Coverage": "network.coverage",
    "DistributedDataParallel": "savings.wrapping",
    "Equilibrium": "equilibrium",
    "GroupEquilibrium": "equilibrium",
    "LayerEquilibrium": "equilibrium",
    "ModuleCoverage": "network.coverage",
    "NEq": "neq",
    "NEqError": "errors",
    "NEqMemory": "memory",
    "NEqRecordingWarning": "errors",
    "NEqWarning": "errors",
    "Options": "options",
    "Run": "recording.run",
    "init": "recording.start",
    "LayerFilter": "network.discovery",
    "register_layer": "network.kinds",
}

_OLD_NAMES = {"Watch": "LayerFilter"}


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        from neq.old_names import warn_renamed

        warn_renamed(f"neq.{name}", f"neq.{_OLD_NAMES[name]}")
        return getattr(import_module(__name__), _OLD_NAMES[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'neq' has no attribute {name!r}")
    found = getattr(import_module(f"neq.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
