"""Publish trained weights, or the app as a Space, on a Hugging Face Hub.

Nothing is sent with --dry-run: it lists exactly what would be. HF_TOKEN must hold a token that may write.
New Gradio Spaces need a paid plan or ZeroGPU; duplicating an existing one is free.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion.publishing import stage_space, stage_weights, upload
from emotion.weights.find import find_weights

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion publish``."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    weights = kinds.add_parser("weights", help="a folder of weights as a model repository")
    weights.add_argument("weights", metavar="NAME", help="a folder, or a name in weights/")
    space = kinds.add_parser("space", help="the app as a Space; run it in the clone")
    space.add_argument("--weights", help="hf://owner/name@commit instead of the shipped weights")
    for kind in (weights, space):
        kind.add_argument("repository", metavar="OWNER/NAME")
        kind.add_argument("--dry-run", action="store_true", help="list what would be sent")


def run(args: argparse.Namespace) -> int:
    """List the files and send them, or only list them."""
    space = args.kind == "space"
    with TemporaryDirectory() as name:
        folder = Path(name)
        if space:
            stage_space(Path.cwd(), folder, args.weights)
        else:
            stage_weights(find_weights(args.weights), folder)
        sizes = {path: path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
        for path, size in sizes.items():
            print(f"{size:>12,}  {path.relative_to(folder).as_posix()}")
        total = sum(sizes.values())
        print(f"{total:>12,}  bytes in {len(sizes)} files for the {args.kind} {args.repository}")
        if args.dry_run:
            print("Nothing was sent (--dry-run).")
            return 0
        weights = args.weights if space else None
        print(upload(folder, args.repository, space=space, weights=weights))
    return 0
