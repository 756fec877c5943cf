"""Figures that lie beside a network, for people to read: metrics, history, other designs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Figure", "headline_figures", "read_figures", "read_history", "weakest_class"]


def read_figures(path: Path, keys: Set[str]) -> list[dict[str, Any]]:
    """Read the objects of a JSON file of figures that lies beside a network.

    Other programs may use the same names for other figures, and a file may be cut short: both are ignored.

    Returns:
        The objects; none if the file cannot be read, or one of them lacks some of ``keys``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):
        return []
    rows = content if isinstance(content, list) else [content]
    return rows if all(isinstance(row, dict) and keys <= row.keys() for row in rows) else []


def read_history(folder: Path) -> list[dict[str, float]]:
    """Read the figures of each epoch from the ``history.json`` of a weights folder.

    Returns:
        The epochs; none if there is no such file, or one of another kind: Keras's own is one object of lists.
    """
    epochs = read_figures(folder / "history.json", {"loss"})
    figures = [figure for epoch in epochs for figure in epoch.values()]
    return epochs if all(isinstance(figure, int | float) for figure in figures) else []


def weakest_class(per_class: Mapping[str, Mapping[str, Any]]) -> str:
    """The name with the lowest recall, from the ``per_class`` figures of a ``metrics.json``.

    A class without faces has no recall.
    """
    present = [name for name, figures in per_class.items() if figures["support"]]
    return min(present, key=lambda name: float(per_class[name]["recall"]))


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a network, with which people compare what the app shows and the head made for it.

    Attributes:
        name: What is measured.
        shown: Of what the app shows; None where it was not measured.
        head: Of the head that was trained for these labels; None where there is none or it was not measured.
        share: Whether both are shares, for people to read as per cent.
    """

    name: str
    shown: float | None
    head: float | None
    share: bool = True

    def text(self, value: float | None) -> str:
        """Either of them, as people read it."""
        if value is None:
            return ""
        return f"{value:.1%}" if self.share else f"{value:.3f}"


def headline_figures(metrics: Mapping[str, Any]) -> list[Figure]:
    """The headline figures of a ``metrics.json``, in the order that card, README and model tab share.

    Args:
        metrics: From :func:`emotion.training.evaluation.evaluate`, of any age: what an older one lacks is
            None.
    """
    shown, faces = metrics["shown"], metrics["n"]
    recalls = [c["recall"] for c in metrics["per_class"].values() if c["support"]]
    found = [
        Figure(
            f"FER-2013 labels, accuracy ({faces:,} faces)", shown["accuracy"], metrics["accuracy"]
        ),
        Figure(
            "FER-2013 labels, mean recall", shown.get("mean_recall"), sum(recalls) / len(recalls)
        ),
    ]
    alone = metrics["accuracy_without_duplicates"]
    if alone is not None:
        found.append(Figure("FER-2013 labels, accuracy without duplicated images", None, alone))
    if metrics["ferplus"]:
        votes, own = metrics["ferplus"], shown["ferplus"]
        name = f"FER+ majority of ten people, accuracy ({votes['n']:,} faces)"
        found.append(Figure(name, own["accuracy"], votes["accuracy"]))
        found.append(Figure("FER+, recall of neutral", own.get("neutral_recall"), None))
        found.append(
            Figure("calibration error on FER+ (15 bins)", own.get("ece"), None, share=False)
        )
    found += [
        Figure("calibration error on labels (15 bins)", shown["ece"], metrics["ece"], share=False),
        Figure("macro F1 on labels", shown["macro_f1"], metrics["macro_f1"], share=False),
        Figure("negative log-likelihood of labels", shown["nll"], metrics["nll"], share=False),
    ]
    return [figure for figure in found if figure.shown is not None or figure.head is not None]
