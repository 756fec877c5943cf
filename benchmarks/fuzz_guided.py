"""Damaged input that seeks new ways through the code: Atheris, guided by the branches that are reached.

    pip install atheris                              # Linux, Python 3.11 to 3.13
    python -m benchmarks.fuzz_guided --seconds 60    # of each kind

It reads the kinds of :mod:`benchmarks.fuzz` whose code is Python, each in a process of its own, and starts
from their good inputs. Results go to benchmarks/results/fuzz_guided.{json,md}; inputs that fail are kept as
Atheris names them, ``crash-…`` or ``timeout-…``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
GUIDED = ("config", "csv", "payload", "prior", "request", "token", "frame", "picture")
PATIENCE_S = 20
MOST_MB = 2000


def main() -> int:
    """Fuzz each kind, print, and write the result files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=GUIDED, default=list(GUIDED))
    parser.add_argument("--seconds", type=int, default=60, help="for each kind")
    parser.add_argument("--kind", choices=GUIDED, help=argparse.SUPPRESS)
    args, rest = parser.parse_known_args()
    if args.kind:
        fuzz(args.kind, rest)
        return 0
    report: dict[str, Any] = {"machine": machine(), "seconds": args.seconds, "kinds": {}}
    for kind in args.only:
        report["kinds"][kind] = found = run(kind, args.seconds)
        print(kind, found, flush=True)
    if args.only == list(GUIDED) and args.seconds >= 60:
        (RESULTS / "fuzz_guided.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        (RESULTS / "fuzz_guided.md").write_text(to_markdown(report), "utf-8")
    return int(any(kind["failed"] for kind in report["kinds"].values()))


def run(kind: str, seconds: int) -> dict[str, Any]:
    """Fuzz one kind in a process of its own: inputs, branches reached, and what was said if it failed."""
    limits = [f"-max_total_time={seconds}", f"-timeout={PATIENCE_S}", f"-rss_limit_mb={MOST_MB}"]
    command = [sys.executable, "-m", "benchmarks.fuzz_guided", "--kind", kind, *limits]
    with tempfile.TemporaryDirectory() as corpus:
        done = subprocess.run([*command, corpus], cwd=ROOT, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    progress = [line for line in lines if re.match(r"#\d+", line)]
    tried = int(re.findall(r"#(\d+)", progress[-1])[0]) if progress else 0
    covered = re.findall(r"cov: (\d+)", done.stderr)
    return {
        "inputs": tried,
        "branches": int(covered[-1]) if covered else 0,
        "failed": "\n".join(lines[-12:]) if done.returncode or not tried else "",
    }


def fuzz(kind: str, options: list[str]) -> None:
    """Read inputs of one kind until Atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=["emotion", "handler"]):
        from benchmarks.fuzz import KINDS
        from emotion.errors import EmotionError

    corpus, folder = Path(options[-1]), Path(tempfile.mkdtemp())
    for number, seed in enumerate(KINDS[kind].seeds()):
        (corpus / f"good-{number}").write_bytes(seed)

    def read(data: bytes) -> None:
        try:
            KINDS[kind].read(data, folder)
        except EmotionError as error:
            if not str(error).strip():
                raise RuntimeError("refused without a word") from error

    atheris.Setup([sys.argv[0], *options], read)
    atheris.Fuzz()


def to_markdown(report: dict[str, Any]) -> str:
    kinds, about = report["kinds"], report["machine"]
    total = sum(kind["inputs"] for kind in kinds.values())
    rows = [
        f"| {name} | {kind['inputs']:,} | {kind['branches']:,} | {'yes' if kind['failed'] else 'none'} |"
        for name, kind in kinds.items()
    ]
    lines = [
        "# Damaged input, guided",
        "",
        f"{about['date']}, made by `python -m benchmarks.fuzz_guided`: {total:,} inputs in "
        f"{report['seconds']} seconds for each kind.",
        "",
        "| read | inputs | branches reached | failures |",
        "|---|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
