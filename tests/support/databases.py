"""Real MariaDB and PostgreSQL servers for tests: on a free port and in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from support.programs import find_program
from support.running_app import free_port

__all__ = ["PASSWORD", "MariaDB", "PostgreSQL", "Server", "running"]

PASSWORD = "p@ss word/1"
"""With characters that must be encoded in a URL."""

QUOTED_PASSWORD = "p%40ss%20word%2F1"

FOLDERS = (Path("/usr/sbin"), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
"""Where Debian puts servers: PostgreSQL by version, the newest first."""


class Server:
    """A database server that a test may stop and start again; its data stays until :meth:`remove`.

    Attributes:
        admin_url: For the user who may do anything.
        programs: What must be installed; the first name that is found is used.
        package: The Debian package with them.
    """

    programs: tuple[str, ...] = ()
    package = ""
    admin_url = ""

    def __init__(self) -> None:
        self.program()
        self.folder = Path(tempfile.mkdtemp(prefix="emotion-db-"))
        self.port = free_port()
        self.user = _ordinary_user()
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    @classmethod
    def program(cls) -> str:
        """Path of the server's program; without it, the test is skipped, or fails under CI."""
        needed_for = "tests of the records in a real database"
        return find_program(cls.programs, needed_for, cls.package, folders=FOLDERS)

    def run(self, *command: str) -> None:
        """Run a program as the ordinary user, to its end."""
        done = subprocess.run(command, capture_output=True, text=True, **self._as_user())
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, start_new_session=True, **self._as_user()
        )
        log.close()
        for _ in range(300):
            assert self._process.poll() is None, (self.folder / "log").read_text(errors="replace")
            try:
                self.execute("SELECT 1")
            except DBAPIError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "log").read_text(errors="replace"))

    def stop(self) -> None:
        """Kill the server, as a power cut would."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, *statements: str) -> None:
        """Run statements as the user who may do anything."""
        engine = create_engine(self.admin_url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        finally:
            engine.dispose()

    def new_database(self) -> str:
        """Make an empty database; its address for a user who owns nothing else."""
        self._databases += 1
        name = f"records{self._databases}"
        self.make_database(name)
        return self.url(name)

    def command(self) -> list[str]:
        """The command line of the server."""
        raise NotImplementedError

    def make_database(self, name: str) -> None:
        """Make a database that the user ``emotion`` may use."""
        raise NotImplementedError

    def url(self, name: str) -> str:
        """The address of a database, as users write it: without a driver."""
        raise NotImplementedError

    def _as_user(self) -> dict[str, object]:
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


class MariaDB(Server):
    """MariaDB, which also speaks for MySQL."""

    programs = ("mariadbd", "mysqld")
    package = "mariadb-server"

    def __init__(self) -> None:
        super().__init__()
        self.data = self.folder / "data"
        self.admin_url = f"mariadb+pymysql://admin:admin@127.0.0.1:{self.port}/mysql"
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db")
        set_up = self.folder / "admin.sql"
        set_up.write_text(
            "CREATE USER IF NOT EXISTS admin@'127.0.0.1' IDENTIFIED BY 'admin';\n"
            "GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"
            f"CREATE USER IF NOT EXISTS emotion@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        )
        set_up.chmod(0o644)

    def command(self) -> list[str]:
        return [
            self.program(),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--socket={self.folder / 'socket'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--init-file={self.folder / 'admin.sql'}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-flush-log-at-trx-commit=2",  # survives a kill, which is all that we do
        ]

    def make_database(self, name: str) -> None:
        self.execute(f"CREATE DATABASE {name}", f"GRANT ALL ON {name}.* TO emotion@'127.0.0.1'")

    def url(self, name: str) -> str:
        return f"mysql://emotion:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{name}"


class PostgreSQL(Server):
    """PostgreSQL, of whatever version is installed."""

    programs = ("postgres",)
    package = "postgresql"

    def __init__(self) -> None:
        super().__init__()
        self.data = self.folder / "data"
        self.admin_url = f"postgresql+psycopg://admin:admin@127.0.0.1:{self.port}/postgres"
        password = self.folder / "password"
        password.write_text("admin")
        password.chmod(0o644)
        folder = Path(self.program()).parent
        options = ("--auth=scram-sha-256", "--username=admin", "--encoding=UTF8", "--locale=C")
        self.run(str(folder / "initdb"), "-D", str(self.data), f"--pwfile={password}", *options)

    def command(self) -> list[str]:
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "fsync=off",  # survives a kill, which is all that we do
        )
        return [self.program(), "-D", str(self.data), *(p for s in settings for p in ("-c", s))]

    def make_database(self, name: str) -> None:
        user = f"emotion{name}"
        self.execute(
            f"CREATE USER {user} PASSWORD '{PASSWORD}'", f"CREATE DATABASE {name} OWNER {user}"
        )

    def url(self, name: str) -> str:
        return f"postgresql://emotion{name}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{name}"


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """A server of this kind, until the test is done with it."""
    server = kind()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _ordinary_user() -> pwd.struct_passwd | None:
    """Whom root steps down to: database servers refuse to run as root. None for anybody else."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
