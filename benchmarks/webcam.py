"""How fast the webcam tab is in a real browser, on this machine and over lines of our own making.

    python -m benchmarks.webcam                # measures, writes benchmarks/results/webcam.{json,md}
    python -m benchmarks.webcam --seconds 5    # a short try, prints only
    python -m benchmarks.webcam --only 150ms   # runs whose name contains this; prints only

Starts the app, opens it in Chromium with a video as camera, and lets one viewer run: through a proxy that
delays each way (``tests/support/slow_line.py``), and through one with a slow upload. Browser, proxy and
server share the machine, so nothing else should run.

A number is painted into each frame of the video. So the script knows which frame is in view whenever boxes
are drawn, and where the face truly is in it: the error is the distance between the centre of the drawn box
and that place (both less their mean, as a detector's box may be off to one side), in pixels of the camera.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.running_app import running_app  # type: ignore[import-not-found]  # noqa: E402
from support.slow_line import slow_line  # type: ignore[import-not-found]  # noqa: E402

from benchmarks.fake_camera import (  # noqa: E402
    COUNTER_BITS,
    COUNTER_SIDE,
    FPS,
    WIDTH,
    true_centres,
    write_camera_video,
)
from benchmarks.machine import machine  # noqa: E402
from emotion.weights.config import read_spec  # noqa: E402
from emotion.weights.find import find_weights  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
PORTRAIT = ROOT / "examples" / "astronaut.jpg"
FILM_S = 8
PATIENCE_MS = 180_000

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
]


@dataclass(frozen=True)
class Run:
    """One measurement.

    Attributes:
        delay_ms: Of the line, there and back.
        upload: Bytes a second towards the server; 0: no limit.
        detector: As the page names it.
    """

    delay_ms: int = 0
    upload: int = 0
    detector: str = "MediaPipe"


RUNS = {
    "0 ms": Run(),
    "50 ms": Run(50),
    "150 ms": Run(150),
    "300 ms": Run(300),
    "50 ms, 256 kbit/s up": Run(50, upload=32_000),
    "0 ms, Haar": Run(detector="Haar cascade"),
}

COLLECT = """([bits, side]) => {
    window.answers_ = [];
    window.drawn_ = [];
    const video = document.querySelector('.live video'), strip = document.createElement('canvas');
    strip.width = bits * side; strip.height = side;
    const context = strip.getContext('2d', { willReadFrequently: true });
    const inView = () => {
        context.drawImage(video, 0, 0, bits * side, side, 0, 0, bits * side, side);
        const pixels = context.getImageData(0, side / 2, bits * side, 1).data;
        let number = 0;
        for (let bit = 0; bit < bits; bit += 1) {
            if (pixels[4 * (bit * side + side / 2)] > 127) number |= 1 << bit;
        }
        return number;
    };
    document.addEventListener('expressionframe', ({ detail }) => {
        window.answers_.push({ at: performance.now(), ...detail.figures });
    });
    document.addEventListener('expressiondraw', ({ detail: { faces, width } }) => {
        if (faces.length !== 1) return;
        const [x1, y1, x2, y2] = faces[0].box.map(value => value * 640 / width);
        window.drawn_.push([inView(), (x1 + x2) / 2, (y1 + y2) / 2]);
    });
}"""


def main() -> None:
    """Measure everything and write the result files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement")
    parser.add_argument("--only", default="", help="runs whose name contains this")
    args = parser.parse_args()
    about, runs = machine(), {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_camera_video(PORTRAIT, folder / "camera.mjpeg", seconds=FILM_S)
        app = stack.enter_context(running_app(folder / "log"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=_chromium(),
            args=[*FLAGS, f"--use-file-for-fake-video-capture={folder / 'camera.mjpeg'}"],
        )
        about["chromium"] = browser.version
        for name, run in RUNS.items():
            if args.only in name:
                runs[name] = _measure(browser, int(app.url.rsplit(":", 1)[1]), run, args.seconds)
        browser.close()
    spec = read_spec(find_weights())
    result = {"machine": about, "weights": spec.name, "seconds": args.seconds, "runs": runs}
    report = _report(result)
    print(report)
    if args.seconds >= 10 and not args.only:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "webcam.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "webcam.md").write_text(report, encoding="utf-8")


def _measure(browser: Browser, port: int, run: Run, seconds: float) -> dict[str, Any]:
    """Figures of one viewer, after a while to warm up."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    with slow_line(port) as line:
        page = context.new_page()
        _open(page, line.url, run.detector)
        line.do("delay", run.delay_ms / 2000)
        line.do("upload", run.upload)
        page.get_by_role("button", name="Start camera").click()
        page.wait_for_function("window.answers_.length > 10 && window.answers_.at(-1).faces === 1")
        page.wait_for_timeout(10_000 if run.upload else 4_000)
        page.evaluate("window.answers_.length = window.drawn_.length = 0")
        page.wait_for_timeout(seconds * 1000)
        answers, drawn = page.evaluate("[window.answers_, window.drawn_]")
        context.close()
    return {**_figures(answers), **_errors(drawn)}


def _open(page: Page, url: str, detector: str) -> None:
    page.goto(f"{url}/?__lang=en")
    page.get_by_role("tab", name="Webcam").click()
    page.locator("[data-do=start]:enabled").wait_for()
    if detector != "MediaPipe":
        page.locator("#webcam-settings").get_by_label("Face detector").click()
        page.get_by_role("option", name=detector).click()
    page.evaluate(COLLECT, [COUNTER_BITS, COUNTER_SIDE])


def _figures(answers: list[dict[str, float]]) -> dict[str, Any]:
    """Frames a second, and medians with 95th percentiles in milliseconds."""
    span_s = (answers[-1]["at"] - answers[0]["at"]) / 1000
    figures: dict[str, Any] = {"frames_per_second": round((len(answers) - 1) / span_s, 1)}
    for name in ("server", "detect", "classify", "draw", "round_trip", "latency"):
        figures[f"{name}_ms"] = _p50_p95([answer[name] for answer in answers])
    for name in ("in_flight", "side", "bytes"):
        figures[name] = statistics.median(answer[name] for answer in answers)
    return figures


def _errors(drawn: list[tuple[int, float, float]]) -> dict[str, Any]:
    """How far drawn boxes are from the face in view, and how often they are drawn."""
    truth = true_centres(PORTRAIT, seconds=FILM_S)
    off = [(x - truth[n][0], y - truth[n][1]) for n, x, y in drawn if n < len(truth)]
    means = [statistics.fmean(axis) for axis in zip(*off, strict=True)]
    errors = [((x - means[0]) ** 2 + (y - means[1]) ** 2) ** 0.5 for x, y in off]
    return {"error_px": _p50_p95(errors)}


def _p50_p95(values: list[float]) -> list[float]:
    parts = statistics.quantiles(values, n=20)
    return [round(parts[9], 1), round(parts[18], 1)]


def _report(result: dict[str, Any]) -> str:
    about = result["machine"]
    lines = [
        "# Webcam tab",
        "",
        f"{about['date']}, {about['cores']} cores ({about['processor']}), Python {about['python']}, Gradio "
        f"{about['gradio']}, Chromium {about['chromium']}; load before: {about['load']}. Browser, line and "
        f"server on the same machine, {result['seconds']:g} seconds each, camera at {FPS} frames a second, "
        f"{WIDTH}×480, one face, weights `{result['weights']}`. Median / 95th percentile. Made by "
        "`python -m benchmarks.webcam`.",
        "",
        "Delays are there and back. Server: all that it does for a frame. Round trip: from sending a frame "
        "to its answer. Camera to label: from the camera's frame to its label. In flight: frames on their "
        "way at once. Error: from the centre of the drawn box to the face in the frame that is in view just "
        "then, in pixels of the camera.",
        "",
        "| line | frames/s | in flight | frame | server, ms | round trip, ms | camera to label, ms "
        "| error, px |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, run in result["runs"].items():
        pairs = (
            f"{run[key][0]:g} / {run[key][1]:g}"
            for key in ("server_ms", "round_trip_ms", "latency_ms", "error_px")
        )
        frame = f"{run['side']:g} px, {run['bytes'] / 1000:.1f} kB"
        lines.append(
            f"| {name} | {run['frames_per_second']} | {run['in_flight']:g} | {frame} "
            f"| {' | '.join(pairs)} |"
        )
    return "\n".join(lines) + "\n"


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise SystemExit("Chromium is needed: sudo apt-get install chromium")


if __name__ == "__main__":
    main()
