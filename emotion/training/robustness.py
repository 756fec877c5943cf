"""What a network keeps of its accuracy when pictures get worse, and what ten views of a face would add.

Needed for training and evaluation only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emotion.classifier import Classifier
from emotion.training.datasets import FerDataset
from emotion.training.evaluation import all_outputs, ferplus_of

__all__ = ["CHANGES", "TEN_CROP_SHARE", "robustness"]

Picture = npt.NDArray[np.uint8]
"""One grey face: (S, S) uint8."""

TEN_CROP_SHARE = 0.92
"""Side of each of the ten cuts, as a share of the face: 44 of 48 pixels."""

MID_GREY = 128


def _mirrored(face: Picture) -> Picture:
    return np.ascontiguousarray(face[:, ::-1])


def _turned(face: Picture, degrees: float) -> Picture:
    centre = (face.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), degrees, 1.0)
    return _grey(cv2.warpAffine(face, matrix, face.shape[::-1], borderMode=cv2.BORDER_REPLICATE))


def _brightened(face: Picture, factor: float) -> Picture:
    return _grey(face * factor)


def _gamma(face: Picture, gamma: float) -> Picture:
    return _grey(255.0 * (face / 255.0) ** gamma)


def _blurred(face: Picture, sigma: float) -> Picture:
    return _grey(cv2.GaussianBlur(face, (0, 0), sigma))


def _compressed(face: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _grey(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def _covered(face: Picture, rows: slice, columns: slice) -> Picture:
    covered = face.copy()
    covered[rows, columns] = MID_GREY
    return covered


def _small(face: Picture, side: int) -> Picture:
    little = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return _grey(cv2.resize(little, face.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _grey(values: Any) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


ALL = slice(None)

CHANGES: Mapping[str, Callable[[Picture], Picture]] = {
    "mirrored": _mirrored,
    "turned 15° to the left": lambda face: _turned(face, 15.0),
    "turned 15° to the right": lambda face: _turned(face, -15.0),
    "half as bright": lambda face: _brightened(face, 0.5),
    "half brighter, clipped": lambda face: _brightened(face, 1.5),
    "gamma 0.5": lambda face: _gamma(face, 0.5),
    "gamma 2": lambda face: _gamma(face, 2.0),
    "blurred, σ = 1.5 pixels": lambda face: _blurred(face, 1.5),
    "JPEG of quality 30": lambda face: _compressed(face, 30),
    "24 pixels, enlarged": lambda face: _small(face, 24),
    "left half covered": lambda face: _covered(face, ALL, slice(None, face.shape[1] // 2)),
    "lower half covered": lambda face: _covered(face, slice(face.shape[0] // 2, None), ALL),
    "upper half covered": lambda face: _covered(face, slice(None, face.shape[0] // 2), ALL),
}
"""What is done to every face, by a name for people. Covered means filled with mid grey."""


def robustness(classifier: Classifier, data: FerDataset) -> dict[str, Any]:
    """Score a network on changed faces, each expression benchmark by its own output.

    Args:
        classifier: The network.
        data: Labelled faces of the size that the network takes.

    Returns:
        A JSON-ready dictionary: ``unchanged``, ``ten_crop`` and ``changed`` (by the names of
        :data:`CHANGES`), each ``{accuracy, ferplus}``; ``ferplus`` is null without votes. Ten-crop is
        the mean answer to the four corners and the centre of a face, enlarged, and their mirrors
        (Krizhevsky et al., 2012).
    """

    def score(probabilities: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, float | None]:
        shown = probabilities["shown"]
        chosen = probabilities.get("fer2013", shown).argmax(axis=1)
        ferplus = ferplus_of(probabilities.get("ferplus", shown), data)
        return {
            "accuracy": float((chosen == data.labels).mean()),
            "ferplus": ferplus["accuracy"] if ferplus else None,
        }

    changed = {
        name: score(all_outputs(classifier, np.stack([change(face) for face in data.images])))
        for name, change in CHANGES.items()
    }
    return {
        "unchanged": score(all_outputs(classifier, data.images)),
        "ten_crop": score(_ten_crop(classifier, data.images)),
        "changed": changed,
    }


def _ten_crop(
    classifier: Classifier, faces: npt.NDArray[np.uint8]
) -> dict[str, npt.NDArray[np.float32]]:
    """Mean probabilities of ten views, for each output: (N, 7) float32."""
    size = faces.shape[1]
    side = round(size * TEN_CROP_SHARE)
    last, middle = size - side, (size - side) // 2
    views = []
    for top, left in ((0, 0), (0, last), (last, 0), (last, last), (middle, middle)):
        cuts = faces[:, top : top + side, left : left + side]
        enlarged = np.stack(
            [_grey(cv2.resize(np.ascontiguousarray(c), (size, size))) for c in cuts]
        )
        views += [all_outputs(classifier, view) for view in (enlarged, enlarged[:, :, ::-1])]
    return {name: np.mean([view[name] for view in views], axis=0) for name in views[0]}
