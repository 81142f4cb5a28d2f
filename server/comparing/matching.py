"""Which layer of one run is which of another, and whether single neurons of the two are the same neurons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from db import Run
from server.dotted import value_at

By = Literal["name", "place"]
SEED = "training.seed"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two layers that stand for each other, by their indices."""

    a: int
    b: int


def matched(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> tuple[By, list[Pair]]:
    """Layers by name; where the runs have no name in common, by their place in the network.

    Args:
        a, b: the layers of two runs in forward order: `index`, `name`, `neurons`.
    """
    named = {each["name"]: int(each["index"]) for each in b}
    pairs = [Pair(int(each["index"]), named[each["name"]]) for each in a if each["name"] in named]
    if pairs:
        return "name", pairs
    return "place", [Pair(int(one["index"]), int(other["index"])) for one, other in zip(a, b, strict=False)]


def differing(a: tuple[Run, Sequence[Mapping[str, Any]]], b: tuple[Run, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Why neuron 5 of one run is not known to be neuron 5 of the other; empty: it is.

    `seed`, `network`, `data`: they differ in it. `unknown weights`: a script does not tell what it began with.
    """
    (run_a, layers_a), (run_b, layers_b) = a, b
    shapes = [[(each["name"], each["neurons"]) for each in layers] for layers in (layers_a, layers_b)]
    if run_a.id == run_b.id:
        return []
    reasons = []
    # What a script calls its settings is its own: only two runs that a worker trained differ in a setting's value.
    launched = run_a.source == run_b.source == "launched"
    if launched and value_at(run_a.config, SEED) != value_at(run_b.config, SEED):
        reasons.append("seed")
    if shapes[0] != shapes[1] or (launched and run_a.config.get("model") != run_b.config.get("model")):
        reasons.append("network")
    if launched and run_a.config.get("data") != run_b.config.get("data"):
        reasons.append("data")
    return reasons if launched or reasons else ["unknown weights"]
