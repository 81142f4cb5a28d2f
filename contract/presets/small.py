"""The paper's kinds of run, small enough for two CPU cores and for data that need no download."""

from typing import Any

from contract.presets.preset import Preset

_RESNET20: dict[str, Any] = {
    "data": {"kind": "fashion-mnist-mini", "train_samples": 2000},
    "model": {"kind": "resnet-cifar", "depth": 20},
    "schedule": {"kind": "multistep", "milestones": [8, 12], "gamma": 0.1},
    "training": {"epochs": 20, "batch_size": 100},
    "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "split", "samples": 50}},
}

SMALL: tuple[Preset, ...] = (
    Preset(
        "small-resnet20-sgd",
        "Small: ResNet-20, SGD",
        "The paper's main recipe, its schedule shortened to 20 epochs, on 2,000 bundled images. A few minutes on two "
        "CPU cores.",
        {
            "name": "Small ResNet-20 · SGD",
            "tags": ["small"],
            "optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
            **_RESNET20,
        },
    ),
    Preset(
        "small-resnet20-adam",
        "Small: ResNet-20, Adam",
        "The same with Adam. A few minutes on two CPU cores.",
        {
            "name": "Small ResNet-20 · Adam",
            "tags": ["small"],
            "optimizer": {"kind": "adam", "learning_rate": 1e-3},
            **_RESNET20,
        },
    ),
    Preset(
        "small-resnet18",
        "Small: ResNet-18",
        "The network of the paper's ImageNet run on 1,500 bundled images of 28 px, 15 epochs with two drops. A few "
        "minutes on two CPU cores.",
        {
            "name": "Small ResNet-18",
            "tags": ["small"],
            "data": {"kind": "fashion-mnist-mini", "train_samples": 1500},
            "model": {"kind": "torchvision", "name": "resnet18"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
            "schedule": {"kind": "step", "step_size": 5, "gamma": 0.1},
            "training": {"epochs": 15, "batch_size": 50, "gradient_accumulation_steps": 2},
            "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "split", "samples": 50}},
        },
    ),
    Preset(
        "small-swin",
        "Small: Swin-T",
        "A randomly initialised Swin Transformer on synthetic patterns of 32 px: AdamW, cosine schedule with "
        "warm-up, 10 epochs. A few minutes on two CPU cores.",
        {
            "name": "Small Swin-T",
            "tags": ["small"],
            "data": {
                "kind": "synthetic",
                "classes": 10,
                "channels": 3,
                "size": 32,
                "train_samples": 400,
                "test_samples": 100,
            },
            "model": {"kind": "torchvision", "name": "swin_t"},
            "optimizer": {"kind": "adamw", "learning_rate": 5e-4, "weight_decay": 0.05},
            "schedule": {"kind": "cosine", "interval": "step", "warmup": 2},
            "training": {"epochs": 10, "batch_size": 50, "max_grad_norm": 5.0, "label_smoothing": 0.1},
            "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "split", "samples": 50}},
        },
    ),
    Preset(
        "small-deeplabv3",
        "Small: DeepLabv3",
        "Segmentation of synthetic scenes with DeepLabv3 on MobileNet, its auxiliary head included; SGD, polynomial "
        "schedule, 15 epochs. A few minutes on two CPU cores.",
        {
            "name": "Small DeepLabv3",
            "tags": ["small"],
            "data": {"kind": "synthetic-segmentation", "size": 48, "train_samples": 300, "test_samples": 60},
            "model": {"kind": "torchvision-segmentation", "name": "deeplabv3_mobilenet_v3_large"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
            "schedule": {"kind": "polynomial", "power": 0.9},
            "training": {"epochs": 15, "batch_size": 16},
            "neq": {"epsilon": 2e-2, "mu": 0.5, "probe": {"kind": "split", "samples": 40}},
        },
    ),
)
