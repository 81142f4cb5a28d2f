"""A worker without training, in a process of its own: `python -m tests.endurance.claiming URL [MOMENT]`.

Takes runs from the queue until there is none, and says that each has finished; prints their ids. From the moment on
(a number of runs), if one is given, it holds what it claimed and waits to be killed.
"""

import os
import sys
import time
from itertools import count

from contract.events import RunFinished
from db import Store
from trainer.worker.event_records import record_of


def main(url: str, holds_after: int | None) -> None:
    """Prints one line for each run that it took."""
    store = Store.open(url)
    worker = store.register_worker(name="w", host="here", pid=os.getpid(), device="none", slots=1)
    for taken in count(1):
        if (run := store.claim(worker.id)) is None:
            break
        sys.stdout.write(f"{run.id}\n")
        sys.stdout.flush()
        if taken == holds_after:
            time.sleep(600)
        end = RunFinished(epochs=0, test_accuracy=0.5, frozen_fraction=0.0, seconds=0.0)
        store.append(run.id, worker.id, record_of(end, None))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
