"""`neq launch --check`: a run is looked over and tried, and not launched."""

import time

from cli.client import Client, Json
from cli.exits import REFUSED
from cli.printing import say
from contract.counted import counted

ASK_SECONDS = 0.2
WAITING_SECONDS = 3.0
"""From then on it is said what is waited for."""
MOST_SECONDS = 180.0
"""The server gives a dry pass up before; this holds if it does not."""


def look_over(client: Client, description: Json) -> int:
    """Prints what is wrong or doubtful about a run, once a worker has tried it; returns the exit code."""
    answer = _answered(client, client.ask("POST", "/checks", json=description))
    for error in answer["errors"]:
        say(f"error: {said(error)}", err=True)
    tell_warnings(answer)
    if answer["errors"]:
        return REFUSED
    say(_end(answer))
    return 0


def try_example(client: Client, example: Json) -> bool:
    """Prints what came of trying one run of a sweep, for those that cost alike; whether nothing is wrong."""
    answer = _answered(client, client.ask("POST", "/checks", json=example["config"]))
    for error in answer["errors"]:
        say(f"error: {said(error)} ({example['name']}; {_alike(example)})", err=True)
    if not answer["errors"]:
        say(f"{_end(answer)} ({example['name']}; {_alike(example)})")
    return not answer["errors"]


def _alike(example: Json) -> str:
    return "for this run" if example["runs"] == 1 else f"for {counted(example['runs'], 'run')} that cost alike"


def _answered(client: Client, answer: Json) -> Json:
    """The check once a worker has tried the run, or nobody has for too long."""
    asked_at, told = time.monotonic(), False
    while answer["state"] == "pending":
        waited = time.monotonic() - asked_at
        if waited >= MOST_SECONDS:
            return answer | {"state": "unknown", "reason": f"no worker responded within {MOST_SECONDS:.0f} s"}
        if waited >= WAITING_SECONDS and not told:
            say("waiting for a worker to check it; this takes longer if torch is not loaded yet …", err=True)
            told = True
        time.sleep(ASK_SECONDS)
        answer = client.ask("GET", f"/checks/{answer['id']}")
    return answer


def tell_warnings(answer: Json) -> None:
    """Prints what is doubtful about a run, on stderr."""
    for warning in answer["warnings"]:
        say(f"warning: {said(warning)}", err=True)


def said(finding: Json) -> str:
    """Such as `training.batch_size: …`."""
    return ": ".join(filter(None, (finding["field"], finding["message"])))


def _end(answer: Json) -> str:
    match answer["state"]:
        case "ok":
            counts = f"{counted(answer['parameters'], 'parameter')}, {counted(answer['neurons'], 'neuron')} watched"
            return f"ok: {counts}; one small batch trained on {answer['worker']} in {answer['seconds']:.1f} s"
        case "no_worker":
            return "no worker is running: only the checks that need none were made"
    return f"not fully checked: {answer['reason']}"
