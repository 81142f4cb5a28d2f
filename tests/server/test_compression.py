"""What goes over the wire compressed, and that it is the same afterwards."""

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.testclient import TestClient

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.conftest import BASE
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.slow

SCRIPT = "// a script that says much\n" * 500


def raw(address: str, path: str, **headers: str) -> tuple[httpx.Headers, bytes]:
    """An answer's headers, and its bytes as they came over the wire."""
    with httpx.stream("GET", address + path, headers=headers) as answer:
        return answer.headers, b"".join(answer.iter_raw())


def test_scripts_come_packed_and_change_with_their_file(app: FastAPI, settings: ServerSettings, tmp_path: Path) -> None:
    file = tmp_path / "one.js"
    file.write_text(SCRIPT)

    @app.get("/one.js")
    def script() -> FileResponse:
        return FileResponse(file)

    with serving(app, settings) as address:
        for _ in range(2):
            headers, body = raw(address, "/one.js", **{"Accept-Encoding": "gzip"})
            assert headers["content-encoding"] == "gzip" and "Accept-Encoding" in headers["vary"]
            assert len(body) == int(headers["content-length"]) < 1000
            assert gzip.decompress(body).decode() == SCRIPT
        plain, body = raw(address, "/one.js", **{"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain and body.decode() == SCRIPT
        file.write_text(SCRIPT + "// more")
        assert gzip.decompress(raw(address, "/one.js", **{"Accept-Encoding": "gzip"})[1]).decode().endswith("// more")


def test_one_process_packs_a_script_once_and_never_sends_that_of_another_application(
    app: FastAPI, store: Store, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[bytes] = []
    pack = gzip.compress
    monkeypatch.setattr(gzip, "compress", lambda body, level: packed.append(body) or pack(body, level))
    second, third = create_app(store, settings), create_app(store, settings)
    for made, text in ((app, SCRIPT), (second, SCRIPT), (third, SCRIPT.replace("much", "less"))):
        made.get("/own.js")(lambda text=text: Response(text, media_type="text/javascript"))
        with TestClient(made, base_url=BASE) as client:
            answer = client.get("/own.js", headers={"Accept-Encoding": "gzip"})
        assert (answer.headers["content-encoding"], answer.text) == ("gzip", text)
    assert len(packed) == 2


def test_a_short_script_and_one_that_is_not_there_stay_as_they_are(app: FastAPI, settings: ServerSettings) -> None:
    client = TestClient(app, base_url=BASE)
    assert "content-encoding" not in client.get("/docs/start.js", headers={"Accept-Encoding": "gzip"}).headers
    assert client.get("/nothing.js", headers={"Accept-Encoding": "gzip"}).status_code == 404


def test_data_stay_as_they_are_on_this_machine(recording: Recording, settings: ServerSettings) -> None:
    with serving(create_app(recording.store, settings), settings) as address:
        for rest in ("/epochs", "/layers/1/phi", "/overview", "/file"):
            headers, _ = raw(address, f"/api/v1/runs/{recording.id}{rest}", **{"Accept-Encoding": "gzip"})
            assert "content-encoding" not in headers
