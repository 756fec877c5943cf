"""Damaged input by the thousand: whatever decodes must answer, or refuse with a message of ours.

    python -m benchmarks.fuzz                       # all kinds; writes benchmarks/results/fuzz.{json,md}
    python -m benchmarks.fuzz --only config --share 0.1

Good files are damaged at random: bytes changed, cut out, repeated, and files joined. Each kind runs in a
process of its own, so that a crash of a library is seen and counted. An input fails if it ends the process,
takes more than 40 seconds, raises anything but the package's own errors, or leaves the process with more
than 2 GB of memory. Inputs that fail are kept under ``--keep``; those that failed once lie in
``tests/fuzzed``, and a test reads them each time.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import numpy as np
import pillow_heif
from PIL import Image as Pillow
from starlette.testclient import TestClient

from benchmarks.machine import machine
from emotion.batch.items import find_items
from emotion.errors import EmotionError
from emotion.images import read_image
from emotion.prior import check_prior
from emotion.streams.reader import VideoReader
from emotion.web.access import is_token
from emotion.web.frames import decode_frame
from emotion.web.kept import Kept
from emotion.web.live_routes import live_routes
from emotion.web.pipelines import Pipelines
from emotion.weights.config import read_spec
from emotion.weights.find import DEFAULT_WEIGHTS, find_weights
from handler import EndpointHandler

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PATIENCE_S = 40
"""A Keras file that does not come to an end is given up after 30."""
MOST_BYTES = 2_000_000_000
FRAMES_READ = 20


@dataclass(frozen=True)
class Kind:
    """One thing that is read.

    Attributes:
        inputs: How many damaged ones are tried.
        seeds: Makes good ones.
        read: Reads one; gets a folder that it may write to.
    """

    inputs: int
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], object]


def main() -> int:
    """Try, print, and write the result files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--share", type=float, default=1.0, help="of the inputs of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    args = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "seed": args.seed, "kinds": {}}
    for name in args.only:
        began = time.monotonic()
        inputs = max(1, round(KINDS[name].inputs * args.share))
        failures = list(_try(name, inputs, args.seed, args.keep))
        seconds = time.monotonic() - began
        report["kinds"][name] = {
            "inputs": inputs,
            "failures": failures,
            "seconds": round(seconds, 1),
        }
        print(f"{name:10} {inputs:6} inputs, {len(failures)} failures, {seconds:.0f} s", flush=True)
        for failure in failures[:5]:
            print(f"           {failure}", flush=True)
    if args.only == list(KINDS) and args.share >= 1:
        (RESULTS / "fuzz.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "fuzz.md").write_text(_to_markdown(report), encoding="utf-8")
    return int(any(kind["failures"] for kind in report["kinds"].values()))


def _try(name: str, inputs: int, seed: int, keep: Path) -> Iterator[str]:
    """What failed, each with the file that holds it."""
    spawn = multiprocessing.get_context("spawn")
    current, problems = spawn.Value("i", 0), spawn.SimpleQueue()
    while current.value < inputs:
        process = spawn.Process(target=_run, args=(name, inputs, seed, current, problems))
        process.start()
        while process.is_alive():
            before = current.value
            process.join(3 * PATIENCE_S)
            if process.is_alive() and current.value == before:
                process.kill()
        while not problems.empty():
            number, said = problems.get()
            yield f"{_kept(name, number, seed, keep)}: {said}"
        if process.exitcode:
            yield f"{_kept(name, current.value, seed, keep)}: ended with {process.exitcode}"
            current.value += 1


def _run(name: str, inputs: int, seed: int, current: Synchronized[int], problems: Any) -> None:
    """Read from the input that ``current`` says on. The first one takes longest: it imports."""
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain there about each input
    seeds = KINDS[name].seeds()
    with tempfile.TemporaryDirectory() as folder:
        while current.value < inputs:
            number = current.value
            said = try_one(name, damaged(seeds, seed, number), Path(folder))
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            if not said and used > MOST_BYTES:
                said = f"{used / 1e9:.1f} GB of memory"
            if said:
                problems.put((number, said))
            current.value = number + 1


def try_one(name: str, data: bytes, folder: Path) -> str:
    """Read one input of a kind; empty if that went as it should, else what was wrong."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(PATIENCE_S)
    try:
        KINDS[name].read(data, folder)
    except EmotionError as error:
        if not str(error).strip():
            return "refused without a word"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.alarm(0)
    return ""


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {PATIENCE_S} s")


def damaged(seeds: list[bytes], seed: int, number: int) -> bytes:
    """The good inputs, one of them damaged: always the same for the same numbers."""
    rng = np.random.default_rng([seed, number])
    data = bytearray(seeds[number % len(seeds)])
    for _ in range(int(rng.integers(1, 9))):
        if not data:
            break
        start = int(rng.integers(len(data)))
        length = min(len(data) - start, 2 ** int(rng.integers(10)))
        match int(rng.integers(7)):
            case 0 | 1:
                data[start] ^= 1 << int(rng.integers(8))
            case 2:
                data[start : start + length] = rng.integers(0, 256, length, np.uint8).tobytes()
            case 3:
                data[start : start + 4] = rng.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"]
                )
            case 4:
                del data[start : start + length]
            case 5:
                data[start:start] = data[start : start + length]
            case 6:
                other = seeds[int(rng.integers(len(seeds)))]
                data[start:] = other[int(rng.integers(len(other))) :]
    return bytes(data)


def _kept(name: str, number: int, seed: int, keep: Path) -> str:
    data = damaged(KINDS[name].seeds(), seed, number)
    path = keep / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def _to_markdown(report: dict[str, Any]) -> str:
    kinds = report["kinds"]
    total = sum(kind["inputs"] for kind in kinds.values())
    rows = [
        f"| {name} | {kind['inputs']:,} | {len(kind['failures'])} |" for name, kind in kinds.items()
    ]
    lines = [
        "# Damaged input",
        "",
        f"Made by `python -m benchmarks.fuzz`, whose first lines say how: {total:,} damaged inputs.",
        "",
        "| read | inputs | failed |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _face() -> Pillow.Image:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return Pillow.fromarray(small).resize((64, 48), Pillow.Resampling.BICUBIC)


def _pictures() -> list[bytes]:
    face, made = _face(), []
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"):
        buffer = io.BytesIO()
        face.save(buffer, kind)
        made.append(buffer.getvalue())
    buffer = io.BytesIO()
    pillow_heif.from_pillow(face).save(buffer)
    return [*made, buffer.getvalue()]


def _frames() -> list[bytes]:
    buffer = io.BytesIO()
    _face().save(buffer, "JPEG")
    return [buffer.getvalue()]


def _videos() -> list[bytes]:
    made = []
    for name, codec in (
        ("mp4", "libx264"),
        ("webm", "libvpx"),
        ("avi", "mpeg4"),
        ("mpegts", "libx264"),
    ):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=name) as out:
            stream: Any = out.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for _ in range(8):
                out.mux(
                    stream.encode(av.VideoFrame.from_ndarray(np.asarray(_face()), format="rgb24"))
                )
            out.mux(stream.encode())
        made.append(buffer.getvalue())
    return made


def _read_video(data: bytes, folder: Path) -> None:
    path = folder / "video"
    path.write_bytes(data)
    with VideoReader(path) as reader:
        for number, _ in enumerate(reader):
            if number >= FRAMES_READ:
                break


def _configs() -> list[bytes]:
    return [(find_weights() / "config.json").read_bytes()]


def _read_config(data: bytes, folder: Path) -> None:
    (folder / "config.json").write_bytes(data)
    read_spec(folder)


def _networks() -> list[bytes]:
    old = ROOT / "tests" / "keras_files" / "old_keras"
    return [(old / name).read_bytes() for name in ("nested.h5", "residual.hdf5", "residual.keras")]


def _read_network(data: bytes, folder: Path) -> None:
    from emotion.keras_files import load_model

    path = folder / ("network.keras" if data[:2] == b"PK" else "network.h5")
    path.write_bytes(data)
    load_model(path)


def _tables() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer, sink = io.BytesIO(), io.BytesIO()
    _face().convert("L").resize((48, 48)).save(buffer, "PNG")
    cells = [{"bytes": buffer.getvalue(), "path": None}] * 3
    classes = {"info": {"features": {"label": {"names": ["angry", "disgust", "fear", "happy"]}}}}
    votes = pa.array([[0, 1, 2, 3, 4, 0, 0, 0, 0, 0], None, [1] * 10], pa.list_(pa.uint8()))
    table = pa.table({"image": cells, "label": [0, 3, 2], "votes": votes})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(classes)}), sink)
    return [sink.getvalue()]


def _read_table(data: bytes, folder: Path) -> None:
    from emotion.training.datasets import read_parquet

    path = folder / "faces.parquet"
    path.write_bytes(data)
    read_parquet(path)


def _find_rows(data: bytes, folder: Path) -> None:
    path = folder / "pictures.parquet"
    path.write_bytes(data)
    find_items([str(path)])


def _csvs() -> list[bytes]:
    pixels = " ".join(["128"] * 48 * 48)
    rows = [f"{label},{pixels},{use}" for label, use in ((0, "Training"), (3, "PublicTest"))]
    return ["\n".join(["emotion,pixels,Usage", *rows]).encode()]


def _read_csv(data: bytes, folder: Path) -> None:
    from emotion.training.datasets import read_splits

    path = folder / "fer2013.csv"
    path.write_bytes(data)
    read_splits(path)


def _payloads() -> list[bytes]:
    """What an Inference Endpoint is sent."""
    picture = base64.b64encode(_pictures()[0]).decode()
    return [json.dumps({"inputs": picture, "parameters": {"min_score": 0.5}}).encode()]


def _read_payload(data: bytes, folder: Path) -> None:
    try:
        payload = json.loads(data)
    except ValueError:
        return  # the endpoint's own server refuses it
    if isinstance(payload, dict):
        json.dumps(_endpoint()(payload))


@lru_cache
def _endpoint() -> EndpointHandler:
    return EndpointHandler()


def _requests() -> list[bytes]:
    """What the webcam panel sends: the query, a new line, the frame."""
    query = b"run=1&n=1&time_s=0.5&detector=mediapipe&min_score=0.5&half_life_s=0.3\n"
    return [query + frame for frame in _frames()]


def _read_request(data: bytes, folder: Path) -> None:
    query, _, body = data.partition(b"\n")
    headers = {"X-Emotion-Token": "a" * 32, "Content-Type": "image/jpeg"}
    # An exception of the server comes out here.
    answer = _panel().post(
        f"/live/frame?{quote(query, safe='=&%+')}", content=body, headers=headers
    )
    assert answer.status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST), answer.status_code
    answer.json()


@lru_cache
def _panel() -> TestClient:
    async def make() -> Any:
        from gradio.routes import App  # here, because Gradio takes seconds and tests read this file

        return App()  # which knows who is logged in: nobody

    app = asyncio.run(make())  # without a running loop, Gradio makes one and leaves it open
    app.router.routes.extend(live_routes(Pipelines(DEFAULT_WEIGHTS, "litert").get, Kept()))
    return TestClient(app)


KINDS = {
    "picture": Kind(9_000, _pictures, lambda data, folder: read_image(data)),
    "frame": Kind(3_000, _frames, lambda data, folder: decode_frame(data)),
    "video": Kind(1_200, _videos, _read_video),
    "config": Kind(3_000, _configs, _read_config),
    "network": Kind(1_000, _networks, _read_network),
    "parquet": Kind(2_000, _tables, _read_table),
    "batch": Kind(2_000, _tables, _find_rows),
    "csv": Kind(1_000, _csvs, _read_csv),
    "payload": Kind(2_000, _payloads, _read_payload),
    "request": Kind(2_000, _requests, _read_request),
    "prior": Kind(
        2_000,
        lambda: [b"angry=1,disgust=0.5,fear=1,happy=3,sad=1,surprise=1,neutral=4", b"natural"],
        lambda data, folder: check_prior(data.decode("utf-8", "replace")),
    ),
    "token": Kind(
        1_000,
        lambda: [b"abcdefghijklmnopqrstuvwxyz012345"],
        lambda data, folder: is_token(data.decode("utf-8", "replace")),
    ),
}

if __name__ == "__main__":
    sys.exit(main())
