"""The types that the browser's code is checked by say what the server says."""

import re
from types import UnionType
from typing import get_args

import pytest
from pydantic import BaseModel

from contract.events import EpochFinished, EpochProgressed, Event
from server.live.viewer import ClientMessage
from tests.scripts.api_types import ROOT, WRITTEN, generated

pytestmark = pytest.mark.slow

LIVE = (ROOT / "dashboard" / "types" / "live.d.ts").read_text()
INTERFACE = re.compile(r"^export interface (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^  (\w+)(\??): (.*);$", re.MULTILINE)
FROM_THE_API = (EpochFinished, EpochProgressed)
"""Described by OpenAPI, and taken from there."""


def members(union: object) -> tuple[type[BaseModel], ...]:
    """The models of `Annotated[A | B, Field(discriminator=…)]`."""
    (models, *_) = get_args(union)
    assert isinstance(models, UnionType)
    return get_args(models)


MESSAGES = (*members(ClientMessage), *members(Event))


def written() -> dict[str, dict[str, tuple[bool, str]]]:
    """By interface and field of live.d.ts: whether it may be left out, and its type."""
    return {
        name: {field: (bool(optional), type_) for field, optional, type_ in FIELD.findall(body)}
        for name, body in INTERFACE.findall(LIVE)
    }


def test_the_types_of_the_api_are_those_of_this_server() -> None:
    assert WRITTEN.read_text() == generated(), "stale: write them anew with `make types`"


@pytest.mark.parametrize("model", sorted({*MESSAGES} - {*FROM_THE_API}, key=str), ids=lambda model: model.__name__)
def test_a_message_of_the_socket_is_described_field_by_field(model: type[BaseModel]) -> None:
    fields = written()[model.__name__]
    assert set(fields) == set(model.model_fields)
    for name, (optional, type_) in fields.items():
        field = model.model_fields[name]
        nullable = type(None) in get_args(field.annotation)
        assert nullable == ("null" in type_), f"{name}: {type_}"
        assert not optional or not field.is_required(), name


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.__name__)
def test_a_message_of_the_socket_is_one_of_its_union(model: type[BaseModel]) -> None:
    union = "FromBrowser" if model in members(ClientMessage) else "RunEvent"
    said = re.search(rf"export type {union} =(.*?);", LIVE, re.DOTALL)
    assert said
    assert model.__name__ in re.findall(r"\w+", said[1])
