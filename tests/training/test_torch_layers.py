"""The fast layers give what Keras's own give. Needs PyTorch, so it runs in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest
from support.places import ROOT

COMPARE = """
import numpy as np
from keras import layers
from emotion.training import torch_layers
from emotion.training.architectures import build
plain, fast = build("compact", size=None), build("compact", size=None, lib=torch_layers)
rng = np.random.default_rng(0)
weights = [rng.uniform(0.01, 1.0 if w.ndim == 1 else 0.03, w.shape) for w in plain.get_weights()]
for network in (plain, fast):
    network.set_weights(weights)
faces = rng.normal(size=(8, 40, 40, 1)).astype("float32")
for training in (False, True):
    for layer in (*plain.layers, *fast.layers):
        if isinstance(layer, (layers.Dropout, layers.SpatialDropout2D)):
            layer.rate = 0.0
    a, b = plain(faces, training=training), fast(faces, training=training)
    for one, two in zip(a, b):
        np.testing.assert_allclose(one.detach().numpy(), two.detach().numpy(), atol=2e-3, rtol=2e-3)
for one, two in zip(plain.get_weights(), fast.get_weights()):
    # Moving statistics too; PyTorch's variance is the unbiased one, 200/199 here.
    np.testing.assert_allclose(one, two, atol=2e-3, rtol=6e-3)
"""


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_fast_layers_agree_with_keras() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    result = subprocess.run(
        [sys.executable, "-c", COMPARE], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
