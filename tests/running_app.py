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

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class App:
    """A running app."""

    url: str
    pid: int


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
