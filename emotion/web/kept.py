"""What the server remembers of its viewers, each under a token that only one browser knows."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["FORGET_AFTER_S", "Kept"]

FORGET_AFTER_S = 3600.0
"""What was not asked for in an hour is forgotten: long enough for a meeting, a dead battery, a train ride."""

T = TypeVar("T")


class Kept(Generic[T]):
    """Values under keys, forgotten an hour after they were last asked for.

    Args:
        most: Beyond this number the one that was asked for longest ago is forgotten.
        on_forget: Is told of what is forgotten, to clean up after it.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self,
        most: int = 1_000,
        *,
        on_forget: Callable[[T], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._on_forget = on_forget
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """The value of a key, if there is one; it is kept for another hour."""
        with self._lock:
            gone = self._outdated()
            entry = self._values.pop(key, None)
            if entry:
                self._values[key] = (self._clock(), entry[1])
        self._tell(gone)
        return entry[1] if entry else None

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if there is none."""
        with self._lock:
            gone = self._outdated()
            value = self._values.pop(key)[1] if key in self._values else make()
            self._values[key] = (self._clock(), value)
            if len(self._values) > self._most:
                gone.append(self._values.popitem(last=False)[1][1])
        self._tell(gone)
        return value

    def forget(self, key: Hashable) -> None:
        """Forget one value now."""
        with self._lock:
            entry = self._values.pop(key, None)
        self._tell([entry[1]] if entry else [])

    def clean_up(self) -> None:
        """Forget what is too old. Each call of the others does that, too."""
        with self._lock:
            gone = self._outdated()
        self._tell(gone)

    def _outdated(self) -> list[T]:
        """Take out what is too old; the oldest comes first."""
        gone = []
        limit = self._clock() - FORGET_AFTER_S
        while self._values and next(iter(self._values.values()))[0] < limit:
            gone.append(self._values.popitem(last=False)[1][1])
        return gone

    def _tell(self, gone: list[T]) -> None:
        for value in gone:
            self._on_forget(value)
