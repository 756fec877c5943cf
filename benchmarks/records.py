"""Write a million observations, then ask for every view of the dashboard.

    python -m benchmarks.records \\
        --json benchmarks/results/records.json --markdown benchmarks/results/records.md

The observations are made up: faces that come, change their expression and go, in sessions of a webcam at
ten frames a second with three faces, and, as the hardest case, of a video that is looked at once a second,
where the sums by second save nothing. Each view is asked for several times, in turn. Measured is the CPU time
of the process, which does nothing but ask: other work on the machine changes it little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, text

from emotion.moments import Moment, TrackedFace
from emotion.storage import trends
from emotion.storage.database import Database
from emotion.storage.deletion import delete_sessions
from emotion.storage.queries import Selection, sessions
from emotion.storage.recorder import Origin, Recorder, owner_hash
from emotion.storage.schema import OBSERVATION, SECOND, SESSION
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction
from emotion.web.dashboard_findings import read_findings

OWNER = owner_hash("browser", "benchmark")
KINDS = {"webcam, 10 frames a second": 0.1, "video, looked at once a second": 1.0}
REPEATS = 5
FACES = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="observations of each kind")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    results: dict[str, Any] = {"rows": args.rows, "sessions": args.sessions, "kinds": {}}
    for kind, step_s in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            results["kinds"][kind] = measure(Path(folder), args.rows, args.sessions, step_s)
    results["moment"] = writing()
    page = markdown(results)
    print(page)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if args.markdown:
        args.markdown.write_text(page, encoding="utf-8")
    return 0


def measure(folder: Path, rows: int, count: int, step_s: float) -> dict[str, Any]:
    """Fill a database, ask, export and delete."""
    file = folder / "records.db"
    database = Database(str(file))
    fill(database, rows // count, count, step_s)
    with database.begin() as connection:
        views = times(connection, sessions(connection, Selection(OWNER))[0].id)
        found = sum(trends.distribution(connection, Selection(OWNER)).values())
    megabytes = file.stat().st_size / 1e6
    began = time.process_time()
    delete_sessions(database, Selection(OWNER))
    return {
        "observations": found,
        "megabytes": round(megabytes, 1),
        "delete_everything_s": round(time.process_time() - began, 1),
        "views": views,
    }


def fill(database: Database, rows: int, count: int, step_s: float) -> None:
    """Sessions of so many observations each, three faces in view, spread over the last thirty days."""
    random = np.random.default_rng(1)
    start_ms = round((time.time() - 30 * 86_400) * 1000)
    for session in range(1, count + 1):
        began_ms = start_ms + (session - 1) * 30 * 86_400_000 // count
        faces = np.arange(rows)
        frames, tracks = faces // FACES, 1 + (faces % FACES) + FACES * (faces // (FACES * 300))
        shares = random.dirichlet([0.4] * 7, rows).round(4)
        labels = [str(tuple(Emotion)[index]) for index in shares.argmax(axis=1)]
        at_ms = began_ms + (frames * step_s * 1000).astype(int)
        columns: list[list[Any]] = [
            [session] * rows, faces.tolist(), at_ms.tolist(), (frames * step_s).tolist(),
            frames.tolist(), tracks.tolist(), *([side] * rows for side in (10, 20, 90, 120)),
            [0.9] * rows, labels, *shares.T.tolist(),
            [0.0] * rows, [1] * rows, ["neutral"] * rows,
        ]  # fmt: skip
        last = {"last_ms": int(at_ms[-1]), "frames": int(frames[-1]) + 1, "faces": int(tracks[-1])}
        with database.begin(create=True) as connection:
            about = {
                "id": session,
                "owner": OWNER,
                "source": "webcam",
                "title": "",
                "started_ms": began_ms,
            }
            names = {"detector": "mediapipe", "weights": "compact", "weights_sha256": ""}
            written = {"observations": rows, "seconds": 0}
            written |= {f"label_{emotion}": labels.count(str(emotion)) for emotion in Emotion}
            connection.execute(insert(SESSION), about | names | last | written)
            marks = ",".join("?" * len(columns))
            statement = f"INSERT INTO {OBSERVATION.name} VALUES ({marks})"
            raw: Any = connection.connection.driver_connection
            raw.executemany(statement, zip(*columns, strict=True))
            connection.execute(text(SUMS), {"session": session})


SUMS = f"""
INSERT INTO {SECOND.name}
SELECT session_id, row_number() OVER () - 1, at_ms / 1000, track_id, count(*),
  at_ms / 1000 = min(min(at_ms) / 1000) OVER (PARTITION BY track_id),
  {", ".join(f"sum(label = '{emotion}')" for emotion in Emotion)},
  {", ".join(f"sum({emotion})" for emotion in Emotion)}
