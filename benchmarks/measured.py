"""Numbers from lists of times."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["percentiles"]


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    p95 = statistics.quantiles(seconds, n=20)[18] if len(seconds) > 1 else seconds[0]
    return {"p50_ms": round(statistics.median(seconds) * 1000, 2), "p95_ms": round(p95 * 1000, 2)}
