"""How fast the webcam tab is, in a real browser on this machine.

    python benchmarks/webcam.py                # measures, writes benchmarks/results/webcam.{json,md}
    python benchmarks/webcam.py --seconds 5    # a short try, prints only

Starts the app, opens it in Chromium with a film as camera, lets one viewer run with each detector and then
four at once. Browser and server share the machine, so nothing else should run. Two things are measured
independently: what the panel's own figures say (from the time stamp that the browser gives each camera
frame to the drawn box), and a number painted into each frame of the film: the number in the live picture
at the moment of drawing minus the number in the frame that the boxes belong to.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.fake_camera import COUNTER_BITS, COUNTER_SIDE, FPS, write_camera_film  # noqa: E402
from emotion.weights import find_weights, read_spec  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Windows that lie behind others count as well: four viewers are four windows.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
]

COLLECT = """([bits, side, counted]) => {
    window.frames_ = [];
    const video = document.querySelector('.live video'), strip = document.createElement('canvas');
    strip.width = bits * side; strip.height = side;
    const context = strip.getContext('2d', { willReadFrequently: true });
    const read = (source) => {
        const share = (source.videoWidth || source.width) / video.videoWidth;  // frames are sent reduced
        context.drawImage(source, 0, 0, bits * side * share, side * share, 0, 0, bits * side, side);
        let number = 0;
        for (let bit = 0; bit < bits; bit += 1) {
            const at = context.getImageData(bit * side + side / 2, side / 2, 1, 1).data[0];
            if (at > 127) number |= 1 << bit;
        }
        return number;
    };
    const sent = [];
    if (counted) {
        const encode = HTMLCanvasElement.prototype.toDataURL;
        HTMLCanvasElement.prototype.toDataURL = function (...all) {
            sent.push(read(this));
            return encode.apply(this, all);
        };
    }
    document.addEventListener('expressionframe', (event) => {
        const entry = { at: performance.now(), ...event.detail.figures };
        if (counted) entry.behind = (read(video) - sent[event.detail.n - 1] + 2 ** bits) % 2 ** bits;
        window.frames_.push(entry);
    });
}"""


def main() -> None:
    """Measure everything and write the result files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "camera.mjpeg"
        write_camera_film(ROOT / "examples" / "astronaut.jpg", film, seconds=8)
        with _server(args.port) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=_chromium(),
                args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"],
            )
            runs = {
                "mediapipe": _viewers(browser, url, args.seconds, detector="MediaPipe"),
                "mediapipe, frames counted": _viewers(
                    browser, url, args.seconds, detector="MediaPipe", counted=True
                ),
                "haar": _viewers(browser, url, args.seconds, detector="Haar cascade"),
                "mediapipe, four viewers": _viewers(
                    browser, url, args.seconds, detector="MediaPipe", count=4
                ),
            }
            version = browser.version
            browser.close()
    weights = read_spec(find_weights())
    result = {
        "machine": _machine(version),
        "weights": weights.name,
        "sha256": weights.files["litert"].sha256,
        "seconds": args.seconds,
        "runs": runs,
    }
    report = _report(result)
    print(report)
    if args.seconds >= 10:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "webcam.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "webcam.md").write_text(report, encoding="utf-8")


@contextmanager
def _server(port: int) -> Iterator[str]:
    """``python app.py`` until it answers."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _viewers(
    browser: Browser,
    url: str,
    seconds: float,
    *,
    detector: str,
    count: int = 1,
    counted: bool = False,
) -> dict[str, Any]:
    """Figures of one or several viewers at once, after three seconds to warm up."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(count)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        _start(page, url, detector, counted)
    pages[0].wait_for_timeout(3000)
    for page in pages:
        page.evaluate("window.frames_.length = 0")
    pages[0].wait_for_timeout(seconds * 1000)
    frames = [page.evaluate("window.frames_") for page in pages]
    for context in contexts:
        context.close()
    return {"viewers": [_figures(one, counted) for one in frames]}


