"""A callback says once, at the start, how much is watched where that is not nearly all."""

import logging

import pytest
import torch
from torch import nn
from torch.optim import SGD

from neq.integrations.attachment import Attachment


def told(model: nn.Module, caplog: pytest.LogCaptureFixture) -> list[str]:
    attachment = Attachment({"checks": "off"}, None, explain=False)
    with caplog.at_level(logging.WARNING, "neq.integrations.attachment"):
        attachment.begin(model, SGD(model.parameters(), lr=0.1), [torch.randn(3, 4)], epoch=0)
        attachment.end_epoch(1)
    return [record.getMessage() for record in caplog.records]


def test_a_model_that_is_watched_in_part_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    (words,) = told(nn.Sequential(nn.Linear(4, 4), nn.PReLU(4)), caplog)
    assert words.startswith("NEq watches 83.3 % of the trainable parameters; not watched are 1 (PReLU): see")


def test_a_model_that_is_watched_whole_is_not(caplog: pytest.LogCaptureFixture) -> None:
    assert told(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), caplog) == []
