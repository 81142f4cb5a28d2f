"""What a figure was measured on."""

import os
import platform
import sqlite3
from pathlib import Path


def machine() -> str:
    """Processor, cores, versions: the first line of every benchmark."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.machine()
    load = os.getloadavg()[0]
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{name}, {os.cpu_count()} cores, load {load:.1f} at the start; {versions}"
