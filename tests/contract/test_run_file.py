"""A run file gives back what went in, to the bit, and a hostile one does no harm."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.events import EpochFinished, Event, LayerSnapshot
from contract.runfile import RunFile, RunFileBroken, run_file_chunks
from contract.snapshot_arrays import pack, table_of, unpack
from tests.contract.telling import header, moments, told

DOCUMENT = Path(__file__).parents[2] / "docs" / "run-file.md"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of three epochs of two layers."""
    path = tmp_path / "run.neq"
    path.write_bytes(b"".join(run_file_chunks(header(), moments())))
    return path


def read(path: Path) -> list[Event]:
    with RunFile.open(path) as file:
        return list(file.events())


# ---------------------------------------------------------------- what goes in comes out


def test_events_and_arrays_come_back_to_the_bit(path: Path) -> None:
    events = read(path)
    assert events == list(told()) and len(events) == 7
    arrays = [event.snapshots for event in events if isinstance(event, EpochFinished)]
    assert arrays == [event.snapshots for event in told() if isinstance(event, EpochFinished)]
    with RunFile.open(path) as file:
        assert file.header == header()


def test_a_loss_that_was_not_finite_comes_back_as_nan(tmp_path: Path) -> None:
    changed = [moment for moment in moments() if '"epoch":1' in moment.text]
    text = re.sub(r'"train_loss":[0-9.]+', '"train_loss":null', changed[0].text)
    start = next(iter(moments()))
    path = tmp_path / "nan.neq"
    path.write_bytes(b"".join(run_file_chunks(header(), [start, type(start)(9, start.at, text)])))
    epoch = read(path)[1]
    assert isinstance(epoch, EpochFinished) and np.isnan(epoch.train_loss) and epoch.test_loss == 1.0


def test_it_is_written_an_epoch_at_a_time(path: Path) -> None:
    heard = 0

    def counted() -> Iterator[Any]:
        nonlocal heard
        for moment in moments():
            heard += 1
            yield moment

    pieces = run_file_chunks(header(), counted())
    next(pieces)
    assert heard == 2, "the first piece was there before the second epoch was asked for"
    assert sum(map(len, pieces)) < path.stat().st_size


def test_a_long_log_does_not_pile_up_in_one_part(tmp_path: Path) -> None:
    start, *_ = moments()
    line = '{"kind":"logged","level":"info","text":"x"}'
    lines = [type(start)(seq, start.at, line) for seq in range(2, 1202)]
    path = tmp_path / "long.neq"
    path.write_bytes(b"".join(run_file_chunks(header(), [start, *lines])))
    assert len(read(path)) == 1201
    assert len([name for name in zipfile.ZipFile(path).namelist() if name.endswith(".jsonl")]) == 3


def test_the_documents_own_reader_reads_it(path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    space: dict[str, Any] = {}
    exec(found[1], space)  # our own document, and the point is that it runs
    seen = list(space["read_run"](path))
    assert [event["kind"] for event, _ in seen] == [event.kind for event in told()]
    for (_, layers), event in zip(seen, told(), strict=True):
        for snapshot in getattr(event, "snapshots", ()):
            mine = layers[snapshot.index]
            assert mine["divergence"].astype("<f4").tobytes() == snapshot.divergence
            assert (mine["velocity"] is None) == (snapshot.velocity is None)
            assert mine["velocity"] is None or mine["velocity"].astype("<f4").tobytes() == snapshot.velocity
            assert np.packbits(mine["frozen"]).tobytes() == snapshot.frozen
            assert np.packbits(mine["applied"]).tobytes() == snapshot.applied


@st.composite
def layers(draw: st.DrawFn) -> tuple[LayerSnapshot, ...]:
    def layer(index: int) -> LayerSnapshot:
        neurons = draw(st.integers(1, 40))
        bits = (neurons + 7) // 8
        floats = st.none() | st.binary(min_size=4 * neurons, max_size=4 * neurons)
        masks = st.binary(min_size=bits, max_size=bits)
        return LayerSnapshot(index, neurons, draw(floats), draw(floats), draw(masks), draw(masks))

    return tuple(layer(index) for index in range(draw(st.integers(0, 5))))


@given(layers())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_arrays_survive_packing(snapshots: tuple[LayerSnapshot, ...]) -> None:
    assert unpack(table_of(snapshots), pack(snapshots)) == snapshots


# ---------------------------------------------------------------- hostile files


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None], **options: Any) -> Path:
    """The same archive with members changed; None leaves one out."""
    target = path.with_name("changed.neq")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                file.writestr(name, content)
    return target


def line_changed(path: Path, **changes: Any) -> Path:
    """The last line of part 1, which announces arrays, with other values."""

    def change(name: str, content: bytes) -> bytes:
        if name != "parts/000001.jsonl":
            return content
        *before, last = content.splitlines()
        return b"\n".join([*before, json.dumps(json.loads(last) | changes).encode()])

    return rewritten(path, change)


