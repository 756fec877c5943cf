"""What a server offers beside reading expressions: records, the live feed, metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from emotion.storage.database import Database
from emotion.storage.deletion import keep_only
from emotion.storage.recorder import Recorder
from emotion.web.export_links import ExportLinks
from emotion.web.live_events import LiveHub
from emotion.web.metrics import Metrics
from emotion.web.record_owners import ServerRecords

__all__ = ["Services", "make_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one server.

    Attributes:
        records: Where sessions are kept when somebody asks for it; None: nowhere (``--records off``).
        live: Tells programs what everyone shows right now.
        metrics: Figures for the operator of the server; None without ``--metrics``.
    """

    records: ServerRecords | None = None
    live: LiveHub = field(default_factory=LiveHub)
    metrics: Metrics | None = None
    links: ExportLinks | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.records:
            links = ExportLinks(self.records.recorder.database)
            object.__setattr__(self, "links", links)
        if self.metrics:
            self.metrics.watch_viewers(lambda: self.live.viewers)
            if self.records:
                recorder = self.records.recorder
                self.metrics.watch_records(lambda: recorder.status)

    def routes(self) -> list[BaseRoute]:
        """What the server answers for them."""
        routes: list[BaseRoute] = [self.live.route()]
        if self.links:
            routes.append(self.links.route())
        if self.metrics:
            routes.append(self.metrics.route())
        return routes


def make_services(
    address: str | None,
    *,
    shared: bool = False,
    keep_days: float | None = None,
    metrics: bool = False,
) -> Services:
    """The services that the options of ``app.py`` mean.

    Args:
        address: Of the database; None: the default one; ``off``: no records.
        shared: Whether every viewer sees all sessions.
        keep_days: Days after which sessions are deleted; None: never.
        metrics: Whether ``/metrics`` answers.

    Raises:
        StorageError: If the address cannot be understood.
    """
    records = None
    if address != "off":
        records = ServerRecords(Recorder(Database(address)), shared, keep_days)
        if keep_days:
            keep_only(records.recorder.database, keep_days)
    return Services(records, LiveHub(shared=shared), Metrics() if metrics else None)
