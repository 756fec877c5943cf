"""What is learned: labels, votes, teachers, soft targets from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.labelled_faces import voted_faces

from emotion.errors import TrainingError
from emotion.training import targets
from emotion.training.targets import (
    Targets,
    blend,
    class_weights,
    log_prior,
    make_targets,
    read_soft_targets,
    teacher_targets,
)

FACES = voted_faces(70)


def soft(count: int = 70) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "labels": rng.dirichlet(np.ones(7), count).astype(np.float32),
        "votes": rng.dirichlet(np.ones(8), count).astype(np.float32),
    }


def test_labels_are_smoothed_and_votes_divided() -> None:
    plain = make_targets(FACES, 0.07)
    np.testing.assert_allclose(plain.labels.sum(axis=1), 1.0, atol=1e-6)
    assert plain.labels[0].max() == pytest.approx(0.94)
    assert (plain.labels.argmax(axis=1) == FACES.labels).all()
    np.testing.assert_allclose(plain.votes.max(axis=1), 1.0)  # nine agree, the tenth does not know


def test_a_blend_lies_between_and_leaves_faces_without_votes_alone() -> None:
    plain, other = make_targets(FACES, 0.1), Targets(**soft())
    plain.votes[0] = 0.0
    other.votes[1] = 0.0
    both = blend(plain, other, 0.25)
    np.testing.assert_allclose(both.labels, 0.75 * plain.labels + 0.25 * other.labels, atol=1e-6)
    assert not both.votes[0].any()
    np.testing.assert_array_equal(both.votes[1], plain.votes[1])
    np.testing.assert_allclose(
        both.votes[2:], 0.75 * plain.votes[2:] + 0.25 * other.votes[2:], atol=1e-6
    )


def test_teachers_are_asked_about_both_mirror_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped network and one that always says the same: the mean of all four answers."""
    shipped = teacher_targets(["compact"], FACES)
    np.testing.assert_allclose(shipped.labels.sum(axis=1), 1.0, atol=1e-5)
    assert not shipped.votes[:, 7].any()  # no teacher answers contempt
    own = targets.all_outputs
    calls = []

    def outputs(classifier: object, images: np.ndarray) -> dict[str, np.ndarray]:
        calls.append(images)
        if len(calls) > 2:
            return {"shown": np.full((70, 7), 1 / 7, np.float32)}
        return own(classifier, images)  # type: ignore[arg-type]

    monkeypatch.setattr(targets, "all_outputs", outputs)
    both = teacher_targets(["compact", "compact"], FACES)
    np.testing.assert_array_equal(calls[1], calls[0][:, :, ::-1])
    np.testing.assert_allclose(both.labels, (shipped.labels + 1 / 7) / 2, atol=1e-5)
    np.testing.assert_allclose(both.votes, shipped.votes, atol=1e-6)  # of the one that has a head


def test_soft_targets_come_from_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "soft.npz", **soft())
    read = read_soft_targets(tmp_path / "soft.npz", 70)
    np.testing.assert_array_equal(read.labels, soft()["labels"])
    np.testing.assert_array_equal(read.select(np.array([3, 1])).votes, soft()["votes"][[3, 1]])


@pytest.mark.parametrize(
    "kind", ["missing", "text", "no votes", "rows", "columns", "sums", "negative"]
)
def test_other_files_are_refused(kind: str, tmp_path: Path) -> None:
    path, arrays = tmp_path / "soft.npz", soft()
    if kind == "no votes":
        del arrays["votes"]
    elif kind == "rows":
        arrays = soft(69)
    elif kind == "columns":
        arrays["votes"] = arrays["labels"]
    elif kind == "sums":
        arrays["labels"] *= 2
    elif kind == "negative":
        arrays["labels"][0, :2] += np.array([-2.0, 2.0], np.float32)
    if kind == "text":
        path.write_text("labels")
    elif kind != "missing":
        np.savez(path, **arrays)
    with pytest.raises(
        TrainingError, match=r"must be an \.npz file with labels \(70, 7\).*Received"
    ):
        read_soft_targets(path, 70)


def test_weights_of_classes_balance_their_frequencies() -> None:
    labels = np.repeat(np.arange(7), [10, 2, 10, 30, 20, 10, 18])
    weights = class_weights(labels, 1.0)
    shares = np.bincount(labels) / 100
    np.testing.assert_allclose(weights * shares, 1 / 7, rtol=1e-5)
    np.testing.assert_allclose(class_weights(labels, 0.0), 1.0)
    np.testing.assert_allclose(np.exp(log_prior(labels)), shares, rtol=1e-5)
