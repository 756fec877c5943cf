"""Fair turns of many viewers: order, newest wins, nobody waits twice while another waits once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from emotion.web.turns import Seat, Turns


class Desk:
    """Work that is done only when the test says so."""

    def __init__(self, workers: int) -> None:
        self.turns = Turns(workers)
        self.begun: list[str] = []
        self.at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._go = threading.Semaphore(0)

    def work(self, name: str) -> Callable[[], str]:
        def run() -> str:
            with self._lock:
                self.begun.append(name)
                self._now += 1
                self.at_once = max(self.at_once, self._now)
            self._go.acquire()
            with self._lock:
                self._now -= 1
            return name

        return run

    def ask(self, seat: Seat, name: str) -> asyncio.Task[str | None]:
        return asyncio.create_task(self.turns.take(seat, self.work(name)))

    async def begin(self, count: int) -> None:
        """Wait until so many pieces of work have begun."""
        while len(self.begun) < count:
            await asyncio.sleep(0.001)

    def finish(self, count: int = 1) -> None:
        self._go.release(count)


def test_the_newest_frame_of_a_viewer_replaces_the_one_that_waits() -> None:
    async def scene() -> None:
        desk, seat = Desk(workers=4), Seat()
        tasks = [desk.ask(seat, str(number)) for number in range(5)]
        await desk.begin(1)
        desk.finish(2)
        assert await asyncio.gather(*tasks) == ["0", None, None, None, "4"]
        assert desk.begun == ["0", "4"]
        assert desk.at_once == 1, "one viewer's frames are read one after the other"

    asyncio.run(scene())


def test_who_sends_more_is_not_served_more() -> None:
    """One viewer has eight frames under way, three have one each: all get the same number of turns."""

    async def scene() -> None:
        desk = Desk(workers=1)
        seats = {name: Seat() for name in "abcd"}

        async def viewer(name: str, in_flight: int) -> None:
            async def stream() -> None:
                while len(desk.begun) < 40:
                    await desk.ask(seats[name], name)

            await asyncio.gather(*(stream() for _ in range(in_flight)))

        # The greedy one asks first. Its frames overtake each other at once, so it never stops asking.
        viewers = [viewer("a", 8), viewer("b", 1), viewer("c", 1), viewer("d", 1)]
        everyone = asyncio.gather(*viewers)
        for number in range(1, 60):
            desk.finish()
            if number <= 40:
                await desk.begin(number)
            await asyncio.sleep(0)
        await everyone
        counts = {name: desk.begun[:40].count(name) for name in seats}
        assert max(counts.values()) - min(counts.values()) <= 2, counts

    asyncio.run(scene())


def test_no_more_at_once_than_there_are_workers() -> None:
    async def scene() -> None:
        desk = Desk(workers=2)
        tasks = [desk.ask(Seat(), str(number)) for number in range(6)]
        await desk.begin(2)
        desk.finish(6)
        assert await asyncio.gather(*tasks) == [str(number) for number in range(6)]
        assert desk.begun[2:] == ["2", "3", "4", "5"], "first come, first served"
        assert desk.at_once == 2

    asyncio.run(scene())


def test_a_failure_goes_to_its_viewer_and_frees_the_worker() -> None:
    def fail() -> str:
        raise RuntimeError("out of luck")

    async def scene() -> None:
        turns, seat = Turns(1), Seat()
        results = await asyncio.gather(
            turns.take(seat, fail), turns.take(Seat(), lambda: "fine"), return_exceptions=True
        )
        assert isinstance(results[0], RuntimeError)
        assert results[1] == "fine"
        assert await turns.take(seat, lambda: "again") == "again"

    asyncio.run(scene())


def test_who_went_away_does_not_hold_up_the_line() -> None:
    async def scene() -> None:
        desk, gone = Desk(workers=1), Seat()
        first = desk.ask(gone, "first")
        await desk.begin(1)
        second = desk.ask(gone, "second")
        other = desk.ask(Seat(), "other")
        await asyncio.sleep(0)
        for task in (first, second):
            task.cancel()
        desk.finish(3)
        assert await other == "other"

    asyncio.run(scene())
