"""Pages below a path prefix: addresses of ours are written from the root on, and get the prefix here, all at once."""

from html import escape
from typing import Any
from urllib.parse import unquote

from dash.development.base_component import Component

_ADDRESSES = ("href", "src")


class Root:
    """The path prefix below which a proxy shows the pages; empty where there is none."""

    def __init__(self, path: str = "") -> None:
        """Args: path: percent-encoded, with a slash in front and none behind."""
        self.path = path

    def document(self, index: str) -> str:
        """The document, told the prefix: its own addresses have it, and scripts find it in `data-root`."""
        if not self.path:
            return index
        told = index.replace("<html ", f'<html data-root="{escape(self.path)}" ', 1)
        for name in _ADDRESSES:
            told = told.replace(f'{name}="/', f'{name}="{escape(self.path)}/')
        return told

    def within(self, path: str) -> str:
        """An address as pages know it, from one that a browser shows."""
        depth = self.path.count("/") + 1
        parts = (path or "/").split("/")
        below = depth > 1 and unquote("/".join(parts[:depth])) == unquote(self.path)
        return "/" + "/".join(parts[depth:]) if below else path

    def put_before(self, part: Any) -> Any:
        """The part of a page, every address of ours in it below the prefix."""
        if self.path:
            self._walk(part)
        return part

    def _walk(self, part: Any) -> None:
        if isinstance(part, list | tuple):
            for each in part:
                self._walk(each)
        elif isinstance(part, Component):
            for name in part._prop_names:
                self._prefix(part, name, getattr(part, name, None))

    def _prefix(self, part: Component, name: str, value: Any) -> None:
        if name in _ADDRESSES and isinstance(value, str):
            if value.startswith("/") and not value.startswith("//"):
                setattr(part, name, self.path + value)
        else:
            self._walk(value)
