"""Bring your own network: make a weights folder from a Keras file.

The file may be old: HDF5 (.h5, .hdf5) from Keras 1 or 2, .keras, or weights beside an architecture JSON. You
say in which order it names the expressions and how its pictures were prepared; the rest is found out by
loading it. Code in the file is never run. Afterwards --weights FOLDER works everywhere.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from emotion.commands import no_chatter
from emotion.errors import WeightsError
from emotion.preprocess import Normalisation

__all__ = ["add_arguments", "run"]

MEANING = """
normalisation, with x the grey value 0 to 255:
  unit         x / 255
  signed       (x / 255 - 0.5) * 2
  raw          x
  standardise  (x - mean of the face) / standard deviation of the face
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion describe``."""
    parser.epilog = MEANING
    parser.add_argument("file", type=Path, metavar="FILE", help="the network, or its weights only")
    parser.add_argument(
        "--architecture",
        type=Path,
        metavar="JSON",
        help="what model.to_json() wrote, if FILE has none",
    )
    parser.add_argument(
        "--labels",
        required=True,
        help="angry,disgust,fear,happy,sad,surprise,neutral in the order of the outputs",
    )
    parser.add_argument(
        "--normalisation", required=True, choices=[str(how) for how in Normalisation]
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")


def run(args: argparse.Namespace) -> int:
    """Write the folder and say what was found."""
    from emotion.training.import_keras import import_keras, read_labels

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    labels = read_labels(args.labels)
    try:
        with no_chatter():
            spec = import_keras(
                args.file,
                args.out,
                labels=labels,
                normalisation=Normalisation(args.normalisation),
                architecture=args.architecture,
            )
    except ModuleNotFoundError as error:
        raise WeightsError(
            f'Keras networks need {error.name}: pip install "emotion[train]", or pip install -r '
            "requirements.txt in a clone."
        ) from error
    print(f"Wrote {args.out}: {spec.input_size}-pixel grey faces, {spec.activation}.")
    print(f"Try it:     python -m emotion analyze PICTURE --weights {args.out}")
    print(f"Measure it: python evaluate.py --data FACES --weights {args.out}")
    print(f"Speed it up: python -m emotion export {args.out} --to litert --out FOLDER")
    return 0
