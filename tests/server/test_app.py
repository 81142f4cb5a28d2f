"""The application as a whole: documentation, addresses that are none, schema, health, gzip, housekeeping, binding."""

import asyncio
import re
import socket
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from contract.config import RunConfig
from db import Store
from server.app import create_app, local_client
from server.housekeeping import requeue_silent_runs
from server.run import CannotListen, address_of, bind, link_of
from server.schemas import DisplayScale, Health, Presets
from server.security.tokens import OpenAddressRefused
from server.settings import ServerSettings
from tests.server.conftest import BASE
from tests.server.recording import Recording

pytestmark = pytest.mark.slow

OUTSIDE = re.compile(r"https?://(?!127\.0\.0\.1)")


def test_the_documentation_loads_nothing_from_elsewhere_and_runs_nothing_inline(client: TestClient) -> None:
    page = client.get("/docs")
    assert not OUTSIDE.search(page.text)
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert "/docs/swagger-ui-bundle.js" in loaded
    for path in loaded:
        assert client.get(path).status_code == 200
    assert "<script>" not in page.text


def test_every_route_is_documented(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            name = f"{method} {path}"
            assert operation["description"], name
            assert {"401", "503"} <= operation["responses"].keys(), name
            if "{run_id}" in path:
                assert "404" in operation["responses"], name
            if "requestBody" in operation or operation.get("parameters"):
                assert "422" in operation["responses"], name
    assert len(paths) == 52


def test_the_documented_errors_are_those_that_are_sent(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert set(schemas["FieldProblem"]["properties"]) == {"field", "message", "type", "input", "start", "end"}


def test_an_unknown_address_of_the_api_is_a_json_404_and_no_page(app: FastAPI) -> None:
    @app.get("/{path:path}")
    async def page(path: str) -> str:
        return "a page"

    client = TestClient(app, base_url=BASE)
    assert client.get("/else").text == '"a page"'
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/api/v1/nothing", "/api/v2/runs", "/api/", "/api/v1/runs/a/b/c/d"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")


def test_a_method_that_an_address_does_not_have_is_a_405(client: TestClient) -> None:
    answer = client.put("/api/v1/runs/abc")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PATCH")


def test_the_schema_describes_every_field_and_holds_the_defaults(client: TestClient) -> None:
    schema = client.get("/api/v1/schema/run-config").json()
    assert schema["properties"].keys() == RunConfig.model_fields.keys()
    assert RunConfig.model_validate(schema["default"]) == RunConfig()


def test_presets_are_valid_parts_of_a_run(client: TestClient) -> None:
    presets = Presets.model_validate_json(client.get("/api/v1/presets").content).presets
    assert presets
    for preset in presets:
        assert client.post("/api/v1/runs", json=preset.config).status_code == 201, preset.name


def test_a_recipe_is_served_with_its_published_figures(client: TestClient) -> None:
    presets = Presets.model_validate_json(client.get("/api/v1/presets").content).presets
    published = {preset.name: preset.published for preset in presets}
    assert published["demo-sgd"] is None
    resnet = published["paper-resnet32-sgd"]
    assert resnet is not None
    neq = next(figure for figure in resnet.figures if figure.kind == "neq")
    assert (neq.score, neq.spread, neq.backward_flops, neq.frozen_fraction) == (0.9296, 0.0021, 84.81e6, 0.98)
    assert (165, 0.95) in resnet.frozen_curve


def test_the_display_scale_is_told(client: TestClient) -> None:
    scale = DisplayScale.model_validate_json(client.get("/api/v1/schema/display").content)
    assert scale == DisplayScale(frozen_bit=128, levels=127, low=1e-6, high=1.0)


def test_health_tells_when_each_worker_was_heard(client: TestClient, recording: Recording) -> None:
    health = Health.model_validate_json(client.get("/api/v1/health").content)
    (worker,) = health.workers
    assert (health.status, health.store.kind, worker.name, worker.alive) == ("ok", "sqlite", "hand", True)
    assert 0 <= worker.heard_seconds_ago < 60
    assert abs((datetime.now(UTC) - worker.heard_at).total_seconds()) < 60


def test_a_run_whose_worker_fell_silent_is_queued_again(store: Store) -> None:
    recording = Recording(store)

    async def scene() -> None:
        keeper = asyncio.create_task(requeue_silent_runs(store, 0.2))
        async with asyncio.timeout(20):
            while (await asyncio.to_thread(store.run, recording.id)).state == "running":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        keeper.cancel()

    asyncio.run(scene())
    assert recording.run.state == "queued"


def test_only_text_for_other_machines_is_compressed(app: FastAPI, recording: Recording) -> None:
    with TestClient(app, base_url=BASE, client=("192.168.1.9", 5)) as far:
        assert far.get("/openapi.json").headers["content-encoding"] == "gzip"
        for rest in ("display", "phi"):
            assert "content-encoding" not in far.get(f"/api/v1/runs/{recording.id}/layers/1/{rest}").headers
    with TestClient(app, base_url=BASE, client=("127.0.0.1", 5)) as near:
        assert "content-encoding" not in near.get("/openapi.json").headers


def test_a_client_inside_the_process_passes_the_guard(store: Store, settings: ServerSettings) -> None:
    guarded = ServerSettings.model_validate({**settings.model_dump(), "token": "open-sesame"})

    async def ask() -> int:
        async with local_client(create_app(store, guarded), guarded) as client:
            return (await client.get("/api/v1/health")).status_code

    assert asyncio.run(ask()) == 200


def test_a_port_in_use_is_told_with_what_to_do(settings: ServerSettings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"Port {port} is in use.*PORT=\d+"):
            bind(settings.model_copy(update={"port": port}))


def test_the_address_is_known_before_anything_is_served(settings: ServerSettings) -> None:
    with bind(settings.model_copy(update={"port": 0})) as listener:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", address_of(listener))
        guarded = ServerSettings.model_validate({"token": "open-sesame"})
        assert link_of(listener, guarded) == f"{address_of(listener)}/?token=open-sesame"
        assert link_of(listener, settings) == f"{address_of(listener)}/"


def test_an_open_address_is_not_even_bound_without_a_token(settings: ServerSettings) -> None:
    with pytest.raises(OpenAddressRefused):
        bind(settings.model_copy(update={"host": "0.0.0.0", "port": 0}))


def test_an_address_of_another_machine_is_told(settings: ServerSettings) -> None:
    elsewhere = {"host": "192.0.2.1", "token": ServerSettings.model_validate({"token": "12345678"}).token}
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 cannot be listened on"):
        bind(settings.model_copy(update=elsewhere))
