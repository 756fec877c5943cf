"""Training steps a second with Keras's own layers and with our torch_layers, in turn, as a ratio.

    KERAS_BACKEND=torch python -m benchmarks.training_speed --json benchmarks/results/training_speed.json

Needs PyTorch (`pip install torch`). Both networks take the same steps on the same random faces.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

from emotion.training import torch_layers
from emotion.training.architectures import build

BATCH, SIZE, STEPS = 128, 40, 8


def network(lib: Any) -> Any:
    model = build("compact", size=None, lib=lib)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, use_ema=True),
        loss=[keras.losses.CategoricalCrossentropy(from_logits=True) for _ in model.outputs],
    )
    return model


def seconds(model: Any, inputs: Any, targets: list[Any]) -> float:
    begin = time.perf_counter()
    for _ in range(STEPS):
        model.train_on_batch(inputs, targets)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    keras.mixed_precision.set_global_policy(args.precision)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(BATCH, SIZE, SIZE, 1)).astype(np.float32)
    targets = [np.eye(n, dtype=np.float32)[rng.integers(0, n, BATCH)] for n in (7, 8)]
    plain, fused = network(keras.layers), network(torch_layers)
    for model in (plain, fused):
        seconds(model, inputs, targets)  # warm-up
    pairs = [
        (seconds(plain, inputs, targets), seconds(fused, inputs, targets))
        for _ in range(args.rounds)
    ]
    result = {
        "precision": args.precision,
        "images_per_second_keras_layers": BATCH * STEPS / statistics.median(a for a, _ in pairs),
        "images_per_second_torch_layers": BATCH * STEPS / statistics.median(b for _, b in pairs),
        "ratio_median": statistics.median(a / b for a, b in pairs),
        "ratio_min": min(a / b for a, b in pairs),
        "ratio_max": max(a / b for a, b in pairs),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
    }
    print(json.dumps(result, indent=2))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
