"""A run's description from a file, as editors save it: UTF-8 or UTF-16, with a byte order mark or without."""

import json
from pathlib import Path
from typing import Any

import click

_YAML = (".yaml", ".yml")
CONVERT = "python -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' < IN.yaml > OUT.json"


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        click.UsageError: it cannot be read, or holds something else; the message says what to do.
    """
    try:
        read = json.loads(path.read_bytes())  # which finds out the encoding
    except OSError as error:
        raise click.UsageError(f"--config {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"--config {path}: it is not UTF-8; save it as UTF-8") from None
    except RecursionError:
        raise click.UsageError(f"--config {path}: it is nested too deeply for a run config") from None
    except ValueError as error:
        raise click.UsageError(f"--config {path}: {_not_json(path, error)}") from None
    if not isinstance(read, dict):
        raise click.UsageError(
            f"--config {path}: holds no JSON object; `neq launch --dry-run` prints one to start from"
        )
    return read


def _not_json(path: Path, error: ValueError) -> str:
    if path.suffix.lower() in _YAML:
        return f"expected JSON, not YAML; convert it with: {CONVERT}"
    return f"it is not valid JSON: {error}"
