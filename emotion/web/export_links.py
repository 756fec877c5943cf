"""Downloads of records without files on the server: a link that works once, for a minute."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from emotion.errors import StorageError
from emotion.storage.database import Database
from emotion.storage.export import export
from emotion.storage.queries import Selection
from emotion.web.program_login import for_programs

__all__ = ["ExportLinks"]

VALID_S = 60.0
MOST_LINKS = 1_000

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class _Link:
    wanted: Selection
    form: str
    until: float


class ExportLinks:
    """Hands out links and answers them. What is downloaded streams from the database to the browser."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._links: dict[str, _Link] = {}
        self._lock = threading.Lock()

    def make(self, wanted: Selection, form: str) -> str:
        """The path of a new link, relative to the page."""
        ticket = secrets.token_urlsafe(32)
        now = time.monotonic()
        with self._lock:
            self._links = {key: link for key, link in self._links.items() if link.until > now}
            while len(self._links) >= MOST_LINKS:
                self._links.pop(next(iter(self._links)))
            self._links[ticket] = _Link(wanted, form, now + VALID_S)
        return f"records/export/{ticket}"

    def route(self) -> Route:
        """What the server answers the links with."""
        return Route("/records/export/{ticket}", for_programs(self._answer))

    def _answer(self, request: Request) -> Response:
        with self._lock:
            link = self._links.pop(request.path_params["ticket"], None)
        if link is None or link.until < time.monotonic():
            return PlainTextResponse("This link was used or is too old. Ask for a new one.\n", 404)
        name = f"expressions-{datetime.now(UTC):%Y-%m-%d}.{link.form}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(
            self._pieces(link), media_type=MEDIA_TYPES[link.form], headers=headers
        )

    def _pieces(self, link: _Link) -> Iterator[bytes]:
        try:
            with self._database.begin() as connection:
                yield from export(connection, link.wanted, link.form)
        except StorageError as error:
            yield f"\n{error}\n".encode()
