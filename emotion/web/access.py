"""Who may use the routes that the server answers beside Gradio's own.

Gradio guards its routes by a dependency that only its own routes can have. Here is the same rule for ours:
where the app asks for a password, a request needs the cookie that Gradio's login set. On top of that,
requests of other web sites are refused where Gradio only keeps their answers from them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["TOKEN_HEADER", "Endpoint", "guarded", "is_token", "token_of"]

Endpoint = Callable[[Request], Awaitable[Response]]

TOKEN_HEADER = "X-Emotion-Token"
"""Names the session of a viewer. A form of another site cannot send it; a script of another site must ask
the server first (CORS preflight), and Gradio answers that."""

TOKEN_LENGTHS = range(22, 65)
"""Characters of a token: 22 of base64 hold 128 bits, which nobody can guess."""

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})


def guarded(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers 401 without a login, where there is one, and 403 to other web sites."""

    async def answer(request: Request) -> Response:
        user = await _user(request)
        asks = _asks_for_login(request)
        if asks and user is None:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Log in again: reload this page.")
        if not _from_our_page(request, own_only=asks):
            return _refusal(HTTPStatus.FORBIDDEN, "Requests of other web sites are refused.")
        request.state.user = user
        return await endpoint(request)

    return answer


def token_of(request: Request) -> tuple[str | None, str] | None:
    """Who asks: the user's name (None without a login) and the token; None if that is none."""
    token = request.headers.get(TOKEN_HEADER, "")
    return (request.state.user, token) if is_token(token) else None


def is_token(text: object) -> bool:
    """Whether this is long enough to be unguessable, and short enough to be kept."""
    return (
        isinstance(text, str)
        and len(text) in TOKEN_LENGTHS
        and text.isascii()
        and text.replace("-", "").replace("_", "").isalnum()
    )


def _asks_for_login(request: Request) -> bool:
    app = request.app
    return app.auth is not None or app.auth_dependency is not None


async def _user(request: Request) -> str | None:
    """As Gradio's own ``get_current_user``, which is a closure and cannot be called."""
    app = request.app
    if app.auth_dependency is not None:
        found = app.auth_dependency(request)
        user: str | None = await found if inspect.isawaitable(found) else found
        return user
    name, unsecure = (f"access-token-{kind}{app.cookie_id}" for kind in ("", "unsecure-"))
    logged_in: dict[str | None, str] = app.tokens
    return logged_in.get(request.cookies.get(name) or request.cookies.get(unsecure))


def _from_our_page(request: Request, *, own_only: bool) -> bool:
    """Whether a page of ours asks, or one that embeds the app (see ``docs/serving.md``).

    Args:
        request: With the token's header, which no plain form or link of another site can send.
        own_only: Allow our own page alone: a login must not be usable by the pages of others.
    """
    if TOKEN_HEADER not in request.headers:
        return False
    origin = request.headers.get("origin")
    if origin is None:  # no browser, or a GET of our own page
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    if urlsplit(origin).netloc in hosts:
        return True
    if own_only:
        return False
    # Gradio's own rule: a server on this computer answers pages of this computer.
    asker = urlsplit(origin).hostname
    return asker in LOCAL_HOSTS if request.url.hostname in LOCAL_HOSTS else asker is not None


def _refusal(status: HTTPStatus, text: str) -> Response:
    return JSONResponse({"error": text}, status)
