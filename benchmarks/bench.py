"""What `make bench` runs: stages, network, start-up, and on request the peers.

    python -m benchmarks.bench --data validation.parquet            # minutes
    python -m benchmarks.bench --data validation.parquet --peers    # installs gigabytes; hours

Writes benchmarks/results/<date>-<commit>.json and .md. `--quick` measures little and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.network_rate import measure_network
from benchmarks.peers.compare import PEERS, compare_peers
from benchmarks.peers.compare import to_markdown as peers_table
from benchmarks.stages import STAGES, measure_stages
from benchmarks.start_up import measure_start_up
from emotion.classifier import load_classifier
from emotion.training.datasets import read_parquet

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def main() -> None:
    """Measure, print, and write the result files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--quick", action="store_true", help="a short try")
    parser.add_argument("--only", nargs="+", choices=("stages", "network", "start", "peers"))
    parser.add_argument(
        "--peers", nargs="*", choices=list(PEERS), help="compare with these, or with all"
    )
    parser.add_argument("--faces", type=int, default=750, help="faces that the peers read")
    parser.add_argument(
        "--environments",
        type=Path,
        default=Path.home() / ".cache" / "emotion-bench",
        help="where the peers are installed",
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    parts = args.only or [
        "stages",
        "network",
        "start",
        *(["peers"] if args.peers is not None else []),
    ]
    repeats, faces, classifier = 2 if args.quick else 50, read_parquet(args.data), load_classifier()
    result: dict[str, Any] = {"machine": machine(), "commit": commit(), "seed": args.seed}
    if "stages" in parts:
        result["stages"] = measure_stages(faces.images, classifier, repeats, args.seed)
    if "network" in parts:
        result["network"] = measure_network(classifier, repeats)
    if "start" in parts:
        result["start"] = measure_start_up(1 if args.quick else 5)
    if "peers" in parts:
        count = min(args.faces, 3) if args.quick else args.faces
        wanted = args.peers or list(PEERS)
        result["peers"] = compare_peers(wanted, faces, args.environments, count, args.seed)
    report = to_markdown(result)
    print(report)
    if not args.quick:
        path = RESULTS / f"{result['machine']['date']}-{result['commit']}"
        RESULTS.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(report, encoding="utf-8")


def commit() -> str:
    """The commit that is measured, with a mark where files were changed since."""
    words = ["git", "describe", "--always", "--abbrev=7", "--dirty"]
    return subprocess.run(
        words, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def to_markdown(result: dict[str, Any]) -> str:
    """The result as tables."""
    about = result["machine"]
    lines = [
        f"# Benchmark of {result['commit']}",
        "",
        f"{about['date']}, {about['cores']} cores ({about['processor']}), Python {about['python']}, load "
        f"before: {about['load']}. Made by `make bench`. Times are medians / 95th percentiles.",
    ]
    for part, table in (
        ("stages", _stages),
        ("network", _network),
        ("start", _start),
        ("peers", peers_table),
    ):
        if part in result:
            lines += ["", *table(result[part])]
    return "\n".join(lines) + "\n"


def _stages(stages: dict[str, Any]) -> list[str]:
    lines = [
        "## Stages, ms",
        "",
        f"| detector | picture | found | {' | '.join(STAGES)} |",
        "|---|---|---|" + "---|" * len(STAGES),
    ]
    for detector, scenes in stages.items():
        for scene, figures in scenes.items():
            cells = [f"{figures[s]['p50_ms']} / {figures[s]['p95_ms']}" for s in STAGES]
            lines.append(f"| {detector} | {scene} | {figures['found']} | {' | '.join(cells)} |")
    return lines


def _network(network: dict[str, Any]) -> list[str]:
    lines = [
        "## The network alone",
        "",
        f"{network['multiply_adds'] / 1e6:.1f} million multiply-adds a face; this processor does "
        f"{network['processor_gmac_s']} thousand million int8 ones a second in LiteRT.",
        "",
        "| faces | ms | thousand million a second | times the processor's floor |",
        "|---|---|---|---|",
    ]
    for name, row in network.items():
        if name.startswith("batch_"):
            times = f"{row['p50_ms']} / {row['p95_ms']}"
            cells = (name.removeprefix("batch_"), times, row["gmac_s"], row["times_the_floor"])
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _start(start: dict[str, Any]) -> list[str]:
    sizes = start["installed_mb"]
    return [
        "## Start",
        "",
        "| | seconds | peak memory, MB | installed, MB |",
        "|---|---|---|---|",
        f"| `import emotion` | {start['import']['seconds']} | {start['import']['peak_mb']} | |",
        f"| first picture read | {start['serving']['seconds']} | {start['serving']['peak_mb']} "
        f"| {sizes['serving']} |",
        f"| training: network loaded | {start['training']['seconds']} | {start['training']['peak_mb']} "
        f"| {sizes['training']} |",
        f"| app answers | {start['app_ready_s']} | | |",
    ]


if __name__ == "__main__":
    main()
