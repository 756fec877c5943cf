"""Whether who asked for something still waits for it.

Gradio notices within a second that a client closed its connection, but tells only generators, and an endpoint
that is a generator gives its first value to ``client.predict``. So its queue is asked.
"""

from __future__ import annotations

from collections.abc import Callable

from gradio.context import LocalContext

__all__ = ["caller_is_there"]


def caller_is_there() -> Callable[[], bool]:
    """To be called in a handler: a function that says whether the handler's client still waits.

    The function may be called from any thread. Of a call that came without Gradio's queue it says yes.
    """
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is None or event_id is None:
        return lambda: True
    jobs = blocks._queue.active_jobs
    events = [event for job in list(jobs) if job for event in job if event._id == event_id]
    return lambda: all(event.alive for event in events)
