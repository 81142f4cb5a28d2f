"""Secrets that come in files, as containers are given them: NAME_FILE in place of NAME, as official images have it."""

from collections.abc import MutableMapping
from pathlib import Path

NAMES = ("NEQ_TOKEN", "PGPASSWORD")


class SecretFileWrong(Exception):
    """A file that is named cannot be read, or its secret is given twice; the message says which and what to do."""


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """Sets each secret whose file is named, in place of that name; a line break at the file's end is not part of it.

    Raises:
        SecretFileWrong: see there.
    """
    for name in NAMES:
        if not (path := environment.get(f"{name}_FILE")):
            continue
        if environment.get(name):
            raise SecretFileWrong(f"{name} and {name}_FILE are both set: drop one")
        try:
            secret = Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SecretFileWrong(f"{name}_FILE: {path} cannot be read: {reason}") from error
        if not secret or "\n" in secret:
            raise SecretFileWrong(f"{name}_FILE: {path} has to hold one line, the secret")
        environment[name] = secret
        del environment[f"{name}_FILE"]  # processes that are started from here have the secret itself