def _start(page: Page, url: str, detector: str, counted: bool) -> None:
    page.set_default_timeout(60_000)
    page.goto(url)
    page.get_by_role("tab", name="Webcam").click()
    page.wait_for_selector(".live")
    if detector != "MediaPipe":
        page.locator("#webcam-settings").get_by_label("Face detector").click()
        page.get_by_role("option", name=detector).click()
    page.evaluate(COLLECT, [COUNTER_BITS, COUNTER_SIDE, counted])
    page.get_by_role("button", name="Start camera").click()
    page.wait_for_function("window.frames_.length > 10 && window.frames_.at(-1).faces === 1")


def _figures(frames: list[dict[str, float]], counted: bool) -> dict[str, Any]:
    """Frames a second, and medians with 95th percentiles in milliseconds."""
    span_s = (frames[-1]["at"] - frames[0]["at"]) / 1000
    names = ["server", "detect", "classify", "draw", "round_trip", "latency"]
    figures: dict[str, Any] = {"frames_per_second": round((len(frames) - 1) / span_s, 1)}
    figures["dropped"] = frames[-1]["dropped"] - frames[0]["dropped"]
    for name in names:
        figures[f"{name}_ms"] = _p50_p95([frame[name] for frame in frames])
    if counted:
        # In frames of the film; a frame lasts 33 ms.
        figures["counter_ms"] = _p50_p95([frame["behind"] * 1000 / FPS for frame in frames])
    return figures


def _p50_p95(values: list[float]) -> list[float]:
    parts = statistics.quantiles(values, n=20)
    return [round(parts[9], 1), round(parts[18], 1)]


def _report(result: dict[str, Any]) -> str:
    machine = result["machine"]
    lines = [
        "# Webcam tab",
        "",
        f"{machine['date']}, {machine['cores']} cores ({machine['processor']}), Python {machine['python']}, "
        f"Gradio {machine['gradio']}, Chromium {machine['chromium']}; load before: {machine['load']}. "
        f"Browser and server on the same machine, {result['seconds']:g} seconds each, camera at "
        f"{FPS} frames a second, 640×480, one face, weights `{result['weights']}` "
        f"({result['sha256'][:8]}). Milliseconds as median / 95th percentile. Made by "
        "`python benchmarks/webcam.py`.",
        "",
        "Server: all that it does for a frame, detect and classify included. Draw: in the browser. Round "
        "trip: from sending a frame to its answer. Camera to label: from the camera's frame to the drawn "
        "box. By counter: how far the live picture is ahead of the frame that the boxes belong to, by "
        "numbers painted into the film. Passed over: camera frames that were not sent, as the last answer "
        "was still awaited.",
        "",
        "| run | frames/s | server | detect | classify | draw | round trip | camera to label "
        "| by counter | passed over |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, run in result["runs"].items():
        for figures in run["viewers"]:
            cells = [
                " / ".join(
                    f"{value:g}" for value in figures.get(f"{key}_ms", ["–"]) if value != "–"
                )
                or "–"
                for key in (
                    *("server", "detect", "classify", "draw"),
                    *("round_trip", "latency", "counter"),
                )
            ]
            lines.append(
                f"| {name} | {figures['frames_per_second']} | {' | '.join(cells)} "
                f"| {figures['dropped']} |"
            )
    return "\n".join(lines) + "\n"


def _machine(chromium: str) -> dict[str, Any]:
    import gradio

    processor = platform.processor() or platform.machine()
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "processor": names[0] if names else processor,
        "python": platform.python_version(),
        "gradio": gradio.__version__,
        "chromium": chromium,
        "load": round(LOAD_BEFORE, 2),
    }


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise SystemExit("Chromium is needed: sudo apt-get install chromium")


LOAD_BEFORE = os.getloadavg()[0]

if __name__ == "__main__":
    main()
