"""How many processors this process may use."""

import os


def usable_processors() -> int:
    """Those that the system lets it run on, where it tells (Linux); else those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return getattr(os, "process_cpu_count", os.cpu_count)() or 1
