"""What the API's answers take: real uvicorn in a process of its own, real HTTP over loopback, one request at a time.

    python bench/api.py [--times 200]

Two stored runs: one layer of 2,048 neurons over 300 epochs, and 65 layers (2,400 neurons) over 300. Each request is
timed on the client from sending until the last byte is there, after ten that are not counted. Each question is asked in
two ways: with something in the address that never was there before, so that the answer is made anew, and just so.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import machine
from bench.networks import Watched, plain
from bench.stored import Recorder
from bench.synthetic import stream
from db import Store
from tests.system import running

WIDE = plain((2048,))
DEEP = plain((37,) * 60 + (36,) * 5)
EPOCHS = 300
WARM_UP = 10


def main() -> None:
    """Prints one line a question."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=200, help="requests a line")
    times = options.parse_args().times
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        wide, deep = record(store, WIDE), record(store, DEEP)
        store.close()
        print(machine())
        print(f"n = {times} each; median [5th, 95th percentile], maximum in ms: made anew | kept; kB a reply")
        with httpx.Client(timeout=60) as client:
            for title, path in questions(wide, deep):
                url = f"{system.url}/api/v1/runs{path}"
                anew, size = measure(client, url, times, anew=True)
                kept, _ = measure(client, url, times, anew=False)
                print(f"{title:46s} {anew} | {kept} {size / 1e3:9.1f}", flush=True)


def record(store: Store, layers: Watched) -> str:
    """A finished run of `EPOCHS` synthetic epochs; its id."""
    return Recorder(store, EPOCHS).say_all(stream(layers, EPOCHS))


def questions(wide: str, deep: str) -> list[tuple[str, str]]:
    """What is asked, and at which path."""
    layer = f"/{wide}/layers/0"
    return [
        ("velocity 300 x 2,048, .npy", f"{layer}/velocity"),
        ("frozen 300 x 2,048, .npy", f"{layer}/frozen"),
        ("display 300 x 2,048, bytes", f"{layer}/display"),
        ("velocity 300 x 2,048, json", f"{layer}/velocity?format=json"),
        ("histograms of velocity 300 x 2,048", f"{layer}/histograms"),
        ("velocity 100 x 2,048, .npy", f"{layer}/velocity?epochs=:100"),
        ("display 100 x 2,048, bytes", f"{layer}/display?epochs=:100"),
        ("velocity 100 x 37, .npy", f"/{deep}/layers/30/velocity?epochs=:100"),
        ("display 100 x 37, bytes", f"/{deep}/layers/30/display?epochs=:100"),
        ("frozen overview 65 x 300, json", f"/{deep}/overview?format=json"),
        ("frozen overview 65 x 300, .npy", f"/{deep}/overview"),
        ("epochs 300, without layers", f"/{deep}/epochs?layers=false"),
        ("epochs 300, with the columns of 65 layers", f"/{deep}/epochs"),
        ("a run", f"/{deep}"),
        ("the list of runs (2)", "?limit=50"),
    ]


def measure(client: httpx.Client, url: str, times: int, *, anew: bool) -> tuple[str, int]:
    """Asks again and again, one request after the other. Returns what it took, and the bytes of a reply."""
    taken: list[float] = []
    size = 0
    for number in range(WARM_UP + times):
        asked = f"{url}{'&' if '?' in url else '?'}unknown={number}" if anew else url
        began = time.perf_counter()
        answer = client.get(asked)
        taken.append(1e3 * (time.perf_counter() - began))
        answer.raise_for_status()
        size = len(answer.content)
    counted = taken[WARM_UP:]
    cuts = quantiles(counted, n=20)
    return f"{median(counted):7.2f} [{cuts[0]:.2f}, {cuts[-1]:.2f}] {max(counted):7.2f}", size


if __name__ == "__main__":
    main()
