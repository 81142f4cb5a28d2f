"""How long does `import neq` take beyond `import torch`?

    python bench/importing.py [--rounds 15]

Each round is a new Python that imports torch, then neq.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import machine
from bench.pairs import reached, spread

CODE = "import time, torch; began = time.perf_counter(); import neq; print(time.perf_counter() - began)"
MOST_SECONDS = 0.3


def main() -> None:
    """Prints the seconds."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    asked = options.parse_args()
    print(machine())
    found = [float(subprocess.check_output([sys.executable, "-c", CODE], text=True)) for _ in range(asked.rounds)]
    print(f"import neq beyond torch: {spread(found)} s (n = {asked.rounds}): {reached(found, most=MOST_SECONDS)}")


if __name__ == "__main__":
    main()
