"""The page of a run on the real system: what was stored is what is seen, and goes on by itself."""

import json
import re
import struct
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, WebSocket, expect

from contract.config import RunConfig
from contract.events import RunFailed
from db import EventRecord, Store
from tests.server.recording import Recording

NEURONS = "[data-part=neurons]"
READY = """([epochs, layer]) => {
  const page = neq.run?.present();
  const shown = page?.heatmap.layer;
  return page?.drawn && shown && (layer === null || shown.index === layer)
    && shown.cells.epochs >= epochs && shown.cells.firstGap() === -1 && page.feed.done >= epochs;
}"""
STATES = """() => {
  // Each cell's state by the colour of its centre on the canvas.
  const { picture } = neq.run.present().heatmap;
  picture.paint();
  const { canvas } = picture;
  const { x, y } = picture.range;
  const { cells } = neq.run.present().heatmap.layer;
  const known = [...picture.colours.packed];
  const pixels = new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return Array.from({ length: cells.epochs }, (_, epoch) => Array.from({ length: cells.neurons }, (_, neuron) => {
    const across = Math.floor(((epoch - x[0]) / (x[1] - x[0])) * canvas.width);
    const down = Math.floor(((neuron - y[1]) / (y[0] - y[1])) * canvas.height);
    return known.indexOf(pixels[down * canvas.width + across]);
  }));
}"""


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run of 30 planned epochs that has started."""
    recording = Recording(store, epochs=30)
    recording.start()
    return recording


def ready(page: Page, epochs: int, layer: int | None = None) -> None:
    page.wait_for_function(READY, arg=[epochs, layer])


def expected_states(recording: Recording, layer: int) -> list[list[int]]:
    now = np.array(recording.frozen[layer])
    before = np.vstack([np.zeros_like(now[:1]), now[:-1]])
    states: list[list[int]] = (now.astype(int) + 2 * (now != before)).tolist()
    return states


def test_every_stored_cell_is_seen_and_new_epochs_arrive_by_themselves(
    page: Page, address: str, recording: Recording
) -> None:
    for _ in range(4):
        recording.epoch()
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    ready(page, 4, layer=1)
    assert page.evaluate(STATES) == expected_states(recording, 1)
    recording.progress(5)
    expect(page.locator("[data-part=pulse]")).to_contain_text("epoch 4: training, step 5 of 10")
    expect(page.locator("[data-part=pulse]")).to_contain_text("100 samples/s")
    expect(page.locator("[data-part=pulse]")).to_contain_text("loss 1.50")
    for _ in range(3):
        recording.epoch()
    ready(page, 7, layer=1)
    assert page.evaluate(STATES) == expected_states(recording, 1)
    recording.finish()
    expect(page.locator("[data-part=state]")).to_have_text("finished")
    expect(page.locator("[data-part=stop]")).to_be_hidden()
    expect(page.locator("[data-part=delete]")).to_be_visible()


def test_the_headline_numbers_name_which_mask_they_count(page: Page, address: str, recording: Recording) -> None:
    for _ in range(3):
        recording.epoch()
    page.goto(f"{address}/runs/{recording.id}")
    ready(page, 3)
    frozen = sum(int(layer[-1].sum()) for layer in recording.frozen)
    tiles = page.locator("[data-part=tiles]")
    expect(tiles).to_contain_text(f"Frozen next epoch{100 * frozen / 25:.1f} %{frozen} of 25 neurons")
    expect(tiles).to_contain_text("Frozen during epoch 2")
    expect(tiles).to_contain_text("Test accuracy25.2 %")


def test_hovering_tells_the_stored_float_and_since_when(page: Page, address: str, recording: Recording) -> None:
    for _ in range(6):
        recording.epoch()
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    ready(page, 6, layer=1)
    place = page.evaluate("() => neq.run.present().heatmap.picture.placeOf(4, 11)")
    page.mouse.move(place["clientX"], place["clientY"])
    tooltip = page.locator(".tooltip:not([hidden])")
    expect(tooltip).to_contain_text("neuron 11, epoch 4")
    expect(tooltip.locator("dd").first).not_to_have_text("…")
    told = [np.float32(text.replace("−", "-")) for text in tooltip.locator("dd").all_text_contents()]
    phi = recording.phi[1]
    assert told == [phi[4][11], phi[4][11] - phi[3][11], recording.velocity[1][4][11]]
    state = expected_states(recording, 1)[4][11]
    expect(tooltip).to_contain_text(["updating", "frozen", "just thawed", "just frozen"][state])


def test_before_there_is_a_velocity_it_says_so(page: Page, address: str, recording: Recording) -> None:
    page.goto(f"{address}/runs/{recording.id}")
    expect(page.locator(f"{NEURONS} .plot-words")).to_contain_text("appears when epoch 0 ends")
    recording.epoch()
    ready(page, 1)
    expect(page.locator(f"{NEURONS} .plot-words")).to_be_hidden()
    expect(page.locator("[data-part=distribution] .plot-words")).to_contain_text("the first appear when epoch 1 ends")
    place = page.evaluate("() => neq.run.present().heatmap.picture.placeOf(0, 2)")
    page.mouse.move(place["clientX"], place["clientY"])
    expect(page.locator(".tooltip:not([hidden]) dd").last).to_have_text("none yet")


def test_zoom_layer_and_colours_stay_while_epochs_arrive_and_in_the_address(
    page: Page, address: str, recording: Recording
) -> None:
    for _ in range(5):
        recording.epoch()
    page.goto(f"{address}/runs/{recording.id}?layer=0")
    ready(page, 5, layer=0)
    page.locator("[data-part=layer]").select_option("1")
    page.locator("[data-part=mode-speed]").click()
    ready(page, 5, layer=1)
    expect(page).to_have_url(re.compile(r"\?layer=1&colour=v$"))
    box = page.locator(f"{NEURONS} canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 200, steps=4)
    page.mouse.up()
    page.wait_for_function("() => neq.run.present().heatmap.picture.zoomed('y')")
    read = "() => { const p = neq.run.present(); return [p.heatmap.picture.range, p.overview.picture.range.x]; }"
    zoomed = page.evaluate(read)
    assert zoomed[0]["x"] == zoomed[1], "the other pictures show the same epochs"
    for _ in range(9):
        recording.epoch()
    ready(page, 14, layer=1)
    assert page.evaluate(read) == zoomed
    page.reload()
    ready(page, 14, layer=1)
    assert page.evaluate("() => neq.run.present().heatmap.mode") == "speed"


def test_a_row_of_the_overview_opens_its_layer_and_l_the_next(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    page.goto(f"{address}/runs/{recording.id}?layer=0")
    ready(page, 1, layer=0)
    place = page.evaluate("() => neq.run.present().overview.picture.placeOf(0, 1)")
    page.mouse.click(place["clientX"], place["clientY"])
    ready(page, 1, layer=1)
    page.keyboard.press("l")
    ready(page, 1, layer=2)
    page.keyboard.press("l")
    page.keyboard.press("Shift+L")
    ready(page, 1, layer=1)


def test_the_widest_layer_is_open_where_none_is_asked_for(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    page.goto(f"{address}/runs/{recording.id}")
    ready(page, 1, layer=1)
    expect(page).to_have_url(re.compile(r"\?layer=1$"))


def test_a_page_opened_before_the_run_began_fills_when_it_begins(page: Page, address: str, store: Store) -> None:
    waiting = Recording(store, epochs=30)
    page.goto(f"{address}/runs/{waiting.id}")
    expect(page.locator("[data-part=state]")).to_have_text("starting")
    waiting.start()
    for _ in range(3):
        waiting.epoch()
    ready(page, 3, layer=1)
    assert page.evaluate(STATES) == expected_states(waiting, 1)
    assert page.evaluate("() => neq.run.present().overview.picture.full.y") == [2.5, -0.5]


def test_a_run_that_begins_between_the_answers_to_its_page_is_seen_whole(
    page: Page, address: str, store: Store
) -> None:
    waiting = Recording(store, epochs=30)
    api = f"**/api/v1/runs/{waiting.id}"
    held: dict[str, Route] = {}
    for part in ("layers", "log?*", "overview?*", "epochs?*"):
        page.route(f"{api}/{part}", partial(held.setdefault, part))
    page.goto(f"{address}/runs/{waiting.id}")
    while len(held) < 4:
        page.wait_for_timeout(20)
    early = {part: held[part].fetch() for part in ("layers", "log?*", "overview?*")}
    waiting.start()
    waiting.log("begun")
    for _ in range(3):
        waiting.epoch()
    for part, answer in early.items():
        held[part].fulfill(response=answer)
    page.unroute_all()  # which lets the question for the epochs through
    ready(page, 3, layer=1)
    assert page.evaluate(STATES) == expected_states(waiting, 1)
    page.wait_for_function("() => neq.run.present().feed.log.length === 1")
    known = page.evaluate("() => Object.keys(neq.run.present().feed.tables.columns.frozen)")
    assert known == ["0", "1", "2"]


def test_a_headline_tile_keeps_the_focus_while_its_number_changes(
    page: Page, address: str, recording: Recording
) -> None:
    recording.epoch()
    page.goto(f"{address}/runs/{recording.id}")
    ready(page, 1)
    tile = page.locator("[data-part=tiles] .tile").nth(2)
    expect(tile).to_contain_text("Frozen during epoch 0")
    tile.focus()
    recording.epoch()
    expect(tile).to_contain_text("Frozen during epoch 1")
    expect(tile).to_be_focused()


def test_a_failed_run_says_why_what_to_do_and_its_last_words(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    failed = RunFailed(reason="It ran out of memory.", remedy="Lower the batch size.", details="line 1\nline 2")
    entry = EventRecord(
        kind=failed.kind,
        payload=failed.model_dump(mode="json"),
        at=datetime.now(UTC),
        ends="failed",
        reason=failed.reason,
    )
    recording.store.append(recording.id, recording.worker.id, entry)
    page.goto(f"{address}/runs/{recording.id}")
    notice = page.locator("[data-part=notice]")
    for words in ("It ran out of memory.", "Lower the batch size.", "line 1\nline 2"):
        expect(notice).to_contain_text(words)


def test_a_waiting_run_says_that_no_worker_is_there(page: Page, address: str, store: Store) -> None:
    run = store.create_run(name="waits", config=RunConfig().model_dump(mode="json"), epochs_planned=24)
    page.goto(f"{address}/runs/{run.id}")
    expect(page.locator("[data-part=state]")).to_have_text("queued")
    expect(page.locator("[data-part=notice]")).to_contain_text("No worker is running")
    expect(page.locator("[data-part=notice] code")).to_have_text("neq worker")
    page.locator("[data-part=stop]").click()
    page.get_by_role("button", name="Stop the run").click()
    expect(page.locator("[data-part=state]")).to_have_text("stopped")


def test_where_all_epochs_are_done_no_time_is_left_to_tell(page: Page, address: str, store: Store) -> None:
    recording = Recording(store, epochs=3)
    recording.start()
    recording.epoch()
    page.goto(f"{address}/runs/{recording.id}")
    words = page.locator("[data-part=progress-words]")
    expect(words).to_have_text(re.compile(r"^epoch 1 \(1 of 3 done\) · .* so far, about .* left$"))
    recording.epoch()
    recording.epoch()
    expect(words).to_have_text(re.compile(r"^all 3 epochs done, finishing · \S+ \S+ so far$"))
    page.goto(f"{address}/")
    expect(page.get_by_text("3 of 3 epochs", exact=True).first).to_be_visible()
    recording.finish()
    page.goto(f"{address}/runs/{recording.id}")
    expect(words).to_have_text(re.compile(r"^3 of 3 epochs in "))


def test_lines_of_the_log_follow_until_the_reader_scrolls(page: Page, address: str, recording: Recording) -> None:
    recording.log("\n".join(f"line {number}" for number in range(80)))
    page.goto(f"{address}/runs/{recording.id}")
    expect(page.locator("[data-part=log]")).to_contain_text("line 79")
    low = "log => log.scrollHeight - log.clientHeight - log.scrollTop"
    recording.log("the newest <b>line</b>")
    expect(page.locator("[data-part=log]")).to_contain_text("the newest <b>line</b>")
    assert page.locator("[data-part=log]").evaluate(low) < 2
    page.locator("[data-part=log]").evaluate("log => { log.scrollTop = 0; }")
    expect(page.locator("[data-part=follow]")).to_be_visible()
    recording.log("one more")
    expect(page.locator("[data-part=log]")).to_contain_text("one more")
    assert page.locator("[data-part=log]").evaluate("log => log.scrollTop") == 0


def test_leaving_the_page_leaves_nothing_behind(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    said: list[dict[str, Any]] = []
    sockets: list[str] = []

    def watch(socket: Any) -> None:
        if "/api/v1/live" in socket.url:
            sockets.append(socket.url)
            socket.on("framesent", lambda payload: said.append(json.loads(payload)))

    page.on("websocket", watch)
    page.goto(f"{address}/runs/{recording.id}")
    ready(page, 1)
    page.evaluate("() => { window.left = neq.run.present(); }")
    for _ in range(3):
        page.get_by_role("link", name="Runs", exact=True).click()
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        assert page.evaluate("() => [left.scope.ended, left.feed.scope.ended]") == [True, True]
        assert page.locator(".tooltip").count() == 0
        page.evaluate(f"() => neq.go('/runs/{recording.id}')")
        page.wait_for_function("() => neq.run.present() !== window.left")
        ready(page, 1)
        page.evaluate("() => { window.left = neq.run.present(); }")
    page.get_by_role("link", name="Compare", exact=True).click()
    page.wait_for_function("() => window.left.scope.ended")

    def kinds() -> list[str]:
        return [message["type"] for message in said if message.get("run") == recording.id]

    while kinds().count("unsubscribe") < 4:
        page.wait_for_timeout(20)
    page.wait_for_timeout(300)
    assert kinds().count("unsubscribe") == 4
    assert kinds()[-1] == "unsubscribe"
    assert len(sockets) == 1, "one socket for the whole visit"


def test_the_frames_of_the_open_layer_alone_are_sent(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    layers: list[Any] = []

    def hear(payload: bytes | str) -> None:
        if isinstance(payload, bytes):
            size = struct.unpack("<I", payload[:4])[0]
            layers.append(json.loads(payload[4 : 4 + size])["layers"])

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    page.goto(f"{address}/runs/{recording.id}?layer=2")
    ready(page, 1, layer=2)
    recording.epoch()
    ready(page, 2, layer=2)
    assert layers == [[[2, 3]]]


def ask_for_no_layer(page: Page, sockets: list[WebSocket]) -> None:
    """From here on events come without their columns; returns once the server has answered."""

    def is_answer(payload: bytes | str) -> bool:
        return isinstance(payload, str) and json.loads(payload)["type"] == "run"

    with sockets[-1].expect_event("framereceived", is_answer):
        page.evaluate("() => neq.run.present().feed.live.update({ layers: [] })")


def test_columns_that_the_socket_did_not_bring_are_fetched(page: Page, address: str, recording: Recording) -> None:
    for _ in range(3):
        recording.epoch()
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    ready(page, 3, layer=1)
    ask_for_no_layer(page, sockets)
    for _ in range(3):
        recording.epoch()
    ready(page, 6, layer=1)
    assert page.evaluate(STATES) == expected_states(recording, 1)
    drawn = "() => neq.run.present().distribution.data.counts.filter(Boolean).length"
    assert page.evaluate(drawn) == 5


def test_a_layer_whose_history_comes_late_has_no_gap(page: Page, address: str, recording: Recording) -> None:
    recording.epoch()
    held: list[Any] = []
    page.route("**/layers/1/display*", lambda route: route.continue_() if held else held.append(route))
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    page.wait_for_function("() => neq.run?.present()?.feed.done === 1")
    ask_for_no_layer(page, sockets)
    for _ in range(2):
        recording.epoch()
    page.wait_for_function("() => neq.run.present().feed.done === 3")
    page.wait_for_timeout(700)  # the search for gaps has passed
    answer = page.request.get(f"{address}/api/v1/runs/{recording.id}/layers/1/display?epochs=0:1")
    held[0].fulfill(body=answer.body(), headers={"X-Epochs": "0:1", "X-Neurons": "17"})
    ready(page, 3, layer=1)
    assert page.evaluate(STATES) == expected_states(recording, 1)
