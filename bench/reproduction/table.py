"""The comparison's table, from the lines that compare.py wrote.

    python bench/reproduction/table.py [docs/reproduction/comparison.jsonl]

Early stop is the dense training of the same seed, ended after the last epoch that fits into NEq's time.
"""

import json
import sys
from itertools import accumulate
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Line = dict[str, Any]
ARMS = ("dense", "equilibrium", "prefix", "random")


def early_stop(dense: Line, limit: float) -> tuple[float, float, int]:
    """Accuracy, seconds and epochs of the dense training within so many seconds of the processor."""
    spent = [*accumulate(dense["processor_seconds"])]
    epochs = sum(seconds <= limit for seconds in spent)
    return dense["accuracy"][epochs - 1], spent[epochs - 1], epochs


def row(name: str, accuracies: list[float], seconds: list[float], more: str) -> str:
    """A line of the table."""
    spread = f" ± {100 * stdev(accuracies):.1f}" if len(accuracies) > 1 else ""
    return f"| {name} | {100 * mean(accuracies):.1f}{spread} % | {mean(seconds):.1f} | {more} | {len(accuracies)} |"


def main(path: Path) -> None:
    """Prints the table."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    runs = {(each["arm"], each["seed"]): each for each in lines}
    seeds = sorted({seed for _, seed in runs if all((arm, seed) in runs for arm in ARMS)})
    print(
        "| arm | test accuracy | processor's seconds | frozen share, mean over the run | seeds |\n|---|---|---|---|---|"
    )
    for arm in ARMS:
        mine = [runs[arm, seed] for seed in seeds]
        share = mean(mean(each["frozen_fraction"]) for each in mine)
        print(row(arm, [e["accuracy"][-1] for e in mine], [sum(e["processor_seconds"]) for e in mine], f"{share:.1%}"))
    for arm in ("equilibrium", "prefix"):
        limits = [sum(runs[arm, seed]["processor_seconds"]) for seed in seeds]
        stops = [early_stop(runs["dense", seed], limit) for seed, limit in zip(seeds, limits, strict=True)]
        epochs = ", ".join(str(epochs) for _, _, epochs in stops)
        name = f"dense, stopped early: {arm}'s time"
        print(row(name, [accuracy for accuracy, _, _ in stops], [used for _, used, _ in stops], f"epochs {epochs}"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reproduction/comparison.jsonl"))
