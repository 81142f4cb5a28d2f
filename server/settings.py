"""ServerSettings: all that the web process reads from its environment, in one model."""

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.root_path import read_root_path

SHORTEST_TOKEN = 8
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?", re.IGNORECASE)


class ServerSettings(BaseSettings):
    """Settings of the web process; each is an environment variable with the prefix `NEQ_`."""

    model_config = SettingsConfigDict(env_prefix="NEQ_", extra="ignore")

    database_url: str = Field(
        default="sqlite:///data/neq.db", description="Where the store is: sqlite:///PATH or postgresql://…"
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; other than loopback needs a token.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0: any free one.")
    token: SecretStr | None = Field(default=None, description="What every route, page and socket asks for.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Further host names that this server answers to, separated by commas."
    )
    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may show this server's in a frame, such as a notebook's: "
        "http://localhost:8888, separated by commas.",
    )
    root_path: str = Field(
        default="", description="Path prefix below which a proxy shows this server, such as /user/ana/proxy/8000."
    )
    silence_limit_seconds: float = Field(
        default=30.0, gt=0, description="A run whose worker is not heard for longer is given up."
    )
    largest_body_bytes: int = Field(
        default=1_200_000, ge=1_000, description="Larger request bodies are refused, parts of external runs apart."
    )

    disk_reserve_bytes: int = Field(
        default=8_000_000,
        ge=0,
        description="Kept beside an SQLite store, so that runs can be stopped and deleted when its disk is full.",
    )
    most_external_runs: int = Field(
        default=500, ge=1, description="Runs of scripts recorded at once, whoever's; one more that begins gets a 429."
    )
    most_connections: int = Field(default=900, ge=1, description="Connections open at once; more are closed at once.")
    most_sockets: int = Field(default=600, ge=1, description="Live sockets (open pages) at once; more get a 503.")
    largest_headers_bytes: int = Field(default=65_536, ge=1_000, description="Larger request headers get a 431.")
    header_seconds: float = Field(
        default=20.0, gt=0, description="A request whose headers, or short body, take longer is closed."
    )
    keep_alive_seconds: int = Field(default=5, ge=1, description="An idle connection is closed after so long.")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("frame_ancestors", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return (
            tuple(origin.strip() for origin in value.split(",") if origin.strip()) if isinstance(value, str) else value
        )

    @field_validator("frame_ancestors")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin, such as http://localhost:8888 or https://hub.example")
        return value

    @field_validator("root_path")
    @classmethod
    def _one_way_to_write_a_prefix(cls, value: str) -> str:
        return read_root_path(value)

    @field_validator("token", mode="before")
    @classmethod
    def _empty_token_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("token", mode="after")
    @classmethod
    def _token_fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        word = "" if value is None else value.get_secret_value()
        if word and (len(word) < SHORTEST_TOKEN or not all("!" <= character <= "~" for character in word)):
            raise ValueError(f"a token needs at least {SHORTEST_TOKEN} plain characters, and no spaces")
        return value

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach the address."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or a loopback address; any other name counts as open."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