FROM {OBSERVATION.name} WHERE session_id = :session GROUP BY at_ms / 1000, track_id
UNION ALL
SELECT session_id, 10000000 + row_number() OVER (), at_ms / 1000, 0, count(DISTINCT frame), 0,
  {", ".join("0" for _ in range(14))}
FROM {OBSERVATION.name} WHERE session_id = :session GROUP BY at_ms / 1000
"""
"""What ``emotion.storage.rows.second_rows`` makes, all at once."""


def times(connection: Any, session_id: int) -> dict[str, dict[str, float]]:
    """Median and slowest time of each view, in seconds of CPU."""
    everything = Selection(OWNER)
    week = Selection(OWNER, since_ms=round((time.time() - 7 * 86_400) * 1000))
    one = Selection(OWNER, session_ids=(session_id,))
    views: dict[str, Callable[[], object]] = {
        "list of sessions": lambda: sessions(connection, everything),
        "distribution, everything": lambda: trends.distribution(connection, everything),
        "trend by hour, everything": lambda: trends.trend(connection, everything, 3600),
        "trend by day, everything": lambda: trends.trend(connection, everything, 86_400),
        "most shown, by session": lambda: trends.most_shown(connection, everything),
        "now and before, everything": lambda: trends.change(connection, everything),
        "trend by minute, 7 days": lambda: trends.trend(connection, week, 60),
        "trend by second, one session": lambda: trends.trend(connection, one, 1),
        "strips by second, one session": lambda: trends.strips(connection, one, 1),
        "whole dashboard, latest session": lambda: read_findings(connection, one),
        "whole dashboard, everything": lambda: read_findings(connection, everything),
    }
    taken: dict[str, list[float]] = {name: [] for name in views}
    for _ in range(REPEATS):
        for name, ask in views.items():
            began = time.process_time()
            ask()
            taken[name].append(time.process_time() - began)
    return {
        name: {"median_s": round(statistics.median(all_), 3), "slowest_s": round(max(all_), 3)}
        for name, all_ in taken.items()
    }


def writing(moments: int = 3_000) -> dict[str, float]:
    """What one moment of three faces costs: the stream that hands it over, and the thread that writes it."""
    shares = np.random.default_rng(1).dirichlet([0.4] * 7, FACES)
    faces = []
    for track, row in enumerate(shares, start=1):
        prediction = Prediction(tuple(map(float, row)))
        seen = FaceEmotion(Face(BoundingBox(10, 20, 90, 120), 0.9), prediction, track)
        faces.append(TrackedFace(seen, prediction.label, prediction))
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Database(str(Path(folder) / "records.db")))
        recording = recorder.start(Origin(OWNER, "webcam"))
        began, handed_over = time.process_time(), 0.0
        for frame in range(moments):
            before = time.thread_time()
            recording.add(Moment(frame, frame * 0.1, tuple(faces)))
            handed_over += time.thread_time() - before
        recorder.close(timeout_s=600)
        whole = time.process_time() - began
    return {
        "handed_over_us": round(handed_over / moments * 1e6, 1),
        "written_us": round((whole - handed_over) / moments * 1e6, 1),
    }


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    kinds = results["kinds"]
    lines = [
        f"# {results['rows']:,} observations in {results['sessions']} sessions on SQLite",
        "",
        f"`python -m benchmarks.records`, {datetime.now(UTC):%B %Y}, on a machine of {os.cpu_count()} cores. "
        f"Seconds of CPU, median (slowest of {REPEATS}).",
        "",
        "| view | " + " | ".join(kinds) + " |",
        "|---" * (len(kinds) + 1) + "|",
    ]
    for view in next(iter(kinds.values()))["views"]:
        found = [kind["views"][view] for kind in kinds.values()]
        cells = [f"{one['median_s']:.3f} ({one['slowest_s']:.3f})" for one in found]
        lines.append(f"| {view} | " + " | ".join(cells) + " |")
    rows = {
        "observations": "observations",
        "size of the file, MB": "megabytes",
        "delete everything, s": "delete_everything_s",
    }
    lines += ["", "| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    lines += [
        f"| {title} | " + " | ".join(f"{k[key]:,}" for k in kinds.values()) + " |"
        for title, key in rows.items()
    ]
    moment = results["moment"]
    lines += [
        "",
        f"One moment of three faces costs its stream"
        f" {moment['handed_over_us']:.0f} µs and the writer's thread "
        f"{moment['written_us']:.0f} µs of CPU.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
