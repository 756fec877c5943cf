"""Addresses where the app cannot listen get one sentence, not a traceback."""

from __future__ import annotations

import socket

import pytest
from support.running_app import free_port, run_app


def said(*options: str) -> str:
    result = run_app("app.py", *options)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr.strip().splitlines()[-1]


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert said("--port", port) == (
            f"Port {port} is taken by another program. Choose another one with --port."
        )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "not a host"])
def test_a_host_that_is_not_this_machine(host: str) -> None:
    message = said("--host", host, "--port", str(free_port()))
    assert message.startswith(f"--host must be an address of this machine. Received: {host!r}")


def test_a_port_that_does_not_exist() -> None:
    assert "from 0 to 65535" in said("--port", "70000")
