"""How long a dry pass takes, once its process has imported torch: `python -m bench.dry_pass [--passes 10]`.

Tells wall-clock and processor seconds of each pass of the demo's run, and what importing torch took before the first.
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

from contract.config import RunConfig
from contract.presets import PRESETS
from trainer.engines.dry import DryPasses
from trainer.engines.environment import Workplace


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=10)
    passes = parser.parse_args().passes
    demo = next(preset for preset in PRESETS if preset.name == "demo-sgd")
    config = RunConfig.model_validate(demo.config)
    with tempfile.TemporaryDirectory() as folder:
        made = DryPasses(Workplace(Path(folder), "cpu", 1))
        began = time.perf_counter()
        made.gpus()
        print(f"importing torch, and asking it for GPUs: {time.perf_counter() - began:.2f} s")
        walls, inner = [], []
        for _ in range(passes):
            began = time.perf_counter()
            said = made.make(config)
            walls.append(time.perf_counter() - began)
            inner.append(said["seconds"])
            assert said["state"] == "ok", said
        made.close()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    for name, values in (("asked to answered", walls), ("the pass itself", inner)):
        low, high = min(values), max(values)
        print(f"{name}: median {statistics.median(values):.2f} s, {low:.2f} to {high:.2f} s, n = {len(values)}")
    print(f"processor time of all, the import included: {spent.ru_utime + spent.ru_stime:.1f} s")
    print(f"most memory of one process: {spent.ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
