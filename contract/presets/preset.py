"""What a preset is, and what a publication said of the run that it repeats."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of a published table; None stands for what was not published.

    Attributes:
        kind: `dense`, nothing frozen; `neq`; or `random`, a matched share frozen at random.
        score: in 0–1, after the last epoch, of the metric that the table is about.
        spread: of the score over seeds, one standard deviation, in the same unit.
        backward_flops: the paper's count for one sample, mean over the run: 2 × MACs × (1 − frozen share), summed over
            layers, the gradient by inputs left out.
        frozen_share: of all neurons, decided at the last epoch's end; 0–1.
    """

    kind: Literal["dense", "neq", "random"]
    score: float | None
    spread: float | None = None
    backward_flops: float | None = None
    frozen_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published of a run.

    Attributes:
        source: where.
        metric: what the scores are: `accuracy` is a run's test accuracy, `miou` its score of that name.
        figures: the rows.
        frozen_curve: (epoch, frozen share) read off the published curve; empty where there is none.
        differs: how the recipe differs from the published run, in a sentence; empty: not that we know.
    """

    source: str
    metric: Literal["accuracy", "miou"]
    figures: tuple[Figure, ...]
    frozen_curve: tuple[tuple[int, float], ...] = ()
    differs: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named starting point.

    Attributes:
        name: for commands and addresses, such as `demo-sgd`.
        title: for people.
        description: what it shows and how long it takes, in a sentence or two.
        config: the fields of a RunConfig that differ from its defaults.
        published: what was published of this run; a run tells by its `recipe` that it came from here.
    """

    name: str
    title: str
    description: str
    config: dict[str, Any] = field(default_factory=dict)
    published: Published | None = None
