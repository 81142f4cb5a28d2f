"""A vision transformer of timm, fine-tuned: python examples/timm_vit.py --pretrained

--pretrained downloads its weights from ImageNet; without it, they are random and nothing is downloaded.
"""

import argparse

import timm
import torch
from images import CLASSES, fashion_mnist
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import neq

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="vit_tiny_patch16_224")
parser.add_argument("--pretrained", action="store_true", help="download weights")
parser.add_argument("--image-size", type=int, default=28, help="timm fits the positions to it")
parser.add_argument("--patch-size", type=int, default=7, help="timm fits the patches to it")
parser.add_argument("--depth", type=int, default=12, help="blocks; fewer are quicker, and have no weights to download")
parser.add_argument("--images", type=int, default=5000, help="to train on")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=3e-4)
args = parser.parse_args()

torch.manual_seed(0)
model = timm.create_model(
    args.model,
    pretrained=args.pretrained,
    num_classes=CLASSES,
    in_chans=1,
    img_size=args.image_size,
    patch_size=args.patch_size,
    depth=args.depth,
)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
train = DataLoader(TensorDataset(*fashion_mnist("train", args.images)), batch_size=100, shuffle=True)
images, labels = fashion_mnist("test", 600)
probe = [images[:100]]  # held back from training

with neq.init("timm ViT", config=vars(args), tags=["example"], epochs=args.epochs) as run:
    watch = run.watch(model, optimizer, probe, epsilon=1e-3)
    for epoch in range(args.epochs):
        for done, (inputs, targets) in enumerate(train, start=1):
            loss = cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train": {"loss": loss}}, epoch=epoch)
            run.progress(done, len(train))
        with torch.no_grad():
            accuracy = (model.eval()(images[100:]).argmax(1) == labels[100:]).float().mean()
        model.train()
        equilibrium = watch.end_epoch(accuracy=accuracy)
        print(f"epoch {epoch}: {accuracy:.1%} right, {equilibrium.frozen_fraction:.0%} of the neurons freeze")
        if run.should_stop:  # the page's Stop button
            break
