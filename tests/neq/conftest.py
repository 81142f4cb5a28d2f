"""One thread: these networks are so small that two wait for each other."""

import pytest
import torch

torch.set_num_threads(1)

_ABOUT_WARNINGS = ("test_self_check", "test_whats_the_users", "test_identity")
_BY_HAND = "NoStepMade", "NEqTakenOver", "NetworkDiverged"
"""What NEq says where a test changes weights itself instead of training, watches one model again, or goes too fast."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "neq" and item.path.stem not in _ABOUT_WARNINGS:
            for name in _BY_HAND:
                item.add_marker(pytest.mark.filterwarnings(f"ignore::trainer.neq.errors.{name}"))
