"""Figures for the operator of the server, in the text format of Prometheus. They hold no personal data.

A server that is started without ``--metrics`` has none, and counts nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as text_of
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emotion.storage.writer import WriterStatus
from emotion.web.program_login import for_programs

__all__ = ["STAGES", "Metrics"]

STAGES = ("detect", "classify", "server")
"""Parts of a frame's way: finding faces, reading them, and the whole from arrival to answer."""

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counters, histograms and gauges of one server. Safe to use from several threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._frames = self._counter("frames", "Frames that were read")
        self._faces = self._counter("faces", "Faces that were read")
        self._errors = self._counter("errors", "Frames that could not be read")
        self._busy = self._counter("busy_frames", "Frames that found the server busy")
        self._dropped = self._counter("dropped_frames", "Frames that a newer one overtook")
        self._stages = Histogram(
            "emotion_stage_seconds",
            "Time taken",
            ("stage",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._viewers = Gauge(
            "emotion_viewers", "Webcams that sent a frame lately", registry=self._registry
        )

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"emotion_{name}", text, ("source",), registry=self._registry)

    def frame(self, source: str, faces: int, **stages_ms: float) -> None:
        """A frame was read.

        Args:
            source: ``webcam``, ``video`` or ``image``.
            faces: How many were found.
            stages_ms: Milliseconds of each of :data:`STAGES` that is known.
        """
        self._frames.labels(source).inc()
        self._faces.labels(source).inc(faces)
        for stage, milliseconds in stages_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def busy(self, source: str) -> None:
        """A frame found the server busy."""
        self._busy.labels(source).inc()

    def error(self, source: str) -> None:
        """A frame could not be read."""
        self._errors.labels(source).inc()

    def dropped(self, source: str) -> None:
        """A frame was not read, because a newer one overtook it."""
        self._dropped.labels(source).inc()

    def watch_viewers(self, count: Callable[[], int]) -> None:
        """Ask this for the number of viewers whenever somebody asks us."""
        self._viewers.set_function(count)

    def watch_records(self, status: Callable[[], WriterStatus]) -> None:
        """Ask this for the state of the database's buffer whenever somebody asks us."""
        gauges = {
            "emotion_records_waiting": ("Observations in the buffer", lambda: status().waiting),
            "emotion_records_written": ("Observations written", lambda: status().written),
            "emotion_records_lost": ("Observations lost", lambda: status().lost),
            "emotion_records_failing": (
                "1 while the database cannot be written",
                lambda: int(status().error is not None),
            ),
        }
        for name, (text, value) in gauges.items():
            Gauge(name, text, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return text_of(self._registry)

    def route(self) -> Route:
        """``/metrics``; asks for the page's login, where the page has one."""

        def answer(_: Request) -> Response:
            return Response(self.text(), media_type=CONTENT_TYPE_LATEST)

        return Route("/metrics", for_programs(answer))
