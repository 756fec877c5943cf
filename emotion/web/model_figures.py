"""Figures of a network as HTML: the headline, the confusion matrix and the tables of the model tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.web.render import render
from emotion.weights.config import ModelSpec
from emotion.weights.figures import weakest_class

__all__ = [
    "architectures_html",
    "class_table_html",
    "confusion_html",
    "headline_html",
    "robustness_html",
]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a table; with a ``share`` (0–1) it is coloured the stronger the larger that is."""

    text: str
    share: float | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table: its name, what is to be said about it, and its cells."""

    name: str
    cells: Sequence[_Cell]
    about: str = ""


def headline_html(spec: ModelSpec, metrics: Mapping[str, Any]) -> str:
    """The figures to know first, each with what it means.

    Args:
        spec: Of the weights.
        metrics: From :func:`emotion.training.evaluation.evaluate`.
    """
    weakest = weakest_class(metrics["per_class"])
    shown = metrics["shown"]
    cards = [
        (
            f"{metrics['accuracy']:.1%}",
            "agrees with FER-2013",
            f"of {metrics['n']:,} validation faces; people agree on 65 ± 5 %"
            + _of_the_app(shown["accuracy"], metrics["accuracy"]),
        )
    ]
    if metrics.get("ferplus"):
        votes = metrics["ferplus"]
        cards.append(
            (
                f"{votes['accuracy']:.1%}",
                "agrees with ten people",
                f"where most of them agree (FER+, {votes['n']:,} faces)"
                + _of_the_app(shown["ferplus"]["accuracy"], votes["accuracy"]),
            )
        )
    found = metrics["per_class"][weakest]["recall"]
    cards += [
        (
            f"{found:.0%}",
            f"of {weakest} found",
            "its weakest expression" + _of_the_app(shown["recall"][weakest], found),
        ),
        (f"{metrics['ece']:.3f}", "calibration error", "0 if its percentages were exact"),
    ]
    if "parameters" in spec.training:
        cards.append(
            (f"{spec.training['parameters'] / 1e6:.2f} M", "parameters", f"weights “{spec.name}”")
        )
    return render("model_cards", cards=cards)


def _of_the_app(shown: float, head: float) -> str:
    """What the app's mix of both heads scores, where that is another figure than one head's."""
    return "" if shown == head else f"; the app's mix of heads: {shown:.0%}"


def confusion_html(metrics: Mapping[str, Any]) -> str:
    """The confusion matrix: each row is a label, each column an answer, cells are shares of the row."""
    labels = metrics["labels"]
    rows = []
    for label, counts in zip(labels, metrics["confusion_matrix"], strict=True):
        total = max(sum(counts), 1)
        cells = [
            _Cell(f"{n / total:.0%}", n / total, f"{n:,} of {total:,} faces labelled {label}")
            for n in counts
        ]
        rows.append(_Row(label, cells))
    return _table(
        "What it answers (columns) to faces of each label (rows)",
        ["", *labels],
        rows,
        kind="model-confusion",
    )


def class_table_html(spec: ModelSpec, metrics: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of each expression, with the number of faces behind them."""
    learned: Mapping[str, int] = spec.training.get("faces_per_class", {})
    rows = []
    for label, figures in metrics["per_class"].items():
        values = [f"{figures[key]:.0%}" for key in ("precision", "recall", "f1")]
        values.append(f"{figures['support']:,}")
        if learned:
            values.append(f"{learned[label]:,}")
        rows.append(_row(label, values))
    columns = ["", "precision", "recall", "F1", "faces measured"]
    return _table("Each expression", [*columns, *(["faces learned from"] if learned else [])], rows)


def robustness_html(robustness: Mapping[str, Any]) -> str:
    """Accuracy on changed faces, and what it keeps of the accuracy on unchanged ones."""
    plain = robustness["unchanged"]
    named = {"unchanged": plain, **robustness["changed"]}
    named["mean of ten views (not used by the app)"] = robustness["ten_crop"]
    rows = []
    for name, figures in named.items():
        values = [f"{figures['accuracy']:.1%}", f"{figures['accuracy'] / plain['accuracy']:.0%}"]
        if plain["ferplus"]:
            values.append(f"{figures['ferplus']:.1%}")
        rows.append(_row(name, values))
    columns = ["faces", "accuracy", "kept", *(["FER+"] if plain["ferplus"] else [])]
    return _table("When the picture gets worse", columns, rows)


def architectures_html(architectures: Sequence[Mapping[str, Any]]) -> str:
    """This network beside the earlier designs; see ``benchmarks/architectures.py``."""
    rows = []
    for design in architectures:
        values = [
            f"{design['accuracy']:.1%}",
            f"{design['int8_accuracy']:.1%}",
            f"{design['weakest']['recall']:.0%} ({design['weakest']['expression']})",
            f"{design['parameters'] / 1e6:.2f} M",
            f"{design['bytes'] / 1e6:.1f} MB",
            f"{design['relative_time']:.1f} ×",
            f"{design['epochs']} epochs, {design['optimizer']}",
        ]
        rows.append(_row(design["architecture"], values, about=design["about"]))
    columns = ["accuracy", "as int8 file", "weakest recall", "parameters", "size"]
    columns += ["time per face", "trained for"]
    return _table("Beside the earlier designs, on the same faces", ["", *columns], rows)


def _row(name: str, values: Sequence[str], *, about: str = "") -> _Row:
    return _Row(name, [_Cell(value) for value in values], about)


def _table(caption: str, columns: Sequence[str], rows: Sequence[_Row], *, kind: str = "") -> str:
    return render("model_table", caption=caption, columns=columns, rows=rows, kind=kind)
