"""Runs that show within minutes what there is to see, on data that come with the program."""

from typing import Any

from contract.presets.preset import Preset

_DEMO: dict[str, Any] = {
    "data": {"kind": "fashion-mnist-mini", "train_samples": 6000},
    "model": {"kind": "cnn", "channels": [4, 8, 16, 16, 32, 32, 64, 64]},
    "schedule": {"kind": "multistep", "milestones": [12, 26], "gamma": 0.1},
    "training": {"epochs": 40, "batch_size": 100},
    "neq": {"epsilon": 1e-3, "mu": 0.5, "probe": {"kind": "split", "samples": 200}},
}
_DEMO_SGD: dict[str, Any] = {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 2.5e-3}

DEMOS: tuple[Preset, ...] = (
    Preset(
        "demo-sgd",
        "Fashion-MNIST with SGD",
        "A small CNN on the bundled images: few neurons freeze before the first drop in learning rate; "
        "after it neurons freeze and thaw, and after the second nearly all freeze. "
        "About two minutes on one CPU core.",
        {"name": "Fashion-MNIST · SGD", "tags": ["demo"], "optimizer": _DEMO_SGD, **_DEMO},
    ),
    Preset(
        "demo-adam",
        "Fashion-MNIST with Adam",
        "The same network and images with Adam: more neurons freeze after the first drop already. "
        "About two minutes on one CPU core.",
        {
            "name": "Fashion-MNIST · Adam",
            "tags": ["demo"],
            "optimizer": {"kind": "adam", "learning_rate": 3e-3, "weight_decay": 5e-3},
            **_DEMO,
        },
    ),
    Preset(
        "baseline",
        "Baseline: no freezing",
        "The demo with SGD, measured and never frozen: the baseline for comparing savings.",
        {
            "name": "Fashion-MNIST · SGD, never frozen",
            "tags": ["baseline"],
            "optimizer": _DEMO_SGD,
            **_DEMO,
            "neq": {**_DEMO["neq"], "select": {"kind": "none"}},
        },
    ),
    Preset(
        "quick-look",
        "Quick look",
        "Synthetic patterns and a tiny network: a smoke test that finishes within seconds.",
        {
            "name": "Quick look",
            "data": {"kind": "synthetic", "classes": 10, "size": 16, "train_samples": 1000, "noise": 1.0},
            "model": {"kind": "cnn", "channels": [8, 16, 32]},
            "optimizer": {"kind": "sgd", "learning_rate": 0.05},
            "schedule": {"kind": "multistep", "milestones": [10, 15]},
            "training": {"epochs": 20, "batch_size": 50},
            "neq": {"epsilon": 5e-3, "probe": {"kind": "split", "samples": 50}},
        },
    ),
)
