"""Hugging Face's Trainer, recorded: python examples/hf_trainer.py

The model is made from its description alone; nothing is downloaded. Trainer's own reports (--report-to tensorboard) go
on beside the recording.
"""

import argparse

import torch
from images import CLASSES, fashion_mnist
from torch import Tensor
from transformers import EvalPrediction, Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

import neq
from neq.integrations.transformers import NEqTrainerCallback

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=5000, help="to train on")
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--report-to", default="none", help="Trainer's own reports, such as tensorboard")
parser.add_argument("--output", default="trainer-output", help="folder of Trainer's checkpoints and reports")
args = parser.parse_args()


def rows(part: str, count: int) -> list[dict[str, Tensor]]:
    """A data set as Trainer takes one."""
    return [{"pixel_values": image, "labels": label} for image, label in zip(*fashion_mnist(part, count), strict=True)]


def accuracy(found: EvalPrediction) -> dict[str, float]:
    """Of the pictures that were not trained on."""
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4}
config = ViTConfig(image_size=28, patch_size=7, num_channels=1, num_labels=CLASSES, **sizes)
probe = [{"pixel_values": fashion_mnist("test", 100)[0]}]

with neq.init("Trainer", config=vars(args), tags=["example"], epochs=args.epochs) as run:
    trainer = Trainer(
        ViTForImageClassification(config),
        TrainingArguments(
            output_dir=args.output,
            num_train_epochs=args.epochs,
            learning_rate=args.lr,
            per_device_train_batch_size=100,
            per_device_eval_batch_size=100,
            logging_strategy="epoch",
            eval_strategy="epoch",
            save_strategy="no",
            report_to=args.report_to,
        ),
        train_dataset=rows("train", args.images),
        eval_dataset=rows("test", 600)[100:],
        compute_metrics=accuracy,
        callbacks=[NEqTrainerCallback(probe, epsilon=1e-3, run=run)],
    )
    trainer.train()
