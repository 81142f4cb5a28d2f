"""The recording's share of an epoch's time, read from runs that the demo (or any run) left in a store.

    python bench/recorded_runs.py data/neq.db

`record` is measured by the training process around handing an epoch over, until the store has committed it; it is
told by the next epoch, so the last epoch's own is not known.
"""

import sys
from statistics import median, quantiles

from db import Store


def main(path: str) -> None:
    """Prints one line a run."""
    store = Store.open(f"sqlite:///{path}")
    for run in store.runs(limit=100).items:
        epochs = [event.payload["seconds"] for event in store.epochs_after(run.id, layers=False)]
        shares = [seconds["record"] / sum(seconds.values()) for seconds in epochs[1:]]
        if len(shares) < 2:
            continue
        p95 = quantiles(shares, n=20)[-1]
        record = median(seconds["record"] for seconds in epochs[1:])
        print(
            f"{run.id} {run.name}: record {1e3 * record:.2f} ms an epoch, median share {median(shares):.3%}, "
            f"p95 {p95:.3%}, max {max(shares):.3%} (n = {len(shares)} epochs, {run.neurons} neurons)"
        )
    store.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data/neq.db")
