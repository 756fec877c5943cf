"""Deleting records so that they are gone: from the tables, and from the file."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import delete, text

from emotion.errors import StorageError
from emotion.storage.database import Database
from emotion.storage.queries import Selection, session_conditions
from emotion.storage.schema import OBSERVATION, SECOND, SESSION

__all__ = ["delete_sessions", "keep_only", "older_than"]

DAY_MS = 24 * 3600 * 1000

log = logging.getLogger(__name__)


def delete_sessions(database: Database, wanted: Selection) -> int:
    """Delete whole sessions with everything in them, and give their space back.

    SQLite overwrites what is deleted and rewrites the file; MySQL rebuilds the tables; PostgreSQL frees the
    rows for what comes next. Backups and a server's own logs are beyond our reach.

    Returns:
        How many sessions were deleted.

    Raises:
        StorageError: If the database cannot be used. What was not deleted is all still there.
    """
    if not database.exists:
        return 0
    with database.begin() as connection:
        found = connection.execute(delete(SESSION).where(*session_conditions(wanted))).rowcount
    if found:
        try:
            _give_back(database)
        except StorageError as error:
            # The rows are gone; that somebody else reads the file just now must not look like a failure.
            log.warning("Deleted, but the space is not given back yet: %s", error)
    return int(found)


def older_than(days: float, *, owner: str | None = None) -> Selection:
    """The sessions that started more than so many days ago."""
    return Selection(owner, until_ms=round(time.time() * 1000 - days * DAY_MS))


def keep_only(database: Database, days: float) -> threading.Thread:
    """Delete what is older than so many days, now and every hour, on a thread of its own."""

    def repeat() -> None:
        while True:
            try:
                delete_sessions(database, older_than(days))
            except StorageError as error:
                log.warning("Old sessions could not be deleted: %s", error)
            time.sleep(3600)

    thread = threading.Thread(target=repeat, name="records-retention", daemon=True)
    thread.start()
    return thread


def _give_back(database: Database) -> None:
    tables = ", ".join(table.name for table in (SESSION, OBSERVATION, SECOND))
    statements = {
        "sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"),
        "postgresql": (f"VACUUM {tables}",),
    }.get(database.url.get_backend_name(), (f"OPTIMIZE TABLE {tables}",))
    with database.outside_transaction() as connection:
        for statement in statements:
            connection.execute(text(statement)).close()
