"""Publish trained weights, or the app as a Space, on a Hugging Face Hub.

Nothing is sent with --dry-run: it lists exactly what would be. HF_TOKEN must hold a token that may write.
New Gradio Spaces need a paid plan or ZeroGPU; duplicating an existing one is free.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from emotion.publishing import space_uploads, upload, weights_uploads
from emotion.weights import find_weights

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
    """Send the files, or list them."""
    space = args.kind == "space"
    if space:
        uploads = space_uploads(Path.cwd(), args.weights)
    else:
        uploads = weights_uploads(find_weights(args.weights))
    for item in uploads:
        print(f"{len(item.content):>12,}  {item.path}")
    size = sum(len(item.content) for item in uploads)
    print(f"{size:>12,}  bytes in {len(uploads)} files for the {args.kind} {args.repository}")
    if args.dry_run:
        print("Nothing was sent (--dry-run).")
        return 0
    print(upload(uploads, args.repository, space=space, weights=args.weights if space else None))
    return 0
