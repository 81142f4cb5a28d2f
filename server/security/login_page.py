"""The page that asks a browser for the token: plain HTML, nothing loaded from anywhere."""

from html import escape
from typing import Protocol
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>NEq · token</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto 0; padding: 0 1.25rem }}
h1 {{ font-size: 1.4rem; margin: 0 0 .5rem }}
label {{ display: block; font-weight: 600; margin-top: 1.25rem }}
input, button {{ font: inherit; padding: .55rem .75rem; border-radius: .4rem; border: 1px solid #888 }}
input {{ width: 100%; box-sizing: border-box; margin: .35rem 0 .9rem }}
button {{ background: #1c62b9; border-color: #1c62b9; color: #fff; cursor: pointer }}
.wrong {{ border-left: .25rem solid #c9371c; padding-left: .75rem }}
</style></head><body><main>
<h1>This server asks for its token</h1>
<p>It stands in the link that was printed where the server was started, behind <code>token=</code>.</p>
{message}
<form method="post" action="{root}/login"><input type="hidden" name="next" value="{next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Open</button></form>
</main></body></html>
"""


class TokenGate(Protocol):
    """What the page needs of the gate."""

    root: str
    """The path prefix of all our addresses; empty for none."""

    def is_token(self, word: str) -> bool:
        """Whether this is the token."""

    def hand_out(self, response: Response, headers: Headers, scheme: str) -> Response:
        """Put the cookie into an answer."""


def login_page(root: str, leads_to: str, message: str = "") -> Response:
    """The page (401) that asks for the token and then leads on to a path of this server, given without the prefix."""
    said = f'<p class="wrong" role="alert">{escape(message)}</p>' if message else ""
    page = _PAGE.format(root=escape(root), message=said, next=escape(leads_to))
    return HTMLResponse(page, 401, {"Cache-Control": "no-store"})


def pass_page(leads_to: str) -> Response:
    """A page that goes on to a path of this server, given with the prefix, by itself."""
    head = f'<meta http-equiv="refresh" content="0; url={escape(leads_to)}"><title>NEq</title>'
    return HTMLResponse(f'<!doctype html>{head}<p><a href="{escape(leads_to)}">Go on</a></p>')


async def answer_login(gate: TokenGate, request: Request) -> Response:
    """Take what the page's form sent: the cookie and on to where the reader wanted to go, or the page again."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    leads_to = "/" + form.get("next", ["/"])[0].lstrip("/\\")
    if not gate.is_token(form.get("token", [""])[0].strip()):
        return login_page(gate.root, leads_to, "This is not the token of this server.")
    return gate.hand_out(RedirectResponse(gate.root + leads_to, 303), request.headers, request.url.scheme)
