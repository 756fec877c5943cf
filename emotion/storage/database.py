"""Opening the database: its address, its version, and errors that say what to do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from emotion.errors import StorageError
from emotion.storage.schema import METADATA, SCHEMA, SCHEMA_VERSION

__all__ = ["URL_VARIABLE", "Database", "default_url"]

URL_VARIABLE = "EMOTION_RECORDS_URL"

DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
}
"""The driver that the extra ``records`` installs, for addresses that name none."""

PATIENCE_S = 3
"""How long a connection, a lock or an answer is waited for. The stream goes on meanwhile."""

SQLITE_SETTINGS = (
    # Readers and the writer do not wait for each other, and a process that is killed leaves a whole file.
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # deleted rows are overwritten with zeros
)

MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {}
"""For each older version, what makes the next one of it. Version 1 is the first."""


def default_url() -> str:
    """``EMOTION_RECORDS_URL``, or else a SQLite file in the user's folder for data."""
    if address := os.environ.get(URL_VARIABLE):
        return address
    home = Path.home()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return f"sqlite:///{folder / 'emotion' / 'records.db'}"


class Database:
    """A database of records. It is opened, and where necessary created, on first use.

    Args:
        address: An address as SQLAlchemy understands it: ``sqlite:////path/records.db``,
            ``mysql://user:password@host/name``, ``postgresql://user:password@host/name``; or the path of a
            SQLite file. None: :func:`default_url`.

    Raises:
        StorageError: If the address cannot be understood or its driver is missing. Whether the database
            can be reached shows on first use.
    """

    def __init__(self, address: str | None = None) -> None:
        self.url = _read_address(address or default_url())
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self._engine = _make_engine(self.url)
        except (ImportError, SQLAlchemyError) as error:
            raise StorageError(
                f"No driver for {self.place}: {error}. Install the drivers with "
                'pip install "emotion[records]".'
            ) from error
        self._checked = False

    @property
    def place(self) -> str:
        """Where the records are kept, for people: a path, or the address without its password."""
        if self.is_sqlite:
            return str(Path(self.url.database or "").resolve())
        return self.url.render_as_string(hide_password=True)

    @property
    def exists(self) -> bool:
        """False for a SQLite file that nothing has been written to yet."""
        return not self.is_sqlite or Path(self.url.database or "").exists()

    @contextmanager
    def begin(self, *, create: bool = False) -> Iterator[Connection]:
        """A connection inside a transaction, which is committed at the end.

        Args:
            create: Make the SQLite file and its folder if they are missing.

        Raises:
            StorageError: If the database cannot be reached, is of another version, or fails meanwhile.
        """
        with self._errors():
            self._check(create=create)
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def outside_transaction(self) -> Iterator[Connection]:
        """A connection for statements such as VACUUM, which refuse to run in a transaction."""
        with self._errors():
            self._check(create=False)
            with self._engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._engine.dispose()

    def _check(self, *, create: bool) -> None:
        """See to it that the tables are there, and of this version. Done once."""
        if self._checked and self.exists:
            return
        if not self.exists:
            if not create:
                raise StorageError(f"There are no records yet. Received: {self.place}")
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self._engine.dispose()  # a connection may still hold a file that was deleted
        for left in (2, 1, 0):
            try:
                with self._engine.begin() as connection:
                    _bring_up_to_date(connection, self.place)
                break
            except DBAPIError as error:
                if error.connection_invalidated or not left:
                    raise
                time.sleep(0.2)  # another process may be making the same tables
        self._checked = True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if error.connection_invalidated:
                self._checked = False  # another server may answer next time
            raise StorageError(_explain(error, self)) from error
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(f"The records in {self.place} cannot be used: {error}") from error


def _read_address(address: str) -> URL:
    """An address, with a driver that we install."""
    if "://" not in address:
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise StorageError(
            "The address of the records must look like sqlite:////path/records.db, "
            "mysql://user:password@host/name or postgresql://user:password@host/name. "
            "Received one that cannot be read; a password with special characters must be URL-encoded."
        ) from error
    if url.get_backend_name() == "sqlite" and not url.database:
        raise StorageError("Records in SQLite need a file: sqlite:////path/records.db")
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _make_engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(url, connect_args={"timeout": PATIENCE_S})
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    options: dict[str, Any] = {"connect_timeout": PATIENCE_S}
    if backend in ("mysql", "mariadb"):
        options |= {"read_timeout": 60, "write_timeout": 60, "charset": "utf8mb4"}
    # A server that was restarted is noticed before a connection is used.
    return create_engine(url, connect_args=options, pool_pre_ping=True, pool_timeout=PATIENCE_S)


def _set_up_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for setting in SQLITE_SETTINGS:
        cursor.execute(setting)
    cursor.close()


def _bring_up_to_date(connection: Connection, place: str) -> None:
    ours = set(inspect(connection).get_table_names()) & set(METADATA.tables)
    version: int | None = None
    if SCHEMA.name in ours:
        version = connection.scalar(select(SCHEMA.c.version))
    if not ours or (version is None and SCHEMA.name in ours):
        # The table of the version comes first and its row last: one without a row was interrupted.
        SCHEMA.create(connection, checkfirst=True)
        METADATA.create_all(connection)
        connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
        return
    while version is not None and version in MIGRATIONS:
        MIGRATIONS[version](connection)
        version += 1
        connection.execute(SCHEMA.update().values(version=version))
    if version != SCHEMA_VERSION or ours != set(METADATA.tables):
        newer = version is not None and version > SCHEMA_VERSION
        advice = "Update this program" if newer else "Name another database"
        raise StorageError(
            f"The records must be of version {SCHEMA_VERSION}. Received: version {version or 'unknown'} "
            f"in {place}. Nothing was changed. {advice}."
        )


def _explain(error: DBAPIError, database: Database) -> str:
    """What the driver says, in one line, with the address but without the statement and its data."""
    original = error.orig
    parts = original.args if original else ()
    text = str(parts[-1] if parts else original).strip().splitlines()
    reason = text[0] if text else type(original).__name__
    advice = ""
    if database.is_sqlite and "locked" in reason:
        advice = " Another program is using the file: close it."
    elif "full" in reason or "No space" in reason:
        advice = " Make room on the disk, or delete sessions."
    elif "readonly" in reason or "unable to open" in reason:
        advice = " The folder must exist and be writable for this user."
    elif "not a database" in reason:
        advice = " Name another file."
    return f"The records in {database.place} cannot be used: {reason}.{advice}".replace("..", ".")
