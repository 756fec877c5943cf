"""Ray, quietly: no telemetry, no dashboard, no log files that stay, no chatter on the terminal."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emotion.errors import EmotionError

__all__ = ["check_installed", "started_ray"]

OBJECT_STORE = 128 * 1024**2
"""Bytes of shared memory. Pictures never pass through it, so Ray's usual share is not needed."""

LONGEST_FOLDER = 40
"""Characters: below it, Ray makes sockets whose paths may have 107."""

SWITCHES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}


@contextlib.contextmanager
def started_ray(jobs: int | None, address: str | None) -> Iterator[Any]:
    """The module ``ray``, connected to a cluster, or to one of its own on this machine, which ends with it.

    What Ray prints while it runs, such as stack traces of a machine that died, is kept off the terminal; the
    caller has to say what matters.

    Args:
        jobs: Processes on this machine; by default the cores.
        address: ``HOST:PORT`` of a cluster that this machine belongs to, or None.

    Raises:
        EmotionError: If Ray is not installed or the cluster cannot be reached.
    """
    os.environ |= SWITCHES
    with tempfile.TemporaryDirectory(prefix="ray-", dir=_short_folder()) as folder, _quiet():
        import ray

        try:
            if address:
                ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
            else:
                ray.init(
                    num_cpus=jobs or os.cpu_count() or 1,
                    num_gpus=0,
                    object_store_memory=OBJECT_STORE,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                    _temp_dir=folder,
                )
        except (ConnectionError, RuntimeError, ValueError, AssertionError) as error:
            raise EmotionError(
                f"--address must be HOST:PORT of a Ray cluster that this machine belongs to (`ray start "
                f"--address=HOST:PORT` joins it), or auto. Received: {address}: {error}"
                if address
                else f"Ray cannot be started on this machine: {error}"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def check_installed() -> None:
    """Check that the extra ``ray`` is there, without the seconds that its import takes.

    Raises:
        EmotionError: If a package is missing.
    """
    for name in ("ray", "pyarrow", "fsspec"):
        if importlib.util.find_spec(name) is None:
            raise EmotionError(
                f'emotion batch needs Ray ({name} is missing): pip install "emotion[ray]". Without it, '
                "`emotion analyze` reads pictures with all cores of one machine."
            )


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return folder if len(folder) <= LONGEST_FOLDER or os.name == "nt" else str(Path("/tmp"))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No log lines, and none of what Ray's threads print about machines that died."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
