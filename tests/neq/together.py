"""Two processes that train together, over gloo."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed

WORLD = 2


def in_two_processes(work: Callable[..., None], *arguments: Any) -> None:
    """Calls work(rank, *arguments) in each; an error of either is raised here.

    Both are forked from a server that has imported torch once for all tests, and end with the test's own process: where
    they wait for each other in vain, nothing waits for them.
    """
    torch.multiprocessing.set_forkserver_preload(["torch.distributed", "neq", "pytest"])
    torch.multiprocessing.start_processes(work, args=arguments, nprocs=WORLD, start_method="forkserver", daemon=True)


@contextmanager
def group_of_two(rank: int, meeting: Path) -> Iterator[None]:
    """The process as a member of the group whose members meet at this file; it ends with the block, if that succeeds.

    It ends without the interpreter's last steps: now and then gloo's threads are still there then, and abort a process
    that has done all it had to do.
    """
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=WORLD)
    yield
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    os._exit(0)
