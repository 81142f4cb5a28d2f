"""Two processes that train together with accelerate; the first records, and both freeze the same neurons:

    accelerate launch --multi_gpu --num_processes 2 examples/accelerate_two_processes.py

Without GPUs put --cpu behind that: `accelerate launch --cpu` would start a single process, unless there is MPI.
"""

import argparse
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from images import CLASSES, fashion_mnist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import neq

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=5000, help="to train on")
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--cpu", action="store_true", help="train there, whatever else there is")
parser.add_argument("--masks", type=Path, help="folder into which each process writes which neurons it froze")
args = parser.parse_args()

accelerator = Accelerator(cpu=args.cpu)
torch.manual_seed(0)
model = nn.Sequential(
    nn.Flatten(), nn.Linear(28 * 28, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, CLASSES)
)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
data = DataLoader(TensorDataset(*fashion_mnist("train", args.images)), batch_size=50, shuffle=True)
model, optimizer, data = accelerator.prepare(model, optimizer, data)
probe = fashion_mnist("test", 100)[0].split(50)[accelerator.process_index :: accelerator.num_processes]  # a part each

run = neq.init("accelerate", config=vars(args), tags=["example"], epochs=args.epochs)  # records in the first process
watch = run.watch(model, optimizer, probe, epsilon=1e-2)
frozen = []
for epoch in range(args.epochs):
    for inputs, targets in data:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    equilibrium = watch.end_epoch(loss=accelerator.reduce(loss.detach(), "mean"))
    frozen.append({name: layer.frozen for name, layer in equilibrium.layers.items()})
    if broadcast(torch.tensor(int(run.should_stop))):  # the first process alone hears the page's Stop button
        break
if args.masks:
    torch.save(frozen, args.masks / f"{accelerator.process_index}.pt")
run.finish()
accelerator.end_training()
