"""The scripts of the libraries that pages stand on: no others than they use, and early where they come late."""

import re
from pathlib import Path

import dash_ag_grid
from dash.fingerprint import build_fingerprint

_UNUSED = re.compile(r'<script src="[^"]*/dash/(?:deps/polyfill@|dash_table/)[^"]*"></script>\n?')
"""Polyfills for browsers that run no modules, and so none of our pages; tables, where we have ag-grid's."""
_TABLE = "async-community.js"


def without_unused(tags: str) -> str:
    """Dash's tags without those of scripts that no page of ours uses; together they cost a tenth of a second."""
    return _UNUSED.sub("", tags)


def table_tag() -> str:
    """The tag of ag-grid's own code. Dash asks for it once it draws a table, by an address that is not kept."""
    file = Path(dash_ag_grid.__file__).parent / _TABLE
    address = build_fingerprint(_TABLE, dash_ag_grid.__version__, int(file.stat().st_mtime))
    return f'<script async src="/_dash-component-suites/{dash_ag_grid.__name__}/{address}"></script>'
