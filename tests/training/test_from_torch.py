"""PyTorch weights in Keras: the same logits, and a refusal of anything else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.places import ROOT

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

from emotion.errors import TrainingError
from emotion.training.architectures import build
from emotion.training.from_torch import read_state, set_torch_weights

CHANNELS = (32, 64, 192, 384)


def torch_like_state(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What ``state_dict`` of scripts/torch_faces.py's student gives: PyTorch's names, orders and shapes."""
    state: dict[str, np.ndarray] = {}
    width, number = 1, 0
    for block, wider in enumerate(CHANNELS):
        number += block > 0
        for _ in range(2):
            name = f"features.{number}.weight"
            state[name] = rng.normal(0, 1 / (3 * width**0.5), (wider, width, 3, 3))
            for key in ("weight", "bias", "running_mean", "running_var"):
                state[f"features.{number + 1}.{key}"] = rng.uniform(0.5, 1.5, wider)
            state[f"features.{number + 1}.num_batches_tracked"] = np.array(9)
            width, number = wider, number + 3
    state["heads.weight"] = rng.normal(0, 0.1, (15, width))
    state["heads.bias"] = rng.normal(size=15)
    return {name: value.astype(np.float32) for name, value in state.items()}


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """PyTorch's 3×3 convolution with padding 1, by definition: (C, S, S) with (O, C, 3, 3)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("cyxij,ocij->oyx", windows, kernel, optimize=True)


def answers(state: dict[str, np.ndarray], face: np.ndarray) -> np.ndarray:
    """The 15 logits to one face (48, 48), worked out with NumPy in PyTorch's layout."""
    x, number = face[None], 0
    for block in range(len(CHANNELS)):
        if block:
            side = x.shape[1] // 2
            x = x.reshape(len(x), side, 2, side, 2).max(axis=(2, 4))
            number += 1
        for _ in range(2):
            x = convolved(x, state[f"features.{number}.weight"])
            gain, bias, mean, variance = (
                state[f"features.{number + 1}.{key}"][:, None, None]
                for key in ("weight", "bias", "running_mean", "running_var")
            )
            x = np.maximum((x - mean) / np.sqrt(variance + 1e-3) * gain + bias, 0)
            number += 3
    return state["heads.weight"] @ x.mean(axis=(1, 2)) + state["heads.bias"]


def keras_logits(network: Any, faces: np.ndarray) -> np.ndarray:
    heads = network(faces[..., None], training=False)
    return np.concatenate([np.asarray(head) for head in heads], axis=1)


def test_keras_answers_as_the_same_numbers_do_in_pytorchs_layout() -> None:
    rng = np.random.default_rng(0)
    state = torch_like_state(rng)
    faces = rng.normal(size=(2, 48, 48)).astype(np.float32)
    network = build("compact")
    set_torch_weights(network, state)
    expected = np.stack([answers(state, face) for face in faces])
    np.testing.assert_allclose(keras_logits(network, faces), expected, rtol=1e-3, atol=1e-3)


def test_keras_answers_as_pytorch_itself(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not needed to run anything here")
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from torch_faces import STUDENT, FaceNetwork
    finally:
        sys.path.pop(0)
    theirs = FaceNetwork(*STUDENT).eval()
    torch.save(theirs.state_dict(), tmp_path / "student.pt")
    faces = np.random.default_rng(0).normal(size=(3, 48, 48)).astype(np.float32)
    network = build("compact")
    set_torch_weights(network, read_state(tmp_path / "student.pt"))
    with torch.no_grad():
        expected = theirs(torch.from_numpy(faces)[:, None]).numpy()
    np.testing.assert_allclose(keras_logits(network, faces), expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["shape", "missing", "more", "architecture"])
def test_weights_of_another_network_are_refused(kind: str) -> None:
    state = torch_like_state(np.random.default_rng(0))
    if kind == "shape":
        state["heads.weight"] = state["heads.weight"][:14]
    elif kind == "missing":
        del state["features.0.weight"]
    elif kind == "more":
        state["features.99.weight"] = np.zeros((3, 3, 3, 3), np.float32)
    network = build("four_block" if kind == "architecture" else "compact")
    with pytest.raises(TrainingError, match="must be those of"):
        set_torch_weights(network, state)


def test_files_of_states(tmp_path: Path) -> None:
    state = torch_like_state(np.random.default_rng(0))
    np.savez(tmp_path / "student.npz", **state)
    back = read_state(tmp_path / "student.npz")
    assert list(back) == list(state)
    (tmp_path / "text.npz").write_text("weights")
    for name in ("text.npz", "none.npz"):
        with pytest.raises(TrainingError, match=f"must be a state_dict.*{name}"):
            read_state(tmp_path / name)
