"""The batch script of docs/slurm.md, submitted to an `sbatch` that runs it as SLURM does."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.config import RunConfig
from db import Run, Store

pytestmark = pytest.mark.process

DOCUMENT = Path(__file__).parents[2] / "docs" / "slurm.md"
STUB = """#!/bin/bash
# Runs the script as a batch job does: a copy of it, by its own first line, with the variables of a job.
grep -q '^#!' "$1" || { echo "sbatch: error: This does not look like a batch script." >&2; exit 1; }
cp "$1" "$SPOOL/slurm_script" && chmod +x "$SPOOL/slurm_script"
export SLURM_JOB_ID=17 SLURM_JOB_END_TIME=$(( $(date +%s) + LIMIT ))
echo "Submitted batch job 17"
exec "$SPOOL/slurm_script"
"""
KNOWN = {"job-name", "time", "gpus", "cpus-per-task", "mem", "signal", "output"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    yield opened
    opened.close()


def queued(store: Store, epochs: int) -> str:
    config = RunConfig.model_validate(
        {
            "data": {"kind": "synthetic", "train_samples": 600},
            "model": {"kind": "mlp", "hidden": [8]},
            "training": {"epochs": epochs},
            "schedule": {"kind": "constant"},
        }
    )
    return store.create_run(name="run", config=config.model_dump(mode="json"), epochs_planned=epochs).id


def submit(folder: Path, *, limit: int, idle: str = "2") -> "subprocess.Popen[str]":
    """Submits the script as it stands, but for the time that it waits when idle."""
    (script,) = re.findall(r"```bash\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert set(re.findall(r"^#SBATCH --([a-z-]+)=", script, re.MULTILINE)) == KNOWN
    (folder / "worker.sbatch").write_text(re.sub(r"(?<=--until-idle )300", idle, script))
    (folder / "sbatch").write_text(STUB)
    (folder / "sbatch").chmod(stat.S_IRWXU)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NEQ_")} | {
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NEQ_DATABASE_URL": f"sqlite:///{folder / 'neq.db'}",
        "NEQ_CHECKPOINTS": str(folder / "checkpoints"),
        "SPOOL": str(folder),
        "LIMIT": str(limit),
    }
    return subprocess.Popen(
        ["sbatch", "worker.sbatch"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(store: Store, run_id: str, state: str, epochs: int = 0) -> Run:
    deadline = time.monotonic() + 90
    while (run := store.run(run_id)).state != state or run.epochs_done < epochs:
        assert time.monotonic() < deadline, run
        time.sleep(0.05)
    return run


def test_a_batch_job_trains_what_is_queued_gives_back_on_sigterm_and_the_next_one_goes_on(
    store: Store, tmp_path: Path
) -> None:
    run_id = queued(store, epochs=2000)
    first = submit(tmp_path, limit=3600)
    until(store, run_id, "running", epochs=1)
    (worker,) = store.workers()
    assert worker.name == "slurm-17" and worker.pid == first.pid  # the script became the worker: signals reach it
    os.kill(first.pid, signal.SIGTERM)
    said, _ = first.communicate(timeout=30)
    assert first.returncode == 0 and "Submitted batch job 17" in said
    done = until(store, run_id, "queued").epochs_done
    second = submit(tmp_path, limit=16)  # too late to claim, for a job that has not begun
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 0 and "the job ends soon" in said
    assert until(store, run_id, "queued").epochs_done == done
    third = submit(tmp_path, limit=3600)
    until(store, run_id, "running", epochs=done + 1)
    os.kill(third.pid, signal.SIGTERM)
    said, _ = third.communicate(timeout=30)
    assert third.returncode == 0 and f"run {run_id}: begins" in said
    kinds = [event.kind for event in store.events_after(run_id, 0)]
    assert kinds.count("run_started") == kinds.count("run_continued") == 1


def test_a_batch_job_ends_when_nothing_is_queued(store: Store, tmp_path: Path) -> None:
    run_id = queued(store, epochs=1)
    job = submit(tmp_path, limit=3600)
    said, _ = job.communicate(timeout=90)
    assert job.returncode == 0 and "no run was queued for 2 s" in said
    assert store.run(run_id).state == "finished"
