"""What the two heads learn: labels and votes, with a share of what trained networks say."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.classifier import load_classifier
from emotion.errors import TrainingError
from emotion.training.datasets import FerDataset
from emotion.training.datasets.ferplus import FERPLUS_COLUMNS, FERPLUS_ORDER, vote_distribution
from emotion.training.evaluation import all_outputs
from emotion.types import Emotion

__all__ = [
    "Targets",
    "blend",
    "class_weights",
    "frequencies",
    "log_prior",
    "make_targets",
    "read_soft_targets",
    "teacher_targets",
]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """A distribution for each head and face.

    Attributes:
        labels: (N, 7) float32, in the order of :class:`Emotion`.
        votes: (N, 8) float32, in the order of the FER+ columns; all 0 where there are none.
    """

    labels: npt.NDArray[np.float32]
    votes: npt.NDArray[np.float32]

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Targets:
        """The targets of some faces, given as a mask or as row numbers."""
        return Targets(self.labels[rows], self.votes[rows])


def make_targets(data: FerDataset, smoothing: float) -> Targets:
    """Labels smoothed (Szegedy et al., 2016), and how the votes of FER+ divide."""
    labels = np.full((len(data), len(Emotion)), smoothing / len(Emotion), np.float32)
    labels[np.arange(len(data)), data.labels] += 1.0 - smoothing
    return Targets(labels, vote_distribution(data.votes))


def blend(targets: Targets, soft: Targets, share: float) -> Targets:
    """Give soft targets a share in what is learned (Hinton et al., 2015).

    People agree with 65 ± 5 % of FER-2013's labels; what a network learned from all of them steadies each.
    Faces without votes, or without soft ones, keep what they have.
    """
    labels = (1.0 - share) * targets.labels + share * soft.labels
    both = targets.votes.any(axis=1, keepdims=True) & soft.votes.any(axis=1, keepdims=True)
    votes = np.where(both, (1.0 - share) * targets.votes + share * soft.votes, targets.votes)
    return Targets(labels.astype(np.float32), votes.astype(np.float32))


def teacher_targets(teachers: list[str], data: FerDataset) -> Targets:
    """The mean of trained networks' answers to each face and its mirror image.

    They are asked once, before training. Votes are taught by those that have a head for them.

    Args:
        teachers: Weights, as ``--weights`` takes them.
        data: The training faces.
    """
    labels, votes = [], []
    for teacher in teachers:
        classifier = load_classifier(teacher)
        for images in (data.images, data.images[:, :, ::-1]):
            outputs = all_outputs(classifier, images)
            labels.append(outputs.get("fer2013", outputs["shown"]))
            if "ferplus" in outputs:
                votes.append(outputs["ferplus"])
    counted = np.zeros((len(data), len(FERPLUS_ORDER)), np.float32)  # they never answer contempt
    if votes:
        counted[:, FERPLUS_COLUMNS] = np.mean(votes, axis=0)
    return Targets(np.mean(labels, axis=0), counted)


def read_soft_targets(path: Path, faces: int) -> Targets:
    """Read soft targets that another program wrote, such as ``scripts/train_on_gpu.py``.

    Args:
        path: An ``.npz`` file with ``labels`` (N, 7) and ``votes`` (N, 8): distributions, one row for each
            face of the training split as it is read, faces that stand in other splits included.
        faces: N, the number of faces in that split.

    Raises:
        TrainingError: If the file is not like that.
    """
    must = f"Soft targets must be an .npz file with labels ({faces}, 7) and votes ({faces}, 8)"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            soft = Targets(stored["labels"].astype(np.float32), stored["votes"].astype(np.float32))
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{must}. Received: {path}, which cannot be read ({error})") from error
    shapes = (soft.labels.shape, soft.votes.shape)
    if shapes != ((faces, len(Emotion)), (faces, len(FERPLUS_ORDER))):
        raise TrainingError(
            f"{must}, one row for each face of the training split. "
            f"Received: {shapes[0]} and {shapes[1]} in {path}"
        )
    sums = np.concatenate([soft.labels.sum(axis=1), soft.votes.sum(axis=1)])
    whole = np.isclose(sums, 1.0, atol=1e-3) | (sums == 0.0)
    if not (whole.all() and soft.labels.any(axis=1).all() and soft.labels.min() >= 0.0):
        raise TrainingError(
            f"{must}; each row must be 0 or more and sum to 1 (votes may be all 0). "
            f"Received: sums from {sums.min():.3f} to {sums.max():.3f} in {path}"
        )
    return soft


def frequencies(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(7,) share of each expression among the labels; never 0, so that it has a logarithm."""
    counts = np.bincount(labels, minlength=len(Emotion))
    return np.maximum(counts / max(len(labels), 1), 1e-6)


def log_prior(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(7,) natural logarithm of how often each expression is the label."""
    return np.log(frequencies(labels)).astype(np.float32)


def class_weights(labels: npt.NDArray[np.int64], balance: float) -> npt.NDArray[np.float32]:
    """(7,) frequency to the power of −balance, 1 on average over the faces."""
    frequency = frequencies(labels)
    weights = frequency**-balance
    return np.asarray(weights / (weights * frequency).sum(), np.float32)
