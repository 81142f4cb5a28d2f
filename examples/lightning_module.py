"""A LightningModule, recorded: python examples/lightning_module.py"""

import argparse

import torch
from images import CLASSES, fashion_mnist
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import neq
from neq.integrations.lightning import NEqCallback

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=5000, help="to train on")
parser.add_argument("--lr", type=float, default=0.05)
args = parser.parse_args()


class Classifier(LightningModule):
    """A small convolutional network."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.network = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(32 * 6 * 6, CLASSES)),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val/accuracy", (self(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)


torch.manual_seed(0)
train = DataLoader(TensorDataset(*fashion_mnist("train", args.images)), batch_size=100, shuffle=True)
images, labels = fashion_mnist("test", 600)
validation = DataLoader(TensorDataset(images[100:], labels[100:]), batch_size=100)

with neq.init("Lightning", config=vars(args), tags=["example"], epochs=args.epochs) as run:
    callback = NEqCallback([images[:100]], epsilon=1e-3, run=run)
    trainer = Trainer(max_epochs=args.epochs, callbacks=[callback], logger=False, enable_checkpointing=False)
    trainer.fit(Classifier(args.lr), train, validation)
