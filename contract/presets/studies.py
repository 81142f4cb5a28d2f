"""The paper's studies: what it varied, as it was published and scaled to a CPU.

The published values: the rows of `paper.py`, and what NeurIPS 2022 (arXiv 2207.09455) shows of its sweeps of ε and μ on
ResNet-32 and CIFAR-10. What is not known to us has no point.
"""

from typing import Any

from contract.presets.demos import DEMOS
from contract.presets.paper import PAPER, SOURCE
from contract.presets.preset import Preset
from contract.presets.study import PublishedPoint, PublishedStudy, Scale, Study, with_neq

_BY_NAME = {preset.name: preset for preset in (*DEMOS, *PAPER)}
_SGD, _ADAM = _BY_NAME["paper-resnet32-sgd"], _BY_NAME["paper-resnet32-adam"]
_NOT_COMMON = ("name", "tags")


def _base(preset: Preset, *without: str) -> dict[str, Any]:
    return {name: value for name, value in preset.config.items() if name not in (*_NOT_COMMON, *without)}


_HERE, _PAPER = _base(_BY_NAME["demo-sgd"]), _base(_SGD)
_OFFICIAL = "μ above 0.5 exists only in the formula of the authors' released code, so that all runs use it."
_FULL = "ResNet-32 on CIFAR-10 for 250 epochs, as published: needs CIFAR-10 in the data folder, and a GPU."
_SMALL = (
    "The paper trains ResNet-32 on CIFAR-10 for 250 epochs; here a small CNN learns 6,000 bundled images for 40 "
    "epochs, about two minutes per run on one CPU core."
)
_EPSILONS = {0: (0.9305, 0.009), 1e-4: (0.9295, 0.202), 5e-4: (0.9310, 0.933), 1e-3: (0.9297, 0.98)} | {
    epsilon: (accuracy, 0.9956)
    for epsilon, accuracy in ((5e-3, 0.9198), (1e-2, 0.9139), (5e-2, 0.8649), (0.1, 0.8398), (0.5, 0.7470))
}
_MUS = {0: 0.9242, 0.5: 0.9251, 0.9: 0.9253}


def _row(label: str, preset: Preset) -> PublishedPoint:
    """The recipe's own row of the paper's table."""
    figures = preset.published.figures if preset.published else ()
    row = next(figure for figure in figures if figure.kind == "neq")
    known = {"test_accuracy": row.score, "frozen_fraction": row.frozen_fraction}
    metrics = {name: value for name, value in known.items() if value is not None}
    return PublishedPoint(label=label, values={"optimizer.kind": preset.config["optimizer"]["kind"]}, metrics=metrics)


def _optimizers(*presets: Preset) -> dict[str, list[Any]]:
    return {"optimizer": [preset.config["optimizer"] for preset in presets]}


STUDIES: tuple[Study, ...] = (
    Study(
        "optimizer",
        "SGD against Adam",
        "Do neurons reach equilibrium earlier under Adam than under SGD, and what does it cost in accuracy?",
        PublishedStudy(
            source=SOURCE,
            points=(_row("SGD", _SGD), _row("Adam", _ADAM)),
            words="Under Adam the paper's runs freeze steadily from epoch 25 on; under SGD nearly all neurons freeze "
            "after the last drop in learning rate. Accuracy: 92.96 ± 0.21 % (SGD), 92.0 % (Adam).",
        ),
        Scale(
            "here",
            _SMALL,
            _base(_BY_NAME["demo-sgd"], "optimizer"),
            _optimizers(_BY_NAME["demo-sgd"], _BY_NAME["demo-adam"]),
            seeds=3,
        ),
        Scale("paper", _FULL, _base(_SGD, "optimizer", "recipe"), _optimizers(_SGD, _ADAM), seeds=3),
    ),
    Study(
        "epsilon",
        "Threshold ε",
        "How large may ε be before freezing costs accuracy?",
        PublishedStudy(
            source=SOURCE,
            points=tuple(
                PublishedPoint(
                    label=f"ε {epsilon:g}",
                    values={"neq.epsilon": epsilon},
                    metrics={"test_accuracy": accuracy, "frozen_fraction": frozen},
                )
                for epsilon, (accuracy, frozen) in _EPSILONS.items()
            ),
            words="Up to ε 0.001 the paper's accuracy stays within 0.15 points while 98 % of the neurons freeze; "
            "beyond, it falls, to 74.7 % at ε 0.5. The released code, which the published curves come from, decides by "
            "another recursion: formula “official”.",
        ),
        Scale("here", _SMALL, _HERE, {"neq.epsilon": list(_EPSILONS)}),
        Scale("paper", _FULL, _PAPER, {"neq.epsilon": list(_EPSILONS)}),
    ),
    Study(
        "mu",
        "Velocity momentum μ",
        "Does μ change the accuracy, or only when neurons freeze?",
        PublishedStudy(
            source=SOURCE,
            points=tuple(
                PublishedPoint(label=f"μ {mu:g}", values={"neq.mu": mu}, metrics={"test_accuracy": accuracy})
                for mu, accuracy in _MUS.items()
            ),
            words="The paper's accuracy hardly changes: 92.42 %, 92.51 %, 92.53 % at μ 0, 0.5, 0.9, with a tenth of "
            "the images as probe set. Its frozen fractions are not known to us.",
        ),
        Scale("here", f"{_SMALL} {_OFFICIAL}", with_neq(_HERE, formula="official"), {"neq.mu": list(_MUS)}, seeds=3),
        Scale(
            "paper",
            f"{_FULL} The probe set is a tenth of the training images. {_OFFICIAL}",
            with_neq(_PAPER, formula="official", probe={"kind": "fraction", "fraction": 0.1}),
            {"neq.mu": list(_MUS)},
            seeds=3,
        ),
    ),
    Study(
        "probe-size",
        "Size of the probe set",
        "How many images does the probe set need before what freezes, and the accuracy, no longer change?",
        PublishedStudy(
            source=SOURCE,
            points=(),
            words="No published value for a sweep of sizes is known to us, so that no points are drawn. The paper used "
            "50 images for its table and its sweep of ε, and 10 % of the images for its sweep of μ.",
        ),
        Scale(
            "here",
            f"{_SMALL} Sizes from one image per class to a tenth of the training images.",
            _HERE,
            {"neq.probe.samples": [10, 50, 200, 600]},
        ),
        Scale(
            "paper",
            f"{_FULL} Sizes: the paper's 50, the 500 of the released commands, and 10 %.",
            _PAPER,
            {"neq.probe.samples": [50, 500, 5000]},
            seeds=3,
        ),
    ),
)
"""In the order that a form shows them."""
