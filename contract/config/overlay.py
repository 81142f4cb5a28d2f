"""A part of a description laid over a whole one."""

from typing import Any


def laid_over(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The whole with the part's fields in place of its own; a choice of another `kind` brings its own fields alone."""
    result = dict(whole)
    for name, value in part.items():
        mine = result.get(name)
        if (
            isinstance(value, dict)
            and isinstance(mine, dict)
            and value.get("kind", mine.get("kind")) == mine.get("kind")
        ):
            result[name] = laid_over(mine, value)
        else:
            result[name] = value
    return result
