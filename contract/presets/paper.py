"""The paper's runs, with what it published of them.

Source: Bragagnolo, Tartaglione, Grangetto, arXiv:2207.09455, tables and figures; hyper-parameters also from the
commands beside the authors' released code.
"""

from typing import Any

from contract.presets.preset import Figure, Preset, Published

SOURCE = "Bragagnolo, Tartaglione, Grangetto, NeurIPS 2022 (arXiv 2207.09455)"

_CIFAR: dict[str, Any] = {
    "data": {"kind": "cifar10"},
    "model": {"kind": "resnet-cifar", "depth": 32},
    "schedule": {"kind": "multistep", "milestones": [100, 150], "gamma": 0.1},
    "training": {"epochs": 250, "batch_size": 100},
    "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "split", "samples": 50}},
    "compute": {"precision": "fp16"},
}

PAPER: tuple[Preset, ...] = (
    Preset(
        "paper-resnet32-sgd",
        "Paper: ResNet-32 on CIFAR-10, SGD",
        "The paper's main experiment, 250 epochs; it reports 92.96 % accuracy and 98 % of the neurons frozen at the "
        "end. Needs CIFAR-10 in the data folder, and a GPU to finish within hours.",
        {
            **_CIFAR,
            "recipe": "paper-resnet32-sgd",
            "optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
        },
        Published(
            source=SOURCE,
            metric="accuracy",
            figures=(
                Figure(kind="dense", score=0.9285, spread=0.0023, backward_flops=138.94e6, frozen_fraction=0.0),
                Figure(kind="neq", score=0.9296, spread=0.0021, backward_flops=84.81e6, frozen_fraction=0.98),
                Figure(kind="random", score=0.9223, spread=0.0018, backward_flops=86e6),
            ),
            frozen_curve=((0, 0.014), (100, 0.014), (108, 0.2), (149, 0.07), (152, 0.05), (165, 0.95), (249, 0.98)),
        ),
    ),
    Preset(
        "paper-resnet32-adam",
        "Paper: ResNet-32 on CIFAR-10, Adam",
        "The same with Adam, where neurons reach equilibrium earlier; the paper reports 92.0 % accuracy. Needs "
        "CIFAR-10 in the data folder, and a GPU to finish within hours.",
        {
            **_CIFAR,
            "recipe": "paper-resnet32-adam",
            "optimizer": {"kind": "adam", "learning_rate": 1e-3},
        },
        Published(
            source=SOURCE,
            metric="accuracy",
            figures=(
                Figure(kind="dense", score=None, backward_flops=138.94e6, frozen_fraction=0.0),
                Figure(kind="neq", score=0.92, backward_flops=64.2e6, frozen_fraction=0.95),
            ),
            frozen_curve=((25, 0.0), (100, 0.2), (150, 0.75), (249, 0.95)),
        ),
    ),
    Preset(
        "paper-resnet18-imagenet",
        "Paper: ResNet-18 on ImageNet",
        "90 epochs; the paper reports 69.62 % accuracy with 23 % fewer backward FLOPs by its count. Needs ImageNet "
        "in the data folder and a GPU for days.",
        {
            "recipe": "paper-resnet18-imagenet",
            "data": {"kind": "imagenet"},
            "model": {"kind": "torchvision", "name": "resnet18"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
            "schedule": {"kind": "step", "step_size": 30, "gamma": 0.1},
            "training": {"epochs": 90, "batch_size": 128, "gradient_accumulation_steps": 2},
            "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "fraction", "fraction": 0.001}},
            "compute": {"precision": "fp16"},
        },
        Published(
            source=SOURCE,
            metric="accuracy",
            figures=(
                Figure(kind="dense", score=0.6990, backward_flops=3.64e9, frozen_fraction=0.0),
                Figure(kind="neq", score=0.6962, backward_flops=2.80e9),
            ),
        ),
    ),
    Preset(
        "paper-swin-b-imagenet",
        "Paper: Swin-B on ImageNet, fine-tuned",
        "30 epochs from pretrained weights; the paper reports 84.35 % accuracy with 64 % fewer backward "
        "FLOPs by its count. Needs ImageNet and torchvision's weights in the data folder, and a large GPU for days.",
        {
            "recipe": "paper-swin-b-imagenet",
            "data": {"kind": "imagenet"},
            "model": {"kind": "torchvision", "name": "swin_b", "weights": "default"},
            "optimizer": {"kind": "adamw", "learning_rate": 5e-6, "weight_decay": 1e-8},
            "schedule": {
                "kind": "cosine",
                "interval": "step",
                "warmup": 5,
                "warmup_start_factor": 1e-3,
                "eta_min": 5e-8,
            },
            "training": {
                "epochs": 30,
                "batch_size": 64,
                "gradient_accumulation_steps": 2,
                "max_grad_norm": 5.0,
                "label_smoothing": 0.1,
            },
            "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "fraction", "fraction": 0.001}},
            "compute": {"precision": "bf16"},
        },
        Published(
            source=SOURCE,
            metric="accuracy",
            figures=(
                Figure(kind="dense", score=0.8471, backward_flops=30.28e9, frozen_fraction=0.0),
                Figure(kind="neq", score=0.8435, backward_flops=10.78e9),
            ),
            differs="It starts from weights of ImageNet-1k, where the paper started from ImageNet-22k, and images are "
            "not mixed; rates are Swin's own for fine-tuning, for 128 images per step.",
        ),
    ),
    Preset(
        "paper-deeplabv3-coco",
        "Paper: DeepLabv3-ResNet-50 on COCO",
        "Segmentation into 21 classes, 30 epochs; the paper reports a mIoU of 67.22 % with 29 % fewer backward "
        "FLOPs by its count. Needs COCO and torchvision's ResNet-50 weights in the data folder, and a GPU for a day.",
        {
            "recipe": "paper-deeplabv3-coco",
            "data": {"kind": "coco"},
            "model": {
                "kind": "torchvision-segmentation",
                "name": "deeplabv3_resnet50",
                "weights": "backbone",
                "aux_lr_multiplier": 10,
            },
            "optimizer": {"kind": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
            "schedule": {"kind": "polynomial", "power": 0.9},
            "training": {"epochs": 30, "batch_size": 32},
            "neq": {"epsilon": 2e-2, "mu": 0.5, "probe": {"kind": "fraction", "fraction": 0.001}},
            "compute": {"precision": "fp16"},
        },
        Published(
            source=SOURCE,
            metric="miou",
            figures=(
                Figure(kind="dense", score=0.6771, backward_flops=305.06e9, frozen_fraction=0.0),
                Figure(kind="neq", score=0.6722, backward_flops=217.29e9),
            ),
        ),
    ),
)
