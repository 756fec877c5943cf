"""Fair turns: many viewers share a few cores, and nobody waits twice while another waits once.

Each viewer has at most one frame at work and one waiting; a newer one replaces the waiting one and takes over
its place in the line. So nothing piles up, the newest frame wins, and each viewer's frames are read in
order. Who was served goes to the end of the line.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["WORKERS", "Seat", "Turns"]

WORKERS = max(os.cpu_count() or 1, 2)
"""Frames read at the same time. More than there are cores would make every one of them late."""

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    work: Callable[[], T]
    result: asyncio.Future[T | None]


class Seat:
    """One viewer's place in the line."""

    def __init__(self) -> None:
        self.waiting: _Waiting[Any] | None = None
        self.at_work = False


class Turns:
    """Runs the work of all viewers on a few threads. To be used from one event loop.

    Args:
        workers: Number of threads.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="live")
        self._free = workers
        self._line: deque[Seat] = deque()

    async def take(self, seat: Seat, work: Callable[[], T]) -> T | None:
        """Do some work when its viewer's turn comes.

        Args:
            seat: The viewer's place.
            work: Runs in another thread.

        Returns:
            What the work returns; None if newer work of the same viewer replaced it.
        """
        result: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        before, seat.waiting = seat.waiting, _Waiting(work, result)
        if before is not None:
            _settle(before, None)
        elif not seat.at_work:
            self._line.append(seat)
        self._next()
        return await result

    def _next(self) -> None:
        """Begin what can be begun."""
        while self._free and self._line:
            seat = self._line.popleft()
            task, seat.waiting = seat.waiting, None
            if task is None:
                continue
            seat.at_work = True
            self._free -= 1
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._threads, task.work)
            done.add_done_callback(functools.partial(self._done, seat, task))

    def _done(self, seat: Seat, task: _Waiting[T], done: asyncio.Future[T]) -> None:
        self._free += 1
        seat.at_work = False
        if seat.waiting is not None:
            self._line.append(seat)
        if done.cancelled():
            task.result.cancel()
        elif error := done.exception():
            if not task.result.done():
                task.result.set_exception(error)
        else:
            _settle(task, done.result())
        self._next()


def _settle(task: _Waiting[T], value: T | None) -> None:
    if not task.result.done():  # the viewer may have gone away
        task.result.set_result(value)
