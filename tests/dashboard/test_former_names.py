"""Pages show a renamed field once, under today's name, whatever the run was stored with."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from plotly.utils import PlotlyJSONEncoder

from contract.config import RunConfig
from contract.former_names import with_former_names
from dashboard.api import Api
from dashboard.pages import compare, new_run, run
from db import Store

pytestmark = pytest.mark.slow

TODAYS = {"kind": "multistep", "milestones": [3], "gamma": 0.25}
STORED = RunConfig.model_validate({"schedule": TODAYS}).model_dump(mode="json")


@pytest.fixture(params=["today's names", "former names"])
def run_id(request: pytest.FixtureRequest, store: Store) -> str:
    """A run in the store, as this program writes it and as the one before did."""
    config = STORED
    if request.param == "former names":
        both = with_former_names(RunConfig, STORED)
        schedule = {name: value for name, value in both["schedule"].items() if name != "gamma"}
        config = both | {"schedule": schedule}
    return store.create_run(name="then", config=config, epochs_planned=9).id


def drawn(app: FastAPI, layout: Any, *asked: Any, transport: type[httpx.ASGITransport] = httpx.ASGITransport) -> str:
    """Everything that a page hands to the browser, as JSON."""

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=transport(app), base_url="http://127.0.0.1:8000") as client:
            return await layout(Api(client), *asked)

    return json.dumps(asyncio.run(ask()).body, cls=PlotlyJSONEncoder)


@pytest.mark.parametrize(("layout", "alone"), [(run.layout, True), (compare.layout, False)], ids=["run", "compare"])
def test_what_a_page_is_given_names_each_field_once(app: FastAPI, run_id: str, layout: Any, alone: bool) -> None:
    text = drawn(app, layout, run_id if alone else [run_id])
    assert '"gamma": 0.25' in text
    assert '"gradient_accumulation_steps": 1' in text
    assert [name for name in ("factor", "accumulate", "clip_norm", "warmup_start") if f'"{name}"' in text] == []


class Renaming(httpx.ASGITransport):
    """The API of a program in which one field of a run has another name."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        text = (await answer.aread()).decode()
        return httpx.Response(answer.status_code, text=text.replace('"momentum"', '"impetus"'))


def draft(app: FastAPI, transport: type[httpx.ASGITransport]) -> str:
    """Where the form keeps what is typed."""
    found = re.search(r'"draft": "([^"]+)"', drawn(app, new_run.layout, transport=transport))
    assert found
    return found[1]


def test_a_draft_from_before_a_field_was_renamed_is_not_read(app: FastAPI) -> None:
    now = draft(app, httpx.ASGITransport)
    assert draft(app, httpx.ASGITransport) == now != draft(app, Renaming)


def test_the_form_is_filled_from_a_run_of_either_kind(app: FastAPI, run_id: str) -> None:
    text = drawn(app, new_run.layout, run_id)
    assert '"schedule.multistep.gamma": "0.25"' in text
    assert "schedule.multistep.factor" not in text
