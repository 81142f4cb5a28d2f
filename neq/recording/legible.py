"""Text as every program can read it: what is no character is written out."""

import re

_ILLEGIBLE = re.compile("[\ud800-\udfff\0]")


def legible(text: str) -> str:
    """The text with NUL and lone halves of surrogate pairs written out, such as `caf\\xe9.png`.

    Python stands such halves in for bytes that are no UTF-8, as in names of files; no JSON could be sent with them.
    """
    return _ILLEGIBLE.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0:
        return "\\0"
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
