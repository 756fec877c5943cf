"""Many clients for a long time: errors, fair turns, and whether memory stays where it was.

    python -m benchmarks.soak                # 42 minutes, writes benchmarks/results/soak.{json,md}
    python -m benchmarks.soak --share 0.02   # a short try, prints only

One server goes through three phases: 50 programs that call the API for two minutes, 16 viewers of the webcam
tab for ten, and half an hour of everything together, videos included. Clients and server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.fake_camera import camera_views
from benchmarks.load import camera_jpegs, viewer
from benchmarks.machine import machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from support.running_app import running_app  # type: ignore[import-not-found]  # noqa: E402
from support.videos import make_video  # type: ignore[import-not-found]  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
SETTLED_S = 60.0
"""Memory is compared with what it was after this long: by then every thread and buffer is there."""
SAMPLE_S = 2.0
BUSY_PAUSE_S = 1.0


@dataclass(frozen=True)
class Phase:
    """Some clients at once, for so many seconds."""

    name: str
    seconds: float
    callers: int = 0
    viewers: int = 0
    videos: int = 0


PHASES = (
    Phase("50 programs", 120, callers=50),
    Phase("16 viewers", 600, viewers=16),
    Phase("everything", 1800, callers=4, viewers=4, videos=1),
)


@dataclass
class Calls:
    """What one program got.

    Attributes:
        seconds: From the call to the answer, of each that was answered.
        busy: Calls that were refused because too many waited.
        errors: What else was said instead of an answer.
    """

    seconds: list[float] = field(default_factory=list)
    busy: int = 0
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Measure, print, and write the result files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the time of each phase")
    parser.add_argument(
        "--phases",
        nargs="+",
        default=[phase.name for phase in PHASES],
        help="the others stay as they were",
    )
    args = parser.parse_args()
    share, written = args.share, RESULTS / "soak.json"
    before = json.loads(written.read_text("utf-8")) if written.exists() else {"phases": {}}
    result: dict[str, Any] = {"machine": machine(), "phases": before["phases"]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "video.mp4"
        write_video(video)
        with running_app(folder / "log") as app:
            for phase in (phase for phase in PHASES if phase.name in args.phases):
                row = asyncio.run(run(phase, phase.seconds * share, app.url, app.pid, video))
                result["phases"][phase.name] = row
                print(phase.name, row, flush=True)
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")
        result["tracebacks_in_log"] = log.count("Traceback")
    report = to_markdown(result)
    print(report)
    if share >= 1:
        RESULTS.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "soak.md").write_text(report, encoding="utf-8")


async def run(phase: Phase, seconds: float, url: str, pid: int, video: Path) -> dict[str, Any]:
    """One phase: what its clients got, and the server's memory."""
    until = time.perf_counter() + seconds
    memory = asyncio.create_task(sample_memory(pid, until))
    frames = camera_jpegs() if phase.viewers else []
    picture = ROOT / "examples" / "astronaut.jpg"
    clients: list[Coroutine[Any, Any, Any]] = [
        *(call(url, "analyze", picture, until) for _ in range(phase.callers)),
        *(call(url, "analyze_video", video, until) for _ in range(phase.videos)),
        *(viewer(url, frames, number, until, seconds) for number in range(phase.viewers)),
    ]
    got = await asyncio.gather(*clients, return_exceptions=True)
    ends = (phase.callers, phase.callers + phase.videos)
    row: dict[str, Any] = {
        "seconds": seconds,
        "failed_clients": [repr(error) for error in got if isinstance(error, BaseException)],
        "memory_mb": await memory,
    }
    parts = {"pictures": got[: ends[0]], "videos": got[ends[0] : ends[1]]}
    row |= {name: of_calls(part) for name, part in parts.items() if part}
    watched = [replies for replies in got[ends[1] :] if isinstance(replies, list)]
    if watched:
        rates = sorted(len(replies) / seconds for replies in watched)
        busy = [reply["busy"] for replies in watched for reply in replies]
        row["frames_per_second"] = [round(rate, 1) for rate in spread(rates)]
        row["busy_frames"] = round(statistics.mean(busy), 3)
    return row


