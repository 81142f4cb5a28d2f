"""From the `module:function` that a description of other people's names to the function."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from contract.errors import RunError
from contract.plugins import DatasetPlugin, ModelPlugin


def builder_of(config: ModelPlugin | DatasetPlugin) -> Callable[..., Any]:
    """The function that builds what is described. The name comes from the class, never from a run's description.

    Raises:
        RunError: it cannot be imported on this worker.
    """
    module, _, name = config.builder.partition(":")
    try:
        builder = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RunError(
            f"The builder of {config.kind}, {config.builder}, cannot be loaded: {error}",
            "Install what it needs where the worker runs, or correct the name in its description's class.",
        ) from error
    return builder  # type: ignore[no-any-return]
