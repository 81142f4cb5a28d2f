"""Parts of a run as recorders send them: read to the bit, and whatever is wrong in one is refused in a sentence."""

import json
import random
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import EpochFinished
from contract.parts import LARGEST_ARRAYS, MOST_LINES, Part, read_part
from contract.runfile import RunFileBroken
from contract.snapshot_arrays import pack, table_of
from tests.contract.telling import told as told_by_a_run

RUN, WRITER = "abcdefgh12", "0" * 32
Json = dict[str, Any]


def part_of(told: list[Json], *, first: int = 1, packed: bytes = b"", table: Any = None, **head: Any) -> bytes:
    """The bytes of a part."""
    lines = [
        {"seq": first + place, "at": "2026-01-31T12:00:00+00:00", "event": event} for place, event in enumerate(told)
    ]
    if table:
        lines[-1]["snapshots"] = table
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    header = {"format": "neq-part", "version": 1, "run": RUN, "writer": WRITER, "first": first}
    header |= {"events": len(text), "arrays": len(packed)} | head
    return json.dumps(header).encode() + b"\n" + zlib.compress(text + packed)


def logged(text: str = "x") -> Json:
    return {"kind": "logged", "level": "info", "text": text}


def epoch_told() -> EpochFinished:
    """One with velocities."""
    return [event for event in told_by_a_run() if isinstance(event, EpochFinished)][1]


def epoch_part(first: int = 1) -> tuple[EpochFinished, bytes]:
    """An epoch with its arrays, as a part of its own."""
    event = epoch_told()
    body = part_of(
        [event.model_dump(mode="json")], first=first, packed=pack(event.snapshots), table=table_of(event.snapshots)
    )
    return event, body


def neurons(event: EpochFinished) -> dict[int, int]:
    return {row.index: row.neurons for row in event.snapshots}


def test_an_epoch_and_its_arrays_come_back_to_the_bit() -> None:
    event, body = epoch_part(first=7)
    part = read_part(body)
    assert (part.header.run, part.header.writer, part.header.first, part.last) == (RUN, WRITER, 7, 7)
    ((line, found),) = part.events(neurons(event))
    assert (line.seq, found) == (7, event)
    assert isinstance(found, EpochFinished) and found.snapshots == event.snapshots


def test_a_part_without_events_is_a_heartbeat() -> None:
    part = read_part(part_of([], first=5))
    assert (part.lines, part.last) == ((), 4)


def test_layers_that_a_part_announces_count_from_there_on() -> None:
    event = epoch_told()
    layers = [
        {"index": index, "name": f"l{index}", "type": "Linear", "neurons": count, "parameters": 1}
        for index, count in neurons(event).items()
    ]
    watched = {
        "kind": "watch_started",
        "first": 0,
        "layers": layers,
        "neurons": 1,
        "parameters": 1,
        "epsilon": 1e-3,
        "mu": 0.5,
    }
    events = [watched, event.model_dump(mode="json")]
    part = read_part(part_of(events, packed=pack(event.snapshots), table=table_of(event.snapshots)))
    assert [found.kind for _, found in part.events({})] == ["watch_started", "epoch_finished"]