GOOD_TABLE = [[0, 10, 40, 40, 2, 2], [1, 3, 12, 12, 1, 1]]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[0, 10, 40, 40, 2, 2]], "larger than allowed"),
        ([[0, 10, 40, None, 2, 2], [1, 3, 12, 12, 1, 1]], "larger than allowed"),
        ([[0, 10, 40, 40, 2, 2], [1, 3, 12, 12, 1, 1], [2, 1, 4, 4, 1, 1]], "no layer"),
        ([[0, 10, 40, 40, 2, 2], [1, 3, 12, 12, 2, 1]], "no layer"),
        ([[7, 10, 40, 40, 2, 2], [1, 3, 12, 12, 1, 1]], "no layer"),
        ([[0, 11, 44, 44, 2, 2], [1, 3, 12, 12, 1, 1]], "no layer|larger than allowed"),
        ([[0, 10, 40, 40, 2, 2], [0, 10, 40, 40, 2, 2]], "twice|differs from the announced"),
        ([[0, 10, -40, 40, 2, 2], [1, 3, 12, 12, 1, 1]], "size that no network has"),
        ([[0, 10**12, 4 * 10**12, 0, 0, 0]], "size that no network has"),
        ([[0, 10, 40, 40, 2]], "no layer|differs from the announced|larger than allowed"),
        ([[]], "no layer|differs from the announced|larger than allowed"),
        ([["../../etc/passwd", 10, 40, 40, 2, 2]], "A line of events"),
        ([], "announces the arrays of 0 epochs"),
    ],
)
def test_a_table_that_lies_is_refused(path: Path, table: list[Any], words: str) -> None:
    assert len(read(line_changed(path, snapshots=GOOD_TABLE))) == 7
    with pytest.raises(RunFileBroken, match=words):
        read(line_changed(path, snapshots=table))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seq": 1}, "must rise"),
        ({"seq": -1}, "seq"),
        ({"at": "yesterday"}, "at"),
        ({"event": {"kind": "epoch_finished"}}, "epoch: Field required"),
        ({"event": []}, "event"),
        ({"event": {"kind": "logged", "text": "x"}}, "finishes no epoch"),
    ],
)
def test_a_line_that_is_no_event_is_refused_by_field(path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RunFileBroken, match=words):
        read(line_changed(path, **changes))


def test_an_event_of_a_later_version_is_passed_over(path: Path) -> None:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b'"kind":"logged"', b'"kind":"sang"') if name.endswith("jsonl") else content

    assert len(read(rewritten(path, change))) == 5


def test_a_bomb_is_not_unpacked(path: Path) -> None:
    bomb = b"\0" * 50_000_000  # 50 kB deflated, where 107 bytes are announced

    def change(name: str, content: bytes) -> bytes:
        return bomb if name == "parts/000001.arrays" else content

    with pytest.raises(RunFileBroken, match="larger than allowed"):
        read(rewritten(path, change))


@pytest.mark.parametrize("keep", [0, 10, 500, -1, -30])
def test_a_file_of_which_not_all_arrived_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunFileBroken, match="not a run file"):
        RunFile.open(path)


def test_a_byte_that_changed_on_the_way_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        member = file.getinfo("parts/000001.arrays")
    content[member.header_offset + 30 + len(member.filename) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunFileBroken, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no run.json"),
        (b"{}", "does not describe a run"),
        (b"[" * 100_000, "does not describe a run"),
        (b'{"format": "other", "version": 1}', "is of version None|says nothing"),
        (b'{"format": "neq-run", "version": 3}', "update the program"),
        (b'{"format": "neq-run", "version": "1"}', "update the program"),
        (b'{"format": "neq-run", "version": 1, "program": "x"}', "run: Field required"),
        (b" " * 5_000_000, "larger than allowed"),
    ],
)
def test_a_header_that_is_none_is_refused(path: Path, content: bytes | None, words: str) -> None:
    changed = rewritten(path, lambda name, before: content if name == "run.json" else before)
    with pytest.raises(RunFileBroken, match=words):
        RunFile.open(changed)


def test_other_packings_and_encryption_are_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in [found.start() for found in re.finditer(b"PK\x01\x02", content)]:
        struct.pack_into("<H", content, place + 8, 1)
    encrypted = path.with_name("encrypted.neq")
    encrypted.write_bytes(content)
    with pytest.raises(RunFileBroken, match="packed in a way"):
        RunFile.open(encrypted)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("run.json", "{}")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(RunFileBroken, match="packed in a way"):
        RunFile.open(path)


def test_members_with_paths_are_never_looked_at(path: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../../outside", "x")
        file.writestr("/etc/outside", "x")
    assert len(read(path)) == 7 and {item.name for item in tmp_path.iterdir()} == {"run.neq"}


def test_the_date_of_an_event_has_its_zone(path: Path) -> None:
    line = json.loads(zipfile.ZipFile(path).read("parts/000000.jsonl").splitlines()[0])
    assert datetime.fromisoformat(line["at"]).tzinfo is not None and datetime.fromisoformat(line["at"]) < datetime.now(
        UTC
    )


@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
def test_a_file_with_any_bytes_changed_is_read_or_refused_in_one_line(
    path: Path, places: list[tuple[float, int]]
) -> None:
    content = bytearray(path.read_bytes())
    for place, value in places:
        content[int(place * len(content))] = value
    damaged = path.with_name("damaged.neq")
    damaged.write_bytes(content)
    try:
        read(damaged)
    except RunFileBroken as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("length", [0, 3, 22, 100, 1000])
def test_a_file_that_is_cut_short_is_refused(path: Path, length: int) -> None:
    cut = path.with_name("cut.neq")
    cut.write_bytes(path.read_bytes()[:length])
    with pytest.raises(RunFileBroken):
        read(cut)


def test_a_directory_of_members_that_needs_what_no_reader_has_is_refused(path: Path) -> None:
    """ "Version needed" 255 in the directory makes Python's reader raise NotImplementedError."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 6 : entry + 8] = b"\xff\x00"
    odd = path.with_name("odd.neq")
    odd.write_bytes(content)
    with pytest.raises(RunFileBroken, match="NotImplementedError"):
        read(odd)
