"""Runs a command and reports whether anything in it tried to reach beyond this machine.

    python tests/support/network_watch.py REPORT COMMAND...

Two watchers, because one alone misses something. A hook in every Python process sees name look-ups and
connections, but not those of C++ libraries. Where the kernel lets us, the command also runs in a network
namespace that has nothing but loopback; there the kernel counts what it had no route for, whoever sent it.

The report is JSON: ``attempts`` (what the hooks saw), ``unrouted`` (packets; null without a namespace).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SET_INTERFACE_FLAGS = 0x8914
UP_AND_RUNNING = 0x1 | 0x40

HOOK = """
import os, sys

def watch(event, args):
    if event == "socket.getaddrinfo" or event == "socket.gethostbyname":
        place = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        place = args[1][0] if isinstance(args[1], tuple) else "unix socket"
    else:
        return
    place = place.decode() if isinstance(place, bytes) else str(place or "")
    if place in ("", "None", "unix socket", "localhost", "0.0.0.0", "::1", "::"):
        return
    if not place.startswith("127."):
        with open(os.environ["NETWORK_WATCH_LOG"], "a") as log:
            log.write(f"{event} {place} by {sys.argv}\\n")

sys.addaudithook(watch)
"""


def namespace_command() -> list[str]:
    """What puts a command into an empty network namespace; empty where this is not allowed."""
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"]).returncode == 0:
            return command
    return []


def raise_loopback() -> None:
    """A new namespace starts with its loopback interface down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14x", b"lo", UP_AND_RUNNING)
        fcntl.ioctl(handle, SET_INTERFACE_FLAGS, request)


def unrouted_packets() -> int:
    """How often this namespace had no way to an address that was asked for."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines()[:2])
    version_4 = dict(zip(names, values, strict=True))["OutNoRoutes"]
    version_6 = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(version_4) + int(version_6["Ip6OutNoRoutes"])


def watch(report: Path, command: list[str], *, inside_namespace: bool) -> int:
    """Run the command, write the report, return the command's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(HOOK)
        log = Path(folder) / "attempts.txt"
        log.touch()
        if inside_namespace:
            raise_loopback()
        path = os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        environment = os.environ | {"PYTHONPATH": path, "NETWORK_WATCH_LOG": str(log)}
        status = subprocess.run(command, env=environment).returncode
        unrouted = unrouted_packets() if inside_namespace else None
        report.write_text(
            json.dumps({"attempts": log.read_text().splitlines(), "unrouted": unrouted})
        )
    return status


def main() -> int:
    inside = "--inside" in sys.argv[1:2]
    report, *command = sys.argv[2 if inside else 1 :]
    prefix = [] if inside else namespace_command()
    if prefix:
        again = [sys.executable, __file__, "--inside", report, *command]
        return subprocess.run([*prefix, *again]).returncode
    return watch(Path(report), command, inside_namespace=inside)


if __name__ == "__main__":
    sys.exit(main())
