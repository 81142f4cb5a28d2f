"""Requests to Dash's own routes that its pages never send: refused before Dash trips over them.

Dash answers whatever goes wrong inside its routes with a bare 500 and no line in the log. Here a request that does not
have the form of one is refused (400, 404), and every other error goes on to whoever logs errors.
"""

from typing import Any

from dash import Dash
from dash.backends._fastapi import DashMiddleware, get_current_request
from dash.exceptions import PreventUpdate
from dash.fingerprint import check_fingerprint
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send


class Refused(Exception):
    """The request is none that a page sends.

    Attributes:
        status: of the answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CarefulDash(DashMiddleware):
    """Dash's middleware, which looks at a request first and hides no error."""

    async def _run_before_hooks(self) -> None:
        _check(self.dash_app, get_current_request())
        await super()._run_before_hooks()

    async def _handle_error(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(error, Refused):
            await JSONResponse({"detail": str(error)}, error.status)(scope, receive, send)
        elif isinstance(error, PreventUpdate):
            await super()._handle_error(error, scope, receive, send)
        else:
            raise error


def install(app: FastAPI) -> None:
    """Put the careful middleware in the place of Dash's own; call it once Dash has installed that."""
    kinds: list[Any] = [each.cls for each in app.user_middleware]
    app.user_middleware[kinds.index(DashMiddleware)].cls = CarefulDash  # type: ignore[assignment]


def _check(dash: Dash, request: Request) -> None:
    prefix = dash.config.routes_pathname_prefix
    path = request.scope["path"].removeprefix(prefix)
    if path == "_dash-update-component" and request.method == "POST":
        _check_update(dash, request.state.json_body)
    elif path.startswith("_dash-component-suites/"):
        package, _, file = path.removeprefix("_dash-component-suites/").partition("/")
        _check_file(dash, package, file)


def _check_file(dash: Dash, package: str, file: str) -> None:
    if "\0" in file or check_fingerprint(file)[0] not in dash.registered_paths.get(package, ()):
        raise Refused(404, "No such file")


def _check_update(dash: Dash, body: object) -> None:
    """Whether the body asks for a callback that there is, with the properties that it takes."""
    if not isinstance(body, dict):
        raise Refused(400, "Send a JSON object, with the header Content-Type: application/json")
    callback = dash.callback_map.get(body["output"]) if isinstance(body.get("output"), str) else None
    if callback is None:
        raise Refused(400, "output: no such callback; reload the page")
    for name, takes in (("inputs", callback["inputs"]), ("state", callback["state"])):
        _check_properties(name, body.get(name, []), takes)
    changed = body.get("changedPropIds", [])
    if not (isinstance(changed, list) and all(isinstance(each, str) for each in changed)):
        raise Refused(400, "changedPropIds: must be a list of strings")
    if not _are_outputs(body.get("outputs")):
        raise Refused(400, "outputs: must be properties with an id, or a list of them")


def _check_properties(name: str, given: object, takes: list[dict[str, Any]]) -> None:
    """The properties must be those that the callback takes; what they hold is text or nothing, as an address is."""
    if not (isinstance(given, list) and len(given) == len(takes)):
        raise Refused(400, f"{name}: this callback takes {len(takes)}")
    for each, wanted in zip(given, takes, strict=True):
        known = isinstance(each, dict) and all(each.get(key) == wanted[key] for key in ("id", "property"))
        if not known:
            raise Refused(400, f"{name}: must be {wanted['id']}.{wanted['property']}")
        if not isinstance(each.get("value"), str | None):
            raise Refused(400, f"{name}: {wanted['id']}.{wanted['property']} must be a string")


def _are_outputs(given: object) -> bool:
    each = given if isinstance(given, list) else [given]
    return all(isinstance(one, dict) and {"id", "property"} <= one.keys() for one in each)
