"""Our code in a process of its own, with a cache of its own and a hub on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FETCH = """
import sys
from emotion.weights.find import find_weights
from emotion.weights.config import read_spec
folder = find_weights(sys.argv[1], runtime=sys.argv[2] or None)
read_spec(folder).files[sys.argv[2] or "litert"].verified()
print(folder)
"""


class HubClient:
    """Runs our code with a cache of its own, and a hub instead of huggingface.co."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home = home
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("HF_", "EMOTION"))
        } | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1"}

    def run(self, *command: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            env=self.environment | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def fetch(self, which: str, runtime: str = "litert", **extra: str) -> Path:
        done = self.run("-c", FETCH, which, runtime, **extra)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    def refused(self, which: str, **extra: str) -> str:
        """The last line of what is said when it fails."""
        done = self.run("-c", FETCH, which, "litert", **extra)
        assert done.returncode == 1, done.stdout
        assert "emotion.errors.WeightsError" in done.stderr
        return done.stderr.strip().splitlines()[-1]

    def stored(self) -> list[Path]:
        """Everything in the cache that has the size of a piece of a model file."""
        return [p for p in self.home.rglob("*") if p.is_file() and p.stat().st_size > 50_000]
