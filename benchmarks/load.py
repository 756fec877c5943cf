"""How many viewers one server holds: HTTP clients that behave as the webcam panel does, without a browser.

    python -m benchmarks.load                # up to 32 viewers, writes benchmarks/results/load.{json,md}
    python -m benchmarks.load --seconds 5    # a short try, prints only

Each viewer sends the next frame of a video at 30 frames a second, or when the last one is answered if that is
later. Clients and server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.running_app import running_app  # type: ignore[import-not-found]  # noqa: E402

from benchmarks.fake_camera import FPS, camera_views  # noqa: E402
from benchmarks.machine import machine  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
SIDE, QUALITY = 512, 80
WARM_UP_S = 3.0


def main() -> None:
    """Measure, print, and write the result files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 4, 16, 32])
    args = parser.parse_args()
    about, video, runs = machine(), camera_jpegs(), {}
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "log") as app:
        for count in args.viewers:
            runs[str(count)] = asyncio.run(_run(app.url, video, count, args.seconds))
    result = {"machine": about, "seconds": args.seconds, "runs": runs}
    report = _report(result)
    print(report)
    if args.seconds >= 10:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "load.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "load.md").write_text(report, encoding="utf-8")


def camera_jpegs() -> list[bytes]:
    """Eight seconds of a face that moves, as the panel's JPEGs."""
    video = []
    for view in camera_views(ROOT / "examples" / "astronaut.jpg", seconds=8):
        small = cv2.resize(view, (SIDE, SIDE * 3 // 4), interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(
            ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        )
        assert done
        video.append(data.tobytes())
    return video


async def _run(url: str, video: list[bytes], count: int, seconds: float) -> dict[str, Any]:
    """Let some viewers watch at once."""
    until = time.perf_counter() + WARM_UP_S + seconds
    viewers = await asyncio.gather(*(viewer(url, video, n, until, seconds) for n in range(count)))
    rates = sorted(len(replies) / seconds for replies in viewers)
    every = [reply for replies in viewers for reply in replies]
    trips = statistics.quantiles([reply["trip_ms"] for reply in every], n=20)
    return {
        "frames_per_second": {
            "least": round(rates[0], 1),
            "median": round(statistics.median(rates), 1),
            "most": round(rates[-1], 1),
            "all": round(sum(rates), 1),
        },
        "round_trip_ms": [round(trips[9]), round(trips[18])],
        "server_ms": round(statistics.median(reply["server_ms"] for reply in every), 1),
        "wait_ms": round(statistics.median(reply["wait_ms"] for reply in every), 1),
        "busy": round(sum(reply["busy"] for reply in every) / len(every), 3),
        "with_a_face": round(sum(bool(reply["faces"]) for reply in every) / len(every), 3),
    }


async def viewer(
    url: str, video: list[bytes], number: int, until: float, seconds: float
) -> list[dict[str, Any]]:
    """The answers that one viewer got after the warm-up, with their round trips."""
    replies: list[dict[str, Any]] = []
    headers = {"X-Emotion-Token": secrets.token_urlsafe(24), "Content-Type": "image/jpeg"}
    chosen: dict[str, Any] = {"detector": "mediapipe", "min_score": 0.5, "half_life_s": 0.3}
    begin = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        n = 0
        while (now := time.perf_counter()) < until:
            n += 1
            frame = video[(int((now - begin) * FPS) + 7 * number) % len(video)]
            place = {"run": 1, "n": n, "time_s": now - begin}
            answer = await client.post("/live/frame", params={**place, **chosen}, content=frame)
            done = time.perf_counter()
            if done > until - seconds:
                replies.append({**answer.raise_for_status().json(), "trip_ms": (done - now) * 1000})
            await asyncio.sleep(max(now + 1 / FPS - done, 0))
    return replies


def _report(result: dict[str, Any]) -> str:
    about = result["machine"]
    lines = [
        "# Many viewers at once",
        "",
        f"{about['date']}, {about['cores']} cores ({about['processor']}), Python {about['python']}, load "
        f"before: {about['load']}. {result['seconds']:g} seconds each; HTTP clients and server on the same "
        f"machine; frames of {SIDE}×{SIDE * 3 // 4}, one face, MediaPipe. Round trip as median / 95th "
        "percentile; busy: share of answers that say so, as their frame waited for more than a quarter of a "
        "second. Made by `python -m benchmarks.load`.",
        "",
        "| viewers | frames/s of the least / median / most served | of all | round trip, ms | waiting, ms "
        "| server, ms | busy |",
        "|---|---|---|---|---|---|---|",
    ]
    for count, run in result["runs"].items():
        rates, trips = run["frames_per_second"], run["round_trip_ms"]
        lines.append(
            f"| {count} | {rates['least']} / {rates['median']} / {rates['most']} | {rates['all']} "
            f"| {trips[0]} / {trips[1]} | {run['wait_ms']} | {run['server_ms']} | {run['busy']:.0%} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
