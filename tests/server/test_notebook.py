"""What a notebook shows of a run: a link, and a picture of the numbers that the server has; a frame where it may be."""

import zlib
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from PIL import Image
from torch import nn

import neq
from db import Store
from neq.display import colours
from neq.display.html import Shown, allows_frames, html, png
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.slow

HOSTILE = """<script>alert("x")</script>' onload='y' &amp;"""


class Elements(HTMLParser):
    """The elements of a piece of HTML, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def the(self, tag: str) -> dict[str, str]:
        (found,) = [attributes for name, attributes in self.elements if name == tag]
        return found


def picture(element: dict[str, str]) -> np.ndarray:
    kind, _, data = element["src"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(BytesIO(b64decode(data))) as image:
        return np.asarray(image)


def nearest_fractions(pixels: np.ndarray) -> np.ndarray:
    """Which fraction, in steps of 0.01, has the colour."""
    steps = colours.fraction_cells(np.linspace(0, 1, 101, dtype=np.float32)[None])[0].astype(int)
    return abs(pixels[:, :, None].astype(int) - steps).sum(axis=-1).argmin(axis=-1) / 100


def test_a_run_that_is_read_back_is_a_link_and_its_overview(address: str, recording: Recording) -> None:
    recording.epochs = 6
    recording.epoch()
    with neq.Client(address) as client:
        run = client.run(recording.id)
        shown = Elements(run._repr_html_())
        frozen = [run.layer(name).frozen.mean(axis=1) for name in run.layers]
    assert shown.the("a")["href"] == f"{address}/runs/{recording.id}"
    assert shown.text == "recorded: running, 7 epochs"
    pixels = picture(shown.the("img"))
    assert pixels.shape == (3, 7, 3)
    assert (pixels[:, 4:6] == 255).all(), "two epochs are missing"
    there = [0, 1, 2, 3, 6]
    assert np.allclose(nearest_fractions(pixels)[:, there], np.stack(frozen)[:, there], atol=0.011)
    assert len(np.unique(np.stack(frozen))) > 3


def test_a_run_that_is_recorded_shows_what_it_has_so_far(address: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.Linear(12, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with neq.init(HOSTILE, url=address, folder=tmp_path, capture=False, system=False) as run:
        assert Elements(run._repr_html_() or "").text == f"{HOSTILE}: recording, 0 epochs"
        watch = run.watch(model, optimizer, [torch.randn(16, 6)], epsilon=0.05)
        frozen = []
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.randn(8, 6)).square().mean().backward()
            optimizer.step()
            frozen.append([float(layer.frozen.float().mean()) for layer in watch.end_epoch().layers.values()])
    shown = Elements(run._repr_html_() or "")
    assert shown.text == f"{HOSTILE}: recorded, 4 epochs"
    assert shown.the("a")["href"] == f"{address}/runs/{run.id}"
    assert np.allclose(nearest_fractions(picture(shown.the("img"))), np.array(frozen).T, atol=0.011)
    assert np.array(frozen).any()
    with neq.Client(address) as client:
        again = Elements(client.run(str(run.id))._repr_html_())
    assert again.the("img") == shown.the("img"), "both are the same picture"
    assert again.text.startswith(f"{HOSTILE}: finished")


def test_a_run_without_a_server_says_where_it_is(tmp_path: Path) -> None:
    with neq.init("mine", mode="offline", folder=tmp_path, capture=False, system=False) as run:
        shown = Elements(run._repr_html_() or "")
    assert shown.text == f"mine: recording into {tmp_path / str(run.id)}, 0 epochs"
    assert [tag for tag, _ in shown.elements] == ["div"]
    assert neq.init(mode="disabled")._repr_html_() is None


def test_a_run_is_shown_where_its_server_is_gone(app: FastAPI, settings: ServerSettings, recording: Recording) -> None:
    with serving(app, settings) as address:
        client = neq.Client(address)
        run = client.run(recording.id)
    assert Elements(run._repr_html_()).text == "recorded: running, 4 epochs"
    client.close()


def test_the_page_is_framed_only_where_the_servers_setting_lets_it_be(
    store: Store, settings: ServerSettings, recording: Recording, address: str
) -> None:
    with neq.Client(address) as client:
        assert "iframe" not in client.run(recording.id)._repr_html_()
    settings = settings.model_copy(update={"frame_ancestors": ("http://localhost:8888",)})
    with serving(create_app(store, settings), settings) as framed, neq.Client(framed) as client:
        shown = Elements(client.run(recording.id)._repr_html_())
        assert shown.the("iframe")["src"] == f"{framed}/runs/{recording.id}"
        with neq.init("mine", url=framed, folder=Path(settings.database_url[10:]).parent, capture=False) as run:
            assert Elements(run._repr_html_() or "").the("iframe")["src"] == run.url


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("default-src 'self'; frame-ancestors 'none'", False),
        ("default-src 'self'; frame-ancestors 'self'", False),
        ("default-src 'self'", False),
        ("", False),
        ("frame-ancestors https://hub.example; img-src 'self'", True),
        ("img-src 'self';frame-ancestors  http://a http://b", True),
    ],
)
def test_the_policy_says_who_may_frame(policy: str, allowed: bool) -> None:
    assert allows_frames(policy) is allowed


@pytest.mark.parametrize("may_frame", [False, True])
def test_no_text_of_a_run_becomes_html(may_frame: bool) -> None:
    nothing = np.empty((0, 0), np.float32)
    told = Elements(html(Shown(HOSTILE, HOSTILE, f"http://a/{HOSTILE}", nothing, may_frame)))
    assert [tag for tag, _ in told.elements] == (["div", "a", "br", "iframe"] if may_frame else ["div", "a"])
    assert told.the("a") == {"href": f"http://a/{HOSTILE}", "target": "_blank", "rel": "noopener"}
    assert told.text == f"{HOSTILE}: {HOSTILE}"
    assert "javascript:" not in html(Shown("a", "b", "javascript:alert(1)", nothing, may_frame))


def test_a_picture_is_a_png_that_others_read() -> None:
    cells = np.random.default_rng(0).integers(0, 256, (7, 300, 3), dtype=np.uint8)
    with Image.open(BytesIO(png(cells))) as image:
        assert (np.asarray(image) == cells).all()
    assert zlib.crc32(b"IEND").to_bytes(4, "big") == png(cells)[-4:]
