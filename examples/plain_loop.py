"""A training loop of your own, recorded: python examples/plain_loop.py

While it trains, the page whose address it prints shows which neurons freeze. Where no server runs, it records into
./neq-runs, and `neq sync` sends that later.
"""

import argparse

import torch
from images import CLASSES, fashion_mnist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import neq

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--images", type=int, default=5000, help="to train on")
parser.add_argument("--lr", type=float, default=0.05)
args = parser.parse_args()

train = DataLoader(TensorDataset(*fashion_mnist("train", args.images)), batch_size=100, shuffle=True)
images, labels = fashion_mnist("test", 1000)
probe = images[:100].split(50)  # held back from training, the same in every epoch
epochs = args.epochs


def train_one_epoch(model: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """The mean loss."""
    total = 0.0
    for inputs, targets in train:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(train)


@torch.no_grad()
def evaluate(model: nn.Module) -> float:
    """The accuracy on pictures that were not trained on."""
    model.eval()
    right = (model(images[100:]).argmax(1) == labels[100:]).float().mean()
    model.train()
    return right.item()


torch.manual_seed(0)
model = nn.Sequential(
    *(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Flatten(), nn.Linear(32 * 5 * 5, CLASSES)),
)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)

run = neq.init("plain loop", config=vars(args), tags=["example"])  # prints the page's address
watch = run.watch(model, optimizer, probe, epsilon=1e-3)  # an NEq; freeze=False only looks
for epoch in range(epochs):
    loss = train_one_epoch(model, optimizer)
    watch.end_epoch(loss=loss, accuracy=evaluate(model))  # measures, freezes, streams
run.finish()
