"""Records of the store, in the words of the API."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from db import Store
from db.records import Run, StoredText, Transition
from db.run_values import ACCURACIES
from server.descriptions import answered, answered_event
from server.settings import ServerSettings
from server.timing import RECENT_EPOCHS, timing_of

_INTERNAL = (
    "writer_id",
    "writer_seq",
    "heartbeat_at",
    "checkpoint_store",
    "checkpoint_epoch",
    "interruptions",
    "cost_key",
)
MOST_TURNS = 100
"""The newest of a run: one that is cut off for ever must not make its record endless."""
BRIEF_SETTINGS = 4
MOST_CHARACTERS = 200
"""Of a text among them."""
_FIELDS = tuple(name for name in Run.__dataclass_fields__ if name not in _INTERNAL)


def present_runs(store: Store, runs: Sequence[Run], *, former_names: bool = True) -> list[dict[str, Any]]:
    """Runs as the API shows them: without worker internals, with their page and sparkline.

    Args:
        store: where they are recorded.
        runs: their records.
        former_names: whether renamed fields are in their descriptions under their former names too.
    """
    if not runs:
        return []
    ids = [run.id for run in runs]
    sparklines, turns, now = store.frozen_sparkline(ids), store.transitions(ids), datetime.now(UTC)
    queue = store.queue() if any(run.state == "queued" for run in runs) else []
    accuracies = _logged_accuracies(store, runs)
    places = {
        run_id: {"position": place, "length": len(queue), "placement": None} for place, run_id in enumerate(queue, 1)
    }
    return [
        {name: getattr(run, name) for name in _FIELDS}
        | {
            "config": run.config if run.source == "external" else answered(run.config, former_names=former_names),
            "url": f"/runs/{run.id}",
            "frozen_sparkline": sparklines.get(run.id, []),
            "frozen_trail": sparklines.get(run.id, []),
            "frozen_share": run.frozen_fraction,
            "logged_accuracy": accuracies.get(run.id),
            "turns": [_present_turn(turn) for turn in turns[run.id][-MOST_TURNS:]],
            "timing": timing_of(run, turns[run.id], _newest_epochs(store, run), now),
            "queue": places.get(run.id),
            "heard_seconds_ago": _heard_seconds_ago(run, now),
            "can_resume": _can_resume(run),
            "can_fork": run.checkpoint_epoch is not None,
        }
        for run in runs
    ]


def brief_config(source: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Of a configuration what tells it from others at a glance.

    Returns:
        Of a launched run the kinds of its optimizer, model and data set; of an external one its first four plain
        settings, by their paths.
    """
    if source == "launched":
        return {
            part: {"kind": config[part].get("kind", "")} for part in ("optimizer", "model", "data") if part in config
        }
    return dict(islice(_plain_settings(config, ()), BRIEF_SETTINGS))


def _plain_settings(value: object, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _plain_settings(item, (*names, str(name)))
    elif value is not None and not isinstance(value, list):
        yield ".".join(names), value[:MOST_CHARACTERS] if isinstance(value, str) else value


def _logged_accuracies(store: Store, runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Of runs whose epochs tell no test accuracy what was logged as one."""
    without = [run.id for run in runs if run.test_accuracy is None]
    logged = store.metrics_called(without, ACCURACIES) if without else {}
    found = {run_id: next(known[name] for name in ACCURACIES if name in known) for run_id, known in logged.items()}
    return {
        run_id: {"name": metric.name, "last": metric.last, "max": metric.maximum} for run_id, metric in found.items()
    }


def _present_turn(turn: Transition) -> dict[str, Any]:
    payload = turn.payload
    return {
        "kind": turn.kind,
        "seq": turn.seq,
        "at": turn.at,
        "epoch": payload.get("epoch"),
        "reason": payload.get("reason"),
    }


def _heard_seconds_ago(run: Run, now: datetime) -> float | None:
    if run.state != "running" or run.heartbeat_at is None:
        return None
    return max(0.0, (now - run.heartbeat_at).total_seconds())


def _newest_epochs(store: Store, run: Run) -> list[dict[str, Any]]:
    """Of a run whose time left is asked for; an ended one has none, and is not read for it."""
    return store.newest_epochs(run.id, RECENT_EPOCHS) if run.state == "running" else []


def _can_resume(run: Run) -> bool:
    return run.state in ("stopped", "failed") and run.can_resume


def present_run(store: Store, run: Run, *, former_names: bool = True) -> dict[str, Any]:
    """One run as the API shows it."""
    return present_runs(store, [run], former_names=former_names)[0]


def address_of_run(settings: ServerSettings, run: Run) -> str:
    """Where the API tells of a run, as whoever asked through a proxy has to ask for it."""
    return f"{settings.root_path}/api/v1/runs/{run.id}"


def event_text(event: StoredText) -> str:
    """An event under its number, as JSON around the stored payload, which names its kind."""
    return f'{{"seq":{event.seq},"at":{_moment(event.at)},"event":{answered_event(event)}}}'


def epoch_text(epoch: StoredText, *, former_names: bool = True) -> str:
    """A finished epoch: the fields of its event beside its number, as JSON around the stored payload."""
    fields = answered_event(epoch, former_names=former_names)
    return f'{{"seq":{epoch.seq},"at":{_moment(epoch.at)},{fields[1:]}'


def _moment(at: datetime) -> str:
    return json_bytes(at).decode()


def json_bytes(content: object) -> bytes:
    """JSON, with null for what is not a finite number."""
    return to_json(content, inf_nan_mode="null")


def json_answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON body, without a second look at its shape: the tests hold it against the documented one."""
    return Response(json_bytes(content), status, headers, "application/json")
