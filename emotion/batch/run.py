"""Parts to results: hand them to actors by Ray Data, until each is done or named as failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import emotion
from emotion.batch.actors import PartReader
from emotion.batch.items import Item, items_to_json
from emotion.batch.manifest import Batch
from emotion.batch.parts import Part, PartSummary, cut, finished
from emotion.batch.reading import BatchSettings
from emotion.errors import EmotionError, StorageError

__all__ = ["Sizes", "read_left"]

WAVE = 4000
"""Parts that Ray Data is given at once: it keeps a few kilobytes about each."""

TRIES = 2
"""A part whose process ended this often is halved, until the picture that ends it is alone."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    part: Part
    lost: int = 0

    def again(self) -> list[_Attempt]:
        """What to do after its process ended; nothing if it is a single item that ended two."""
        lost, items = self.lost + 1, self.part.items
        if lost < TRIES:
            return [_Attempt(self.part, lost)]
        if len(items) == 1:
            return []
        middle = len(items) // 2
        return [_Attempt(Part(half), lost - 1) for half in (items[:middle], items[middle:])]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How the work is divided.

    Attributes:
        jobs: Actors; by default one for each core of all machines.
        part: Items of a part; by default so that every actor gets several parts.
    """

    jobs: int | None = None
    part: int | None = None


def read_left(
    ray: Any,
    items: Sequence[Item],
    settings: BatchSettings,
    batch: Batch,
    *,
    sizes: Sizes,
    progress: Callable[[int], object],
) -> None:
    """Read items and take what they come to into a batch.

    A part that is lost with its process or its machine is done again; its file has the same name, so it is
    there once. An item that ends its process each time is named among the unread.

    Args:
        ray: The module, connected.
        items: What no part has yet.
        settings: How to read.
        batch: Where the results go.
        sizes: How the work is divided.
        progress: Is told how many items were done.

    Raises:
        EmotionError: If the actors cannot start, or a part cannot be written.
    """
    cores = max(int(ray.cluster_resources().get("CPU", 1)), 1)
    actors = min(sizes.jobs or cores, cores)
    waiting = deque(_Attempt(part) for part in cut(items, actors, sizes.part))
    while waiting:
        wave = [waiting.popleft() for _ in range(min(WAVE, len(waiting)))]
        missing = {attempt.part.name: attempt for attempt in wave}
        for summary in _summaries(ray, [a.part for a in wave], settings, batch, actors):
            if summary.fatal:
                raise StorageError(summary.fatal)
            done = missing.pop(summary.part)
            batch.add(summary)
            progress(len(done.part.items))
        waiting.extend(_again(missing, batch, progress))


def _again(
    missing: Mapping[str, _Attempt], batch: Batch, progress: Callable[[int], object]
) -> Iterator[_Attempt]:
    """What to do about parts that nobody answered for."""
    written = set(batch.out.names()) if missing else set()
    for name, attempt in missing.items():
        if name in written:  # its process ended after the file was there
            batch.add(finished(batch.out, name)[0])
            progress(len(attempt.part.items))
            continue
        again = attempt.again()
        if not again:
            (item,) = attempt.part.items
            batch.unread.append((item.name, f"The process that read it ended {TRIES} times."))
            progress(1)
        yield from again


def _summaries(
    ray: Any, parts: list[Part], settings: BatchSettings, batch: Batch, actors: int
) -> Iterator[PartSummary]:
    """What the actors answer; nothing for parts that were lost."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a lost part costs no other
    rows = [{"items": items_to_json(part.items)} for part in parts]
    # An actor restarts where there is room. Its parts are not tried again by Ray, which would wait for an
    # actor that never comes back when its machine is gone; they are dealt with above.
    actors = min(actors, len(rows))
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        PartReader,
        batch_size=1,
        # With one part each, what is lost with an actor is what it was reading, and nothing else.
        compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
        fn_constructor_args=(settings, batch.out.name(batch.out.path), emotion.__version__),
        num_cpus=1,
        max_task_retries=0,
    )
    try:
        for row in done.iter_rows():
            yield PartSummary.from_json(str(row["summary"]))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        raise EmotionError(f"The work stopped: {cause}") from error
