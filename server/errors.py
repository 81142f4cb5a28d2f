"""What a client reads when something is wrong: always JSON, always `detail`, always with what to do."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from contract.checks.words import sentence
from contract.config import RunConfig
from db.errors import (
    CannotResume,
    NotExternal,
    NotQueued,
    RunActive,
    RunEnded,
    RunExists,
    RunHeld,
    StoreDamaged,
    StoreUnreachable,
    TooManyViews,
    UnknownCheck,
    UnknownCheckpoint,
    UnknownLayer,
    UnknownRun,
    UnknownView,
)

STATUS_OF = {
    UnknownRun: 404,
    UnknownLayer: 404,
    UnknownCheckpoint: 404,
    UnknownCheck: 404,
    UnknownView: 404,
    RunActive: 409,
    RunEnded: 409,
    RunExists: 409,
    RunHeld: 409,
    NotExternal: 409,
    NotQueued: 409,
    CannotResume: 409,
    TooManyViews: 409,
    StoreDamaged: 500,
    StoreUnreachable: 503,
}
"""The store's refusals, as HTTP says them. Their own sentences are the detail."""

LONGEST_ECHO = 200
SOURCES = ("launched", "external")
"""How a location tells which of the bodies that make a run it is in."""


def install(app: FastAPI) -> None:
    """Make every error of this app answer in the one form."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)
    for refusal in STATUS_OF:
        app.add_exception_handler(refusal, _refused)


def problem(status: int, detail: object, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says what is wrong."""
    content = to_json({"detail": detail}, inf_nan_mode="null", fallback=repr)
    return Response(content, status, headers, "application/json")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (the handler is registered for nothing else)
    request.state.cause = error.detail
    return problem(error.status_code, error.detail, error.headers)


async def _refused(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
    request.state.cause = error
    return problem(status, str(error), {"Retry-After": "2"} if status == 503 else None)


async def _failed(request: Request, _error: Exception) -> Response:
    request.state.logged = True  # the error goes on to the guard, which logs it whole
    return failure(request.state.request_id)


def failure(request_id: str) -> Response:
    """The answer where we failed: what went wrong stands in the log, under the same number."""
    content = to_json(
        {"detail": f"The server failed; the reason is in its log, at {request_id}", "request_id": request_id}
    )
    return Response(content, 500, media_type="application/json")


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return problem(422, [explain(each) for each in error.errors()])


def explain(error: Mapping[str, Any], model: type[BaseModel] = RunConfig) -> dict[str, Any]:
    """One validation error in the words of the form: the dotted field, a sentence, the kind of error, what was given.

    Args:
        error: as pydantic reports it; where it comes from a request, its location begins with body, query or path.
        model: what the body should have been; its unions tell which parts of a location are tags and not fields.
    """
    location: list[str | int] = list(error["loc"])
    if location and location[0] in ("body", "query", "path", "header"):
        del location[0]
    if location and location[0] in SOURCES:
        del location[0]
    if error["type"] == "json_invalid":
        return _entry("", f"The body is not JSON: {error['ctx']['error']} at character {location[0]}", error)
    names, inside = _walk(model, location)
    context = error.get("ctx", {})
    if error["type"].startswith("union_tag"):
        return _entry(".".join((*names, "kind")), _unknown_kind(names[-1], context), error)
    names += str(context.get("field", "")).split(".") if context.get("field") else []
    entry = _entry(".".join(names), _sentence(error, names, inside), error)
    return entry | {name: context[name] for name in ("start", "end") if name in context}


def _walk(model: type[BaseModel], location: Sequence[str | int]) -> tuple[list[str], type[BaseModel] | None]:
    """The location as field names without union tags, and the model that its last field stands in."""
    names: list[str] = []
    current: type[BaseModel] | None = model
    inside: type[BaseModel] | None = model
    members: dict[str, type[BaseModel]] = {}
    for part in location:
        if members:
            current, members = members.get(str(part)), {}
            continue
        names.append(str(part))
        inside = current
        field = current.model_fields.get(str(part)) if current else None
        members = _members(field.annotation) if field and field.discriminator else {}
        current = _model(field.annotation) if field else None
    return names, inside


def _members(annotation: Any) -> dict[str, type[BaseModel]]:
    return {member.model_fields["kind"].default: member for member in get_args(annotation)}


def _model(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _unknown_kind(field: str, context: Mapping[str, Any]) -> str:
    known = str(context.get("expected_tags", "")).replace("'", "")
    choice = f"choose one of {known}" if known else f"name it in {field}.kind"
    if "tag" in context:
        return f"There is no {field} called {str(context['tag'])[:LONGEST_ECHO]}; {choice}"
    return f"Which {field}? Name its kind; see /api/v1/schema/run-config for what there is"


def _sentence(error: Mapping[str, Any], names: Sequence[str], inside: type[BaseModel] | None) -> str:
    if not names:
        return "Send a JSON object, with the header Content-Type: application/json"
    if error["type"] == "extra_forbidden":
        known = f"; there are {', '.join(inside.model_fields)}" if inside else ""
        return f"Unknown field{known}"
    return sentence(error)


def _entry(field: str, message: str, error: Mapping[str, Any]) -> dict[str, Any]:
    return {"field": field, "message": message, "type": error["type"], "input": _echo(error.get("input"))}


def _echo(given: object) -> object:
    """What was given, short enough to be read and without what cannot be written in UTF-8."""
    if isinstance(given, bool | int | float | None):
        return given
    if isinstance(given, bytes):  # a body that was not announced as JSON
        given = given[: 4 * LONGEST_ECHO].decode("utf-8", "replace")
    if isinstance(given, str):
        shown = given.encode("utf-8", "replace").decode()
        return shown if len(shown) <= LONGEST_ECHO else shown[:LONGEST_ECHO] + " …"
    return given if len(ascii(given)) <= LONGEST_ECHO and "\\ud" not in ascii(given) else ascii(given)[:LONGEST_ECHO]
