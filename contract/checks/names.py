"""Names of files and folders as people read them, whatever bytes the disk has."""

import unicodedata
from pathlib import Path


def legible(name: str | Path) -> str:
    """The name composed (NFC), with escapes for what cannot be printed or is not UTF-8: `caf\\xe9.png`."""
    composed = unicodedata.normalize("NFC", str(name))
    return "".join(each if each.isprintable() else _escaped(each) for each in composed)


def _escaped(character: str) -> str:
    """Python stands a byte that is not UTF-8 in for by U+DC80 – U+DCFF."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def alike(name: str) -> str:
    """What two names share that a person cannot tell apart: "é" in one character or in two."""
    return unicodedata.normalize("NFC", name)
