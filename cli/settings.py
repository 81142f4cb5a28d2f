"""What a worker and the commands read from the environment: one model a process, prefix NEQ_."""

import os
import socket
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.paths import HomePath
from trainer.processors import usable_processors

DEFAULT_DATA = Path("data")
MOST_LOADERS = 32
"""Unless more are asked for: each takes some 300 MB, and keeps two batches ready."""

_MAY_BE_EMPTY = ("device", "slots", "cpu_slots", "loaders")
"""What docker-compose.yml hands on whether or not it is set, and what goes with it."""


def database_url(data: Path) -> str:
    """The embedded store's address inside a data folder."""
    from db.address import sqlite_url  # SQLAlchemy, which asking a server does not need

    return sqlite_url(data.resolve() / "neq.db")


def datasets_folder(data: Path) -> Path:
    """Where data sets are looked for inside a data folder."""
    return data.resolve() / "datasets"


def checkpoints_folder(data: Path) -> Path:
    """Where runs leave their checkpoints inside a data folder."""
    return data.resolve() / "checkpoints"


def _is_device(text: str) -> str:
    from trainer.engines.device_choice import DeviceChoice  # which asking a server does not need

    DeviceChoice.parse(text)
    return text


class WorkerSettings(BaseSettings):
    """One worker process: which store it serves and what of this machine it may use."""

    model_config = SettingsConfigDict(env_prefix="NEQ_", extra="ignore")

    database_url: str = Field(default_factory=lambda: database_url(DEFAULT_DATA))
    data_root: HomePath = Field(default_factory=lambda: datasets_folder(DEFAULT_DATA))
    checkpoints: HomePath = Field(default_factory=lambda: checkpoints_folder(DEFAULT_DATA))
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None
    download: bool = False
    device: Annotated[str, AfterValidator(_is_device)] = "auto"
    slots: int | None = Field(default=None, ge=1, le=64)
    cpu_slots: int = Field(default=2, ge=1, le=64)
    threads: int | None = Field(default=None, ge=1, le=1024)
    loaders: int | None = Field(default=None, ge=0, le=256)
    worker_name: str = Field(default_factory=socket.gethostname)
    silence_limit_seconds: float = Field(default=60.0, ge=5)
    disk_reserve_bytes: int = Field(default=8_000_000, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _set_to_nothing(cls, given: dict[str, Any]) -> dict[str, Any]:
        """A container's variable for GPUs that is set to nothing is one that nobody set."""
        return {name: value for name, value in given.items() if value != "" or name not in _MAY_BE_EMPTY}

    def slots_on(self, gpus: int) -> int:
        """Runs trained at once: what is set, else one on each of so many GPUs, else as many as a CPU takes."""
        return self.slots or min(gpus, 64) or self.cpu_slots

    def threads_per_run(self, slots: int) -> int:
        """What is set, else the processors shared out among the slots."""
        return self.threads or max(1, (os.cpu_count() or 1) // slots)

    def loaders_per_run(self, slots: int, gpus: int) -> int | None:
        """What is set; else, beside GPUs, the processors shared out among the slots; on a CPU as the data choose."""
        if self.loaders is not None or not gpus:
            return self.loaders
        return min(max(1, usable_processors() // slots), MOST_LOADERS)


class ClientSettings(BaseSettings):
    """How the commands that talk to a running server find it."""

    model_config = SettingsConfigDict(env_prefix="NEQ_", extra="ignore")

    url: str = "http://127.0.0.1:8000"
    token: SecretStr | None = None
