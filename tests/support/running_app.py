"""The app as its users start it: ``python app.py`` on a free port, until the test is done with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.places import ROOT


@dataclass(frozen=True)
class App:
    """A running app."""

    url: str
    pid: int


RECORD_WRITES = """
import os, sys
_seen = os.open(os.environ["WRITES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def _hook(event, args):
    if event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(_seen, f"{args[0]!r}\\n".encode())
sys.addaudithook(_hook)
"""
"""Runs at the start of the server: notes every file that Python opens for writing, short-lived ones too."""


@dataclass(frozen=True)
class Server:
    """The running app, the folder that holds its temporary files, and its log."""

    url: str
    folder: Path
    pid: int

    def files(self) -> set[Path]:
        """What lies in the server's temporary folders."""
        return {path for path in (self.folder / "tmp").rglob("*") if path.is_file()}

    def writes(self) -> list[str]:
        """Names of all files opened for writing so far."""
        names = (self.folder / "writes").read_text(encoding="utf-8").splitlines()
        return [name for name in names if "/dev/null" not in name]

    def log(self) -> str:
        """Everything printed so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def watched_app(folder: Path) -> Iterator[Server]:
    """The app with temporary folders of its own in ``folder``, every file it writes noted."""
    for name in ("tmp", "hook"):
        (folder / name).mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(RECORD_WRITES, encoding="utf-8")
    environment = {
        "TMPDIR": str(folder / "tmp"),
        "GRADIO_TEMP_DIR": str(folder / "tmp" / "gradio"),
        "PYTHONPATH": str(folder / "hook"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "WRITES": str(folder / "writes"),
    }
    with running_app(folder / "log", environment=environment) as app:
        yield Server(app.url, folder, app.pid)


@contextmanager
def running_app(
    log: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    python: str = sys.executable,
) -> Iterator[App]:
    """Start the app, wait until it answers, and stop it at the end.

    Args:
        log: Where everything that it prints goes.
        options: Of ``app.py``.
        environment: Variables to add to this process's own.
        folder: Where ``app.py`` lies.
        python: The interpreter.
    """
    port = free_port()
    command = [python, "app.py", "--port", str(port), *options]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(process, url, log)
            yield App(url, process.pid)
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def run_app(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in the repository's folder, to its end."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a server answers; fail with what it wrote if it ends or never does."""
    for _ in range(1_200):
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))