WRONG: dict[str, tuple[bytes, str]] = {
    "no header": (b"abc", "does not begin with the header"),
    "a header without an end": (b"{" * 2000 + b"\n", "does not begin with the header"),
    "another format": (part_of([logged()], format="neq-run"), "Its header, format"),
    "a later version": (part_of([logged()], version=2), "Its header, version"),
    "an id that is a path": (part_of([logged()], run="../../etc/p"), "Its header, run"),
    "a writer that is none": (part_of([logged()], writer="me"), "Its header, writer"),
    "a number below 1": (part_of([logged()], first=0), "Its header, first"),
    "more bytes than told": (part_of([logged()], events=3), "other bytes than its header says"),
    "fewer bytes than told": (part_of([logged()], events=3000), "other bytes than its header says"),
    "arrays beyond any network": (
        part_of([logged()], events=1).replace(b'"arrays": 0', b'"arrays": 9999999999'),
        "Its header, arrays",
    ),
    "no zlib": (part_of([logged()]).partition(b"\n")[0] + b"\nxxxx", "does not unpack"),
    "something behind it": (part_of([logged()]) + b"x", "other bytes than its header says"),
    "too many events": (part_of([logged()] * (MOST_LINES + 1)), f"has {MOST_LINES + 1} events"),
    "arrays that nobody announced": (part_of([logged()], packed=b"1234"), "other arrays than it has"),
    "a table without arrays": (part_of([logged()], table=[[0, 4, 16, None, 1, 1]]), "other arrays than it has"),
    "a line that is no JSON": (
        part_of([]).partition(b"\n")[0].replace(b'"events": 0', b'"events": 3') + b"\n" + zlib.compress(b"{{\n"),
        "A line of events",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_in_a_sentence(what: str) -> None:
    body, words = WRONG[what]
    with pytest.raises(RunFileBroken, match=words):
        read_part(body)


def test_numbers_that_do_not_rise_by_one_are_refused() -> None:
    body = part_of([logged(), logged()])
    head, _, packed = body.partition(b"\n")
    text = zlib.decompress(packed).replace(b'"seq": 2', b'"seq": 3')
    with pytest.raises(RunFileBroken, match="do not rise by one from 1 on"):
        read_part(head + b"\n" + zlib.compress(text))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "exec", "code": "1"}, "of the unknown kind 'exec'"),
        ({"text": "no kind"}, "Event 1 names no kind"),
        ({"kind": "logged", "text": "x" * 70_000}, "Event 1, logged.text"),
        (
            {
                "kind": "metrics_logged",
                "series": [{"name": "x", "steps": [1], "epochs": [], "times": [], "values": []}],
            },
            "of the same length",
        ),
        (
            {
                "kind": "metrics_logged",
                "series": [{"name": "a\x00", "steps": [], "epochs": [], "times": [], "values": []}],
            },
            "name",
        ),
    ],
)
def test_an_event_that_is_none_is_refused(event: Json, words: str) -> None:
    with pytest.raises(RunFileBroken, match=words):
        list(read_part(part_of([event])).events({}))


def test_arrays_of_another_size_than_the_layer_are_refused() -> None:
    event, body = epoch_part()
    with pytest.raises(RunFileBroken, match="arrays that no layer of its run has"):
        list(read_part(body).events({index: count + 1 for index, count in neurons(event).items()}))


def test_a_bomb_is_not_unpacked() -> None:
    """A body of some kilobytes that would become gigabytes is cut off at what its header says."""
    bomb = zlib.compress(bytes(200_000_000), 9)
    body = part_of([logged()]).partition(b"\n")[0] + b"\n" + bomb
    with pytest.raises(RunFileBroken, match="other bytes than its header says"):
        read_part(body)


@given(st.integers(0, 2**32))
@settings(max_examples=2_000, deadline=None)
def test_whatever_is_changed_in_a_part_it_reads_or_is_refused(seed: int) -> None:
    """Bytes flipped, cut out and doubled anywhere: never another error."""
    draw = random.Random(seed)
    event, body = epoch_part()
    changed = bytearray(body)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(changed))
        match draw.randrange(3):
            case 0:
                changed[place] = draw.randrange(256)
            case 1:
                del changed[place : place + draw.randint(1, 20)]
            case _:
                changed[place:place] = changed[place : place + draw.randint(1, 20)]
    try:
        part: Part = read_part(bytes(changed))
        list(part.events(neurons(event)))
    except RunFileBroken as refused:
        assert str(refused)


def test_the_largest_arrays_are_above_any_network_we_know() -> None:
    """ViT-H's 1.3 million neurons and a hundred times that."""
    assert 100 * 1_300_000 * np.dtype("<f4").itemsize * 0.9 < LARGEST_ARRAYS
