"""Figures of a network as HTML: the headline, the confusion matrix and the tables of the model tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from emotion.metrics import weakest_class
from emotion.weights import ModelSpec

__all__ = [
    "architectures_html",
    "class_table_html",
    "confusion_html",
    "headline_html",
    "robustness_html",
]


def headline_html(spec: ModelSpec, metrics: Mapping[str, Any]) -> str:
    """The figures to know first, each with what it means.

    Args:
        spec: Of the weights.
        metrics: From :func:`emotion.evaluation.evaluate`.
    """
    weakest = weakest_class(metrics["per_class"])
    shown = metrics["shown"]
    cards = [
        (
            f"{metrics['accuracy']:.1%}",
            "agrees with FER-2013",
            f"of {metrics['n']:,} faces it never learned from; people agree on 65 ± 5 %"
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
    items = "".join(
        f"<li><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(meaning)}</small></li>"
        for value, name, meaning in cards
    )
    return f"<ul class='model-cards'>{items}</ul>"


def _of_the_app(shown: float, head: float) -> str:
    """What the app's mix of both heads scores, where that is another figure than one head's."""
    return "" if shown == head else f"; the app's mix of heads: {shown:.0%}"


def confusion_html(metrics: Mapping[str, Any]) -> str:
    """The confusion matrix: each row is a label, each column an answer, cells are shares of the row."""
    labels = metrics["labels"]
    rows = ""
    for label, counts in zip(labels, metrics["confusion_matrix"], strict=True):
        total = max(sum(counts), 1)
        cells = "".join(
            f"<td style='--share:{count / total:.3f}'{' class=strong' if 2 * count > total else ''} "
            f"title='{count:,} of {total:,} faces labelled {escape(label)}'>{count / total:.0%}</td>"
            for count in counts
        )
        rows += f"<tr><th scope='row'>{escape(label)}</th>{cells}</tr>"
    return _table(
        "What it answers (columns) to faces of each label (rows)",
        ["", *labels],
        rows,
        kind="model-confusion",
    )


def class_table_html(spec: ModelSpec, metrics: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of each expression, with the number of faces behind them."""
    learned: Mapping[str, int] = spec.training.get("faces_per_class", {})
    rows = ""
    for label, figures in metrics["per_class"].items():
        values = [f"{figures[key]:.0%}" for key in ("precision", "recall", "f1")]
        values.append(f"{figures['support']:,}")
        if learned:
            values.append(f"{learned[label]:,}")
        rows += _row(label, values)
    columns = ["", "precision", "recall", "F1", "faces measured"]
    return _table("Each expression", [*columns, *(["faces learned from"] if learned else [])], rows)


def robustness_html(robustness: Mapping[str, Any]) -> str:
    """Accuracy on changed faces, and what it keeps of the accuracy on unchanged ones."""
    plain = robustness["unchanged"]
    named = {"unchanged": plain, **robustness["changed"]}
    named["mean of ten views (not used by the app)"] = robustness["ten_crop"]
    rows = ""
    for name, figures in named.items():
        values = [f"{figures['accuracy']:.1%}", f"{figures['accuracy'] / plain['accuracy']:.0%}"]
        if plain["ferplus"]:
            values.append(f"{figures['ferplus']:.1%}")
        rows += _row(name, values)
    columns = ["faces", "accuracy", "kept", *(["FER+"] if plain["ferplus"] else [])]
    return _table("When the picture gets worse", columns, rows)


def architectures_html(architectures: Sequence[Mapping[str, Any]]) -> str:
    """This network beside the earlier designs; see ``benchmarks/architectures.py``."""
    rows = ""
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
        rows += _row(design["architecture"], values, about=design["about"])
    columns = ["accuracy", "as int8 file", "weakest recall", "parameters", "size"]
    columns += ["time per face", "trained for"]
    return _table("Beside the earlier designs, on the same faces", ["", *columns], rows)


def _row(name: str, values: Sequence[str], *, about: str = "") -> str:
    cells = "".join(f"<td>{escape(value)}</td>" for value in values)
    note = f"<small>{escape(about)}</small>" if about else ""
    return f"<tr><th scope='row'>{escape(name)}{note}</th>{cells}</tr>"


def _table(caption: str, columns: Sequence[str], rows: str, *, kind: str = "") -> str:
    head = "".join(
        f"<th scope='col'>{escape(column)}</th>" if column else "<td></td>" for column in columns
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(caption)}'>"
        f"<table class='model-table {kind}'><caption><span>{escape(caption)}</span></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
