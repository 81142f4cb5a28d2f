"""ServerSettings: all that the web process reads from its environment, in one model."""

from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.root_path import read_root_path

SHORTEST_TOKEN = 8


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
    root_path: str = Field(
        default="", description="Path prefix below which a proxy shows this server, such as /user/ana/proxy/8000."
    )
    silence_limit_seconds: float = Field(
        default=30.0, gt=0, description="A run whose worker is not heard for longer is given up."
    )
    largest_body_bytes: int = Field(default=1_000_000, ge=1_000, description="Larger request bodies are refused.")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("root_path")
    @classmethod
    def _one_way_to_write_a_prefix(cls, value: str) -> str:
        return read_root_path(value)

    @field_validator("token", mode="before")
    @classmethod
    def _empty_token_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @model_validator(mode="after")
    def _token_fits_a_header(self) -> Self:
        word = "" if self.token is None else self.token.get_secret_value()
        if word and (len(word) < SHORTEST_TOKEN or not all("!" <= character <= "~" for character in word)):
            raise ValueError(
                f"token: at least {SHORTEST_TOKEN} plain characters without spaces are needed (NEQ_TOKEN sets it)"
            )
        return self

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
