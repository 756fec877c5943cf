"""The three databases that records are kept in, each of them real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.databases import MariaDB, PostgreSQL, Server, running

from emotion.storage.database import Database
from emotion.storage.recorder import Recorder


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server of our own."""
    with running(MariaDB) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server of our own."""
    with running(PostgreSQL) as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Callable[..., Recorder]]:
    """Opens recorders, and with them their databases; closes them at the end."""
    recorders: list[Recorder] = []

    def start(address: str | Path, **options: Any) -> Recorder:
        recorders.append(Recorder(Database(str(address)), **options))
        return recorders[-1]

    yield start
    for recorder in recorders:
        recorder.close(timeout_s=2)


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; every test that asks for it runs on all three."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'records.db'}"
    server: Server = request.getfixturevalue(request.param)
    return server.new_database()


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the two servers."""
    found: Server = request.getfixturevalue(request.param)
    return found
