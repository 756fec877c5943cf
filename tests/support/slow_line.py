"""A line to a server on this machine that is as bad as a test or a benchmark needs it.

A process of its own, as a browser test's thread is busy: ``python slow_line.py 7860`` listens, prints its
port, and reads what to do from standard input, a word and a number a line::

    delay 0.075        everything arrives so many seconds later, each way
    upload 32000       bytes a second towards the server, for all connections together; 0: no limit
    cut 0.2            resets all connections and refuses new ones for so many seconds
    stall 5            nothing passes for so many seconds, connections stay open
    target 7861        new connections go to this port
    end 0              resets all connections and ends

It answers each line with the same line when that is done (of cut and stall: begun).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 16_384
HEADROOM_S = 0.2
"""How much of the line's upload may wait in it before senders are held up, as in a router's buffer."""


class SlowLine:
    """Passes TCP connections on to ``127.0.0.1:target``. To be used within one event loop."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.bytes_a_second = 0.0
        self._line_free_at = 0.0  # when the upload that was accepted so far is through
        self._down_until = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self) -> int:
        """Begin; returns the port."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self, seconds: float) -> None:
        """Lose all connections; for a while there are no new ones."""
        self._down_until = asyncio.get_running_loop().time() + seconds
        for writer in list(self._writers):
            _reset(writer)

    def stall(self, seconds: float) -> None:
        """Let nothing pass for a while."""
        self._flows.clear()
        asyncio.get_running_loop().call_later(seconds, self._flows.set)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asyncio.get_running_loop().time() < self._down_until:
            return _reset(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the server is down: as a reverse proxy, hang up
            return _reset(writer)
        both = {writer, server_writer}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pass_on(reader, server_writer, upload=True),
                self._pass_on(server_reader, writer, upload=False),
            )
        except OSError:
            for one in both:
                _reset(one)
        finally:
            self._writers -= both
            for one in both:
                one.close()
        return None

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upload: bool
    ) -> None:
        """One direction of a connection. What is on its way waits in a queue with the time it is due."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)

        async def deliver() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                await self._flows.wait()
                if not data:
                    with suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        try:
            data = b"-"
            while data:
                data = await reader.read(CHUNK)
                due = asyncio.get_running_loop().time() + self.delay_s
                if upload and self.bytes_a_second:
                    due = await self._through(len(data)) + self.delay_s
                await under_way.put((due, data))
            await delivery
        finally:
            delivery.cancel()

    async def _through(self, size: int) -> float:
        """When so many bytes more are through the line; waits while its buffer is full."""
        now = asyncio.get_running_loop().time()
        self._line_free_at = max(self._line_free_at, now) + size / self.bytes_a_second
        await asyncio.sleep(max(self._line_free_at - now - HEADROOM_S, 0))
        return self._line_free_at


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection as a router does that lost it: the other side sees a reset."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _serve(target: int) -> None:
    line = SlowLine(target)
    print(await line.listen(), flush=True)
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        what, value = words[0], float(words[1])
        if what == "delay":
            line.delay_s = value
        elif what == "upload":
            line.bytes_a_second = value
        elif what == "cut":
            line.cut(value)
        elif what == "stall":
            line.stall(value)
        elif what == "target":
            line.target = int(value)
        elif what == "end":
            break
        else:
            raise SystemExit(f"Unknown: {what}")
        print(*words, flush=True)
    line.cut(60)


class LineControl:
    """A running line, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self._process = process
        self.port = int(process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def do(self, what: str, value: float) -> None:
        """Send one of the commands above."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what} {value}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer.startswith(what), answer


@contextmanager
def slow_line(target: int) -> Iterator[LineControl]:
    """A line to a port of this machine, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield LineControl(process)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
