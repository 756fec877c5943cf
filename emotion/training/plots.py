"""Figures of a measured network: confusion matrix, reliability diagram, training curves.

Drawn by matplotlib from the plain values of ``metrics.json`` and ``history.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # draws into files; needs no screen

import numpy as np
from matplotlib import pyplot

__all__ = ["plot_confusion", "plot_curves", "plot_reliability"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"


def plot_confusion(metrics: Mapping[str, Any], path: Path) -> None:
    """Draw the confusion matrix as shares of each label, with the counts below.

    Args:
        metrics: From :func:`emotion.training.evaluation.evaluate`.
        path: Where to write; the suffix (.png, .svg) chooses the format.
    """
    counts = np.asarray(metrics["confusion_matrix"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = pyplot.subplots(figsize=(7, 6.2), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{share:.0%}\n{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if share > 0.5 else "black",
        )
    ticks = range(len(metrics["labels"]))
    axes.set_xticks(ticks, metrics["labels"])
    axes.set_yticks(ticks, metrics["labels"])
    axes.set_xlabel("what the network says")
    axes.set_ylabel("label in FER-2013")
    axes.set_title(f"{metrics['accuracy']:.1%} of {metrics['n']:,} faces agree with the label")
    _save(figure, path)


def plot_reliability(metrics: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy over confidence; a calibrated network lies on the diagonal."""
    bins = metrics["reliability"]
    figure, axes = pyplot.subplots(figsize=(5.6, 5.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    axes.bar(
        [b["lower"] for b in bins],
        [b["accuracy"] for b in bins],
        width=[b["upper"] - b["lower"] for b in bins],
        align="edge",
        color=BLUE,
        alpha=0.35,
        edgecolor=BLUE,
        label="share of faces read as labelled",
    )
    largest = max(b["count"] for b in bins)
    axes.scatter(
        [b["confidence"] for b in bins],
        [b["accuracy"] for b in bins],
        s=[15 + 120 * b["count"] / largest for b in bins],
        color=ORANGE,
        zorder=3,
        label="mean confidence (size: number of faces)",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
    axes.set_title(f"Expected calibration error {metrics['ece']:.3f} (15 bins)")
    axes.legend(loc="upper left", frameon=False)
    _save(figure, path)


def plot_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss and accuracy over the epochs of training."""
    epochs = [h.get("epoch", number) for number, h in enumerate(history, start=1)]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(epochs, [h["loss"] for h in history], color=GREY, label="training (both heads)")
    left.plot(epochs, _series(history, "validation_loss"), color=BLUE, label="validation")
    left.set(xlabel="epoch", ylabel="loss (nats)")
    for key, colour, label in (
        ("training_accuracy", GREY, "FER-2013, training faces"),
        ("accuracy", BLUE, "FER-2013, validation"),
        ("ferplus", ORANGE, "FER+ strict majority, validation"),
    ):
        if key in history[-1]:
            right.plot(epochs, _series(history, key), color=colour, label=label)
    right.set(xlabel="epoch", ylabel="accuracy")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(alpha=0.2)
    _save(figure, path)


def _series(history: Sequence[Mapping[str, float]], key: str) -> list[float]:
    """One figure over the epochs, with gaps where an epoch did not measure it."""
    return [epoch.get(key, float("nan")) for epoch in history]


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
