"""Addresses: which page they are, with which status and title, and from which host everything comes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from contract.config import RunConfig
from dashboard import routing
from dashboard.modules import FOLDER
from db import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def run_id(store: Store) -> str:
    config = RunConfig().model_dump(mode="json")
    return store.create_run(name="A <b>bold</b> run", config=config, epochs_planned=24).id


@pytest.mark.parametrize("path", ["/", "/new", "/new?from=x", "/compare", "/compare?runs=a,b"])
def test_a_known_address_is_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/nope", "/runs", "/runs/", "/runs/nosuchrun1", "/new/x", "/runs/a/b", "/index.html"])
def test_an_unknown_address_or_run_is_truly_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "react-entry-point" in answer.text


def test_a_runs_page_is_titled_by_its_name(client: TestClient, run_id: str) -> None:
    answer = client.get(f"/runs/{run_id}")
    assert answer.status_code == 200
    assert "<title>A &lt;b&gt;bold&lt;/b&gt; run · NEq</title>" in answer.text


def test_unknown_addresses_of_the_api_stay_json(client: TestClient) -> None:
    answer = client.get("/api/v1/nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/json")


def test_the_document_names_no_other_host_and_no_developer_tools(client: TestClient) -> None:
    document = client.get("/").text
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', document) == []
    found = re.search(r'<script id="_dash-config"[^>]*>(.*?)</script>', document)
    assert found
    config = json.loads(found[1])
    assert not config["ui"]
    assert config["serve_locally"]
    assert not config["plotly_cloud_installed"]


def test_a_first_request_that_is_not_for_the_root_gets_the_whole_page(client: TestClient, run_id: str) -> None:
    document = client.get(f"/runs/{run_id}").text
    for asset in ("shell.css", "theme.css"):
        assert f"/assets/{asset}?" in document
    inline = re.findall(r"<script(?![^>]* src=)([^>]*)>", document)
    assert inline == [' id="_dash-config" type="application/json"'], "no script in the document that would need a hash"
    dependencies = client.get("/_dash-dependencies").json()
    assert any("page.children" in each["output"] for each in dependencies)


@pytest.mark.parametrize(
    ("path", "search", "known"),
    [("/", "", True), ("", "", True), ("/runs/abc/", "", True), ("/runs/abc", "?layer=x", True), ("/x", "", False)],
)
def test_addresses_are_read_leniently(path: str, search: str, known: bool) -> None:
    assert (routing.match(path, search) is not None) == known


def test_the_browser_s_code_knows_the_scripts_of_every_address_as_the_server_does() -> None:
    paths = ["/", "", "/new", "/new/", "/runs/abc", "/runs/abc/", "/compare", "/nope", "/constructor"]
    script = """
        const [module, root, paths] = JSON.parse(process.argv[1]);
        const { folderOf } = await import(module);
        globalThis.document = { documentElement: { dataset: { root } } };
        console.log(JSON.stringify(paths.map((path) => folderOf(root + path) ?? null)));
    """
    node = Path(sys.executable).parent / "node"
    module = (FOLDER / "ui" / "routes.js").as_uri()
    scripts = [found.scripts if (found := routing.match(path)) else None for path in paths]
    assert scripts.count(None) == 2
    for root in ("", "/user/ana/proxy/8000"):
        command = [node, "--input-type=module", "--eval", script, json.dumps([module, root, paths])]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(told.stdout) == scripts
