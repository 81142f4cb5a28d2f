"""The notebook runs from its first cell to its last, and is stored as nobody ran it.

Its cells are plain Python, so no kernel is needed: they are executed in one namespace, and where a cell's last line is
an expression, its value is displayed as Jupyter does it, by `_repr_html_` or else `repr`.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

import neq
from db import Store
from neq.client.recorded_run import RecordedRun

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "examples"
NOTEBOOK = json.loads((FOLDER / "reading_back.ipynb").read_text())
CELLS = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def execute(cell: str, names: dict[str, Any]) -> Any:
    """Runs a cell; gives the value of its last expression, or None."""
    tree = ast.parse(cell)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "the notebook", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "the notebook", "eval"), names)


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a kernel in the notebook's folder starts with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # beside other tests, two threads wait for one another most of the time
    for name in ("NEQ_TOKEN", "NEQ_MODE", "NEQ_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEQ_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    monkeypatch.delitem(sys.modules, "images", raising=False)
    yield {"__name__": "__main__"}
    torch.set_num_threads(threads)


def test_the_notebook_runs_and_shows_what_it_says(
    address: str, store: Store, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEQ_URL", address)
    shown = [execute(cell, names) for cell in CELLS]
    run = store.run(names["recording"].id)
    assert (run.state, run.epochs_done, run.name) == ("finished", 6, "reading back")
    assert [type(value) for value in shown if value is not None] == [
        neq.Run,
        neq.Run,
        RecordedRun,
        np.ndarray,
        dict,
        dict,
        go.Figure,
        go.Figure,
    ]
    for value in (names["recording"], names["run"]):
        assert run.id in value._repr_html_() and "<img" in value._repr_html_()
    assert names["conv1"].velocity.shape == (6, 16)
    assert any(fractions.max() > 0 for fractions in shown[-4].values()), "something froze"
    assert list(shown[-3]) == list(range(6))
    assert shown[-1].data[0].z.shape == (16, 6)
    names["client"].close()


@pytest.mark.usefixtures("address")
def test_its_first_half_records_without_a_server_too(names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_URL", "http://127.0.0.1:9")  # nobody answers there
    for cell in CELLS[:3]:
        execute(cell, names)
    assert names["recording"].url is None
    assert "recorded into" in names["recording"]._repr_html_() and "<img" in names["recording"]._repr_html_()


def test_it_is_stored_without_outputs_and_needs_no_kernel_of_its_own() -> None:
    code = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert len(code) == len(CELLS) > 5
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert [cell for cell in CELLS if any(line.startswith(("%", "!")) for line in cell.splitlines())] == []
    assert NOTEBOOK["metadata"]["kernelspec"]["name"] == "python3"
    assert (NOTEBOOK["nbformat"], len({cell["id"] for cell in NOTEBOOK["cells"]})) == (4, len(NOTEBOOK["cells"]))
