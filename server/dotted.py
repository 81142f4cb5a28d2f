"""A value of a nested configuration, by its dotted path."""

from typing import Any


def value_at(config: Any, path: str) -> Any:
    """What stands at a path such as `training.seed`; None where there is nothing."""
    for name in path.split("."):
        config = config.get(name) if isinstance(config, dict) else None
    return config
