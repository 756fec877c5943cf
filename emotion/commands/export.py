"""Write weights in another format: architecture JSON with .h5, LiteRT, LiteRT int8, ONNX.

The folder gets a config.json with the order of the labels and the normalisation. JSON and
LiteRT folders work with --weights FOLDER. Needs what training needs: pip install "emotion[train]"; for ONNX
also "emotion[onnx]".
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from emotion.commands import no_chatter
from emotion.errors import TrainingError
from emotion.weights.files import FORMATS
from emotion.weights.find import find_weights

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion export``."""
    parser.add_argument("weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument(
        "--to", choices=FORMATS, required=True, metavar="FORMAT", help=f"{', '.join(FORMATS)}"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument(
        "--calibration",
        metavar="FACES",
        help="a .parquet file of labelled faces, or data as for train.py; litert-int8 needs hundreds",
    )


def run(args: argparse.Namespace) -> int:
    """Convert, and say what was written."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    source = find_weights(args.weights)
    try:
        with no_chatter():
            from emotion.training.datasets import read_parquet, read_split
            from emotion.training.export import export_weights
    except ModuleNotFoundError as error:
        raise TrainingError(
            f'Exports need {error.name}: pip install "emotion[train]", or pip install -r requirements.txt '
            "in a clone."
        ) from error
    faces = None
    if args.calibration:
        path = Path(args.calibration)
        one_file = path.suffix.lower() == ".parquet"
        faces = (read_parquet(path) if one_file else read_split(args.calibration, "train")).images
    with no_chatter():
        export_weights(source, args.to, args.out, faces=faces)
    for path in sorted(args.out.iterdir()):
        print(f"{path.stat().st_size:>12,}  {path}")
    return 0
