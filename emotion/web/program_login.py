"""Routes for programs: Prometheus, listeners to the live feed, downloads.

Where the page asks for a login they do, too: its cookie, or the same user and password by HTTP Basic
authentication, which is what programs can send.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

__all__ = ["for_programs", "user_of"]


def for_programs(
    answer: Callable[[Request], Response | Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """A route that answers 401 without a login, where the page asks for one."""

    async def check(request: Request) -> Response:
        app = request.app
        asks = app.auth is not None or app.auth_dependency is not None
        if asks and await user_of(request) is None:
            headers = {"WWW-Authenticate": 'Basic realm="emotion", charset="UTF-8"'}
            return PlainTextResponse("Not authenticated\n", 401, headers)
        found = answer(request)
        return await found if inspect.isawaitable(found) else found

    return check


async def user_of(request: Request) -> str | None:
    """Who logged in on the page, or sent user and password along; None: nobody."""
    app: Any = request.app
    if app.auth_dependency is not None:
        user = app.auth_dependency(request)
        user = await user if inspect.isawaitable(user) else user
        return None if user is None else str(user)
    for name in (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"):
        if user := app.tokens.get(request.cookies.get(name)):
            return str(user)
    return _basic_user(request, app.auth)


def _basic_user(request: Request, accounts: object) -> str | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or not isinstance(accounts, dict):
        return None
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    right = str(accounts.get(user, secrets.token_hex(16)))
    return user if hmac.compare_digest(right.encode(), password.encode()) else None