async def call(url: str, endpoint: str, path: Path, until: float) -> Calls:
    """Call one endpoint again and again, as a program without Gradio's client does."""
    calls = Calls()
    settings: list[Any] = ["mediapipe", 0.5, *([0.2] if endpoint == "analyze_video" else [])]
    async with httpx.AsyncClient(base_url=f"{url}/gradio_api", timeout=300) as client:
        sent = await client.post("/upload", files={"files": (path.name, path.read_bytes())})
        file = {"path": sent.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}
        while (begin := time.perf_counter()) < until:
            started = await client.post(f"/call/{endpoint}", json={"data": [file, *settings]})
            if started.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                calls.busy += 1
                await asyncio.sleep(BUSY_PAUSE_S)
                continue
            event = started.raise_for_status().json()["event_id"]
            answer = (await client.get(f"/call/{endpoint}/{event}")).raise_for_status().text
            if "event: complete" in answer and '"error": "' not in answer:
                calls.seconds.append(time.perf_counter() - begin)
            else:
                calls.errors.append(answer[:200])
    return calls


async def sample_memory(pid: int, until: float) -> dict[str, float]:
    """The server's memory after a minute (or a third of a shorter phase), at the end, and its growth."""
    begin = time.perf_counter()
    settled_after = min(SETTLED_S, (until - begin) / 3)
    samples: list[float] = []
    while (now := time.perf_counter()) < until:
        if now - begin >= settled_after:
            samples.append(resident_mb(pid))
        await asyncio.sleep(SAMPLE_S)
    samples = samples or [resident_mb(pid)]
    # Memory goes up and down with the work of the moment: the mean of the first and of the last tenth.
    part = max(len(samples) // 10, 1)
    first, last = statistics.mean(samples[:part]), statistics.mean(samples[-part:])
    return {
        "settled": round(first),
        "at_the_end": round(last),
        "most": round(max(samples)),
        "growth_percent": round(100 * (last / first - 1), 1),
    }


def resident_mb(pid: int) -> float:
    """What a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def of_calls(got: list[Any]) -> dict[str, Any]:
    """What some programs got together."""
    calls = [one for one in got if isinstance(one, Calls)]
    seconds = [second for one in calls for second in one.seconds]
    return {
        "answers": len(seconds),
        "answers_of_a_client": spread(sorted(len(one.seconds) for one in calls)),
        "seconds": [round(value, 2) for value in spread(sorted(seconds))] if seconds else None,
        "busy": sum(one.busy for one in calls),
        "errors": [error for one in calls for error in one.errors][:20],
    }


def spread(values: list[Any]) -> list[Any]:
    """The lowest, the median and the highest of sorted values."""
    return [values[0], values[len(values) // 2], values[-1]]


def write_video(path: Path) -> None:
    """Twelve seconds of a face that moves."""
    views = list(camera_views(ROOT / "examples" / "astronaut.jpg", seconds=12))
    make_video(path, views)


def to_markdown(result: dict[str, Any]) -> str:
    about = result["machine"]
    lines = [
        "# Many clients for a long time",
        "",
        f"{about['date']}, {about['cores']} cores ({about['processor']}), Python {about['python']}, load "
        f"before: {about['load']}. Clients and server on the same machine. Three numbers are the least, the "
        "median and the most. Memory is the server's: the mean over a tenth of the time after the first "
        "minute and over the last tenth. Made by `python -m benchmarks.soak`.",
        "",
        "| phase | seconds | clients | answers | of each client | seconds an answer takes | busy | errors "
        "| memory, MB | growth |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, phase in result["phases"].items():
        memory = phase["memory_mb"]
        end = (
            f"{memory['settled']} → {memory['at_the_end']} (most {memory['most']}) "
            f"| {memory['growth_percent']:+} %"
        )
        for kind in ("pictures", "videos"):
            if row := phase.get(kind):
                of_each, times = (
                    " / ".join(map(str, row[key] or ()))
                    for key in ("answers_of_a_client", "seconds")
                )
                lines.append(
                    f"| {name} | {phase['seconds']:g} | {kind} | {row['answers']} | {of_each} | {times} "
                    f"| {row['busy']} | {len(row['errors'])} | {end} |"
                )
        if rates := phase.get("frames_per_second"):
            lines.append(
                f"| {name} | {phase['seconds']:g} | webcams | | {' / '.join(map(str, rates))} frames/s | "
                f"| {phase['busy_frames']:.1%} | {len(phase['failed_clients'])} | {end} |"
            )
    lines += ["", f"Tracebacks in the server's log: {result['tracebacks_in_log']}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
