"""What a run found in its data, over HTTP: before it started, afterwards, and where an older program recorded it."""

from fastapi.testclient import TestClient

from contract.data_report import ClassFound, DataFound, PartFound, PassedOver, Sizes, Values
from contract.events import Event, RunStarted
from db import Snapshot, Store
from server.schemas import RunData
from tests.server.recording import Recording

FOUND = DataFound(
    parts=(
        PartFound(part="train", images=960, source="mine/train"),
        PartFound(part="test", images=240, source="mine/val"),
        PartFound(part="probe", images=40, source="held back from training images"),
    ),
    class_count=24,
    classes=tuple(
        ClassFound(name=f"<b>class {number}", train=40, test=10 * (number != 3), probe=2) for number in range(24)
    ),
    absent_test=("<b>class 3",),
    passed_over=(PassedOver(reason="left by macOS", count=5, examples=("mine/.DS_Store", "mine/train/._a.png")),),
    sizes=Sizes(height=(20, 22), width=(24, 24), looked_at=500, images=1200),
    values=Values(low=0, high=4000, white=4095, looked_at=32, images=1200),
    notes=("Not used of mine: test.",),
    warnings=("No test image shows <b>class 3: the accuracy says nothing of it.",),
)


class Told(Recording):
    """A run that tells what it found in its data."""

    def _append(self, event: Event, snapshots: tuple[Snapshot, ...] = ()) -> int:
        if isinstance(event, RunStarted):
            event = event.model_copy(update={"data": FOUND})
        return super()._append(event, snapshots)


def read(client: TestClient, run: str) -> DataFound | None:
    answer = client.get(f"/api/v1/runs/{run}/data")
    assert answer.status_code == 200
    return RunData.model_validate_json(answer.content).data


def test_what_a_run_found_in_its_data_is_told_from_its_start(client: TestClient, store: Store) -> None:
    run = Told(store)
    assert read(client, run.id) is None
    run.start()
    assert read(client, run.id) == FOUND


def test_a_run_of_an_older_program_told_nothing(client: TestClient, recording: Recording) -> None:
    recording.store.run(recording.id)
    assert read(client, recording.id) is None


def test_an_unknown_run_has_no_data(client: TestClient) -> None:
    assert client.get("/api/v1/runs/nothere000/data").status_code == 404
