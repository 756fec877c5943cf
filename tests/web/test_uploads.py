"""Uploads that break off: what Gradio leaves of them is deleted, whole uploads and slow ones are not."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from support.running_app import Server

from emotion.web.uploads import ONE_HOUR, delete_parts

HEAD = (
    "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
    "Content-Type: multipart/form-data; boundary=cut\r\n\r\n"
    '--cut\r\nContent-Disposition: form-data; name="files"; filename="holiday.jpg"\r\n\r\n'
)
PATIENCE_S = 20


def send_a_part(server: Server) -> None:
    """Begin to upload five megabytes, and hang up after one."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as line:
        line.sendall(HEAD.encode() + b"x" * 1_000_000)


def parts_of(folder: Path) -> list[Path]:
    """Files that lie in the folder itself, once there is one."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if parts := [path for path in folder.iterdir() if path.is_file()]:
            return parts
        time.sleep(0.05)
    raise AssertionError(
        "Gradio keeps nothing of a broken upload any more: delete emotion/web/uploads.py"
    )


def test_what_is_left_of_a_broken_upload_is_deleted_and_nothing_else(server: Server) -> None:
    url = f"{server.url}/gradio_api/upload"
    sent = httpx.post(url, files={"files": ("whole.jpg", b"whole")}, timeout=PATIENCE_S)
    whole = Path(sent.raise_for_status().json()[0])
    send_a_part(server)
    folder = server.folder / "tmp" / "gradio"
    parts = parts_of(folder)
    assert delete_parts(folder) == 0, "it may still be growing"
    long_ago = time.time() - ONE_HOUR - 1
    for path in [*parts, whole]:
        os.utime(path, (long_ago, long_ago))
    assert delete_parts(folder) == len(parts)
    assert not any(path.exists() for path in parts)
    assert whole.read_bytes() == b"whole"


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert delete_parts(tmp_path / "none") == 0
