"""`emotion batch` beside `emotion analyze` on the same pictures, and what that means for 100 million.

    python -m benchmarks.batch                    # 10,000 pictures, writes benchmarks/results/batch.{json,md}
    python -m benchmarks.batch --pictures 200     # a short try, prints only

Both read the same files with the same number of processes, in turn. What they take for a few pictures is
their start-up; the rate is that of the pictures beyond. The pictures are those of examples/, 1,024 pixels at
most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from benchmarks.machine import machine
from emotion.batch.items import find_items

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
KINDS = ("astronaut.jpg", "group.jpg", "hopper.jpg", "prints.jpg", "cat.jpg")
LARGEST = 1024
"""Side of the pictures: a web photograph."""
FEW = 32
"""Pictures of the run that measures the start-up: two parts of `emotion batch`."""
WORTH_KEEPING = 2000
"""Pictures from which on the result files are written."""

MANY = 100_000_000
NODES = ((1, 2), (10, 16), (50, 16), (100, 32))
"""Machines and cores of each in the plan."""
NETWORK_MB_S = 1250
"""Megabytes a second of a machine's 10 Gbit/s."""


def main() -> None:
    """Measure, print, and write the result files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, in turn")
    parser.add_argument("--price", type=float, default=0.04, help="dollars for a core and hour")
    args = parser.parse_args()
    about = machine()
    with tempfile.TemporaryDirectory(prefix="emotion-batch-") as name:
        folder = Path(name)
        size = make_pictures(folder, args.pictures)
        runs = [measure(folder, args.pictures, args.jobs, n) for n in range(args.repeat)]
        names = bytes_of_names(folder / "many") / args.pictures
        stored = sum(path.stat().st_size for path in (folder / "out-0").iterdir())
    best = {name: min((run[name] for run in runs), key=lambda r: r["rest_s"]) for name in runs[0]}
    result = {
        "machine": about,
        "pictures": args.pictures,
        "jobs": args.jobs,
        "megabytes_each": round(size / 1e6, 4),
        "bytes_stored_each": round(stored / args.pictures, 1),
        "bytes_of_names_each": round(names),
        "runs": runs,
        "batch": best["batch"],
        "analyze": best["analyze"],
        "ratio": round(best["batch"]["rest_s"] / best["analyze"]["rest_s"], 3),
        "price_core_hour": args.price,
    }
    result["plan"] = plan(result)
    report = to_markdown(result)
    print(report)
    if args.pictures >= WORTH_KEEPING:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "batch.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (RESULTS / "batch.md").write_text(report, encoding="utf-8")


def make_pictures(folder: Path, count: int) -> float:
    """`few/` and `many/` with links to a handful of files; the mean size of a picture in bytes."""
    sizes = []
    for name in KINDS:
        with Pillow.open(ROOT / "examples" / name) as picture:
            reduced = picture.convert("RGB")
            reduced.thumbnail((LARGEST, LARGEST))
            reduced.save(folder / name, quality=90)
        sizes.append((folder / name).stat().st_size)
    for where, number in (("few", FEW), ("many", count)):
        (folder / where).mkdir()
        for index in range(number):
            link = folder / where / f"{index:07}.jpg"
            link.symlink_to(folder / KINDS[index % len(KINDS)])
    return sum(sizes) / len(sizes)


def measure(folder: Path, count: int, jobs: int, number: int) -> dict[str, dict[str, float]]:
    """Seconds of both commands for few pictures and for all of them."""
    report = {}
    for name in ("analyze", "batch"):
        seconds = {}
        for where in ("few", "many"):
            out = folder / f"out-{number}" if where == "many" else folder / f"few-{number}"
            writes = ["--out", str(out)] if name == "batch" else ["--json"]
            words = [name, str(folder / where), "--jobs", str(jobs), *writes]
            begin = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "emotion", *words],
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            seconds[where] = time.perf_counter() - begin
        rest = seconds["many"] - seconds["few"]
        report[name] = {
            "few_s": round(seconds["few"], 2),
            "many_s": round(seconds["many"], 2),
            "rest_s": round(rest, 2),
            "pictures_s": round((count - FEW) / rest, 2),
        }
    return report


def bytes_of_names(folder: Path) -> int:
    """Memory of the list of a folder's items, with the names that say which are done."""
    tracemalloc.start()
    found = find_items([str(folder)])
    names = {item.name for item in found.items}
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(names) == len(found.items)
    return used


def plan(result: dict[str, Any]) -> dict[str, Any]:
    """What 100 million such pictures take, from the measured rate of `emotion batch`."""
    core_s = result["jobs"] / result["batch"]["pictures_s"]
    core_hours = MANY * core_s / 3600
    rows = []
    for nodes, cores in NODES:
        reads_mb_s = cores / core_s * result["megabytes_each"]
        rows.append(
            {
                "nodes": nodes,
                "cores": cores,
                "hours": round(core_hours / (nodes * cores), 1),
                "node_reads_mb_s": round(reads_mb_s, 1),
                "share_of_network": round(reads_mb_s / NETWORK_MB_S, 4),
            }
        )
    return {
        "pictures": MANY,
        "core_s_each": round(core_s, 4),
        "core_hours": round(core_hours),
        "cost": round(core_hours * result["price_core_hour"]),
        "terabytes_read": round(MANY * result["megabytes_each"] / 1e6, 2),
        "gigabytes_stored": round(MANY * result["bytes_stored_each"] / 1e9, 1),
        "rows": rows,
    }


def to_markdown(result: dict[str, Any]) -> str:
    about, planned = result["machine"], result["plan"]
    lines = [
        "# Many pictures",
        "",
        f"{about['date']}, {about['cores']} cores ({about['processor']}), Python {about['python']}, load "
        f"before: {about['load']}. {result['pictures']:,} pictures, {result['jobs']} processes, "
        f"{result['megabytes_each'] * 1000:.0f} kB each. Made by `python -m benchmarks.batch`.",
        "",
        f"| command | {FEW} pictures, s | all, s | beyond those, s | pictures/s |",
        "|---|---|---|---|---|",
        *(
            f"| `emotion {name}` | {run['few_s']} | {run['many_s']} | {run['rest_s']} | {run['pictures_s']} |"
            for name, run in (("analyze", result["analyze"]), ("batch", result["batch"]))
        ),
        "",
        f"After the start-up, `batch` takes {result['ratio']:.2f} times as long as `analyze`.",
        "",
        f"## {planned['pictures'] // 1_000_000} million pictures",
        "",
        f"{planned['core_s_each']:.3f} core-seconds each: {planned['core_hours']:,} core-hours, at "
        f"${result['price_core_hour']:.2f} for one (an assumption) ${planned['cost']:,}, whatever the number "
        f"of machines. Read: {planned['terabytes_read']} TB; stored: {planned['gigabytes_stored']} GB. The "
        f"command keeps {result['bytes_of_names_each']} bytes of names for each picture.",
        "",
        "| machines | cores of each | hours | a machine reads, MB/s | of 10 Gbit/s |",
        "|---|---|---|---|---|",
        *(
            f"| {row['nodes']} | {row['cores']} | {row['hours']:,} | {row['node_reads_mb_s']} "
            f"| {row['share_of_network']:.1%} |"
            for row in planned["rows"]
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
