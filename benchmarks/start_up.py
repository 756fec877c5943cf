"""Start, memory and installed size, serving and training apart; part of `python -m benchmarks.bench`."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

__all__ = ["measure_start_up"]

PROGRAMS = {
    "import": "import emotion",
    "serving": """
from emotion import EmotionPipeline, read_image
pipeline = EmotionPipeline.from_pretrained()
pipeline(read_image("examples/astronaut.jpg"))
""",
    "training": """
from emotion.training.network import compile_network
from emotion.weights.find import find_weights
from emotion.weights.config import read_spec
from emotion.keras_files import load_model
load_model(read_spec(find_weights()).files["keras"].path)
""",
}
"""What is started, until it has answered or could begin."""

AFTERWARDS = """
import json, time
from pathlib import Path
peak = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"seconds": time.perf_counter() - begin, "peak_mb": int(peak[0].split()[1]) / 1024}))
"""


def measure_start_up(repeats: int) -> dict[str, Any]:
    """Seconds and peak memory of each program, seconds until the app answers, and installed megabytes."""
    report: dict[str, Any] = {name: _started(name, repeats) for name in PROGRAMS}
    report["app_ready_s"] = round(statistics.median(_app_ready() for _ in range(repeats)), 2)
    report["installed_mb"] = {
        "serving": installed_mb([]),
        "training": installed_mb(["train"]),
    }
    return report


def _started(name: str, repeats: int) -> dict[str, float]:
    """Medians over processes of their own."""
    program = f"import time; begin = time.perf_counter()\n{PROGRAMS[name]}\n{AFTERWARDS}"
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def _app_ready() -> float:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from support.running_app import running_app  # type: ignore[import-not-found]

    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "log"):
        return time.perf_counter() - begin


def installed_mb(extras: list[str]) -> float:
    """Megabytes of everything that ``pip install emotion[extras]`` brings, as it is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    sizes: dict[str, int] = {}
    waiting = [(Requirement(line), frozenset[str]()) for line in wanted]
    seen = set()
    while waiting:
        requirement, _ = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        key = (requirement.name.lower().replace("_", "-"), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        found = metadata.distribution(requirement.name)
        sizes[key[0]] = _size(found)
        for line in found.requires or ():
            below = Requirement(line)
            chosen = ("", *requirement.extras)
            if below.marker is None or any(below.marker.evaluate({"extra": e}) for e in chosen):
                below.marker = None
                waiting.append((below, frozenset()))
    return round(sum(sizes.values()) / 1e6, 1)


def _size(distribution: metadata.Distribution) -> int:
    paths = [Path(str(file.locate())) for file in distribution.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())
