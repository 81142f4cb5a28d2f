"""A module as readers of the documents have one."""

from typing import Any

import lightning.pytorch
import torch
from torch import Tensor, nn


class Classifier(lightning.pytorch.LightningModule):
    """Any module of the reader's."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)
