"""One thread: these networks are so small that two wait for each other. And both ways to hold frozen rows."""

import pytest
import torch

from neq.network.gradient_stop import is_plain

torch.set_num_threads(1)


@pytest.fixture(params=["by index", "by mask"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen rows are held as on a CPU, and as elsewhere."""
    if request.param == "by mask":
        monkeypatch.setattr("neq.freeze.holding.by_index", lambda parameter: not is_plain(parameter))
