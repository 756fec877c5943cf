"""The model tab: how good the network is, where it errs, and what it must not be used for.

Everything shown is read from the files that lie beside the weights; nothing is computed or typed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from emotion.errors import EmotionError
from emotion.web.model_figures import (
    architectures_html,
    class_table_html,
    confusion_html,
    headline_html,
    robustness_html,
)
from emotion.web.pipelines import Pipelines
from emotion.weights.config import ModelSpec, read_spec
from emotion.weights.figures import read_figures, read_history
from emotion.weights.find import find_weights

__all__ = ["ModelFacts", "build_model_tab", "read_facts"]

CARD_SECTION = "What it is for, and what not"
"""The part of the model card that the tab repeats in full."""

CHART_HEIGHT = 320

METRICS = {
    "labels",
    "n",
    "accuracy",
    "per_class",
    "confusion_matrix",
    "reliability",
    "ece",
    "ferplus",
    "shown",
}
"""What a ``metrics.json`` of :func:`emotion.training.evaluation.evaluate` holds; others lack some."""

PLAIN: dict[str, Any] = {"apply_default_css": False, "padding": False}
"""Tables and lists look as ``model.css`` says, not as in running text."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What lies beside a network; empty where its makers left a file out or wrote another one.

    Attributes:
        spec: From ``config.json``.
        metrics: ``metrics.json``: figures on validation.
        history: ``history.json``: figures of each epoch of training.
        architectures: ``architectures.json``: figures of other designs beside this one.
        limits: The section of the model card that says what the network is for, as Markdown.
    """

    spec: ModelSpec
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    architectures: Sequence[Mapping[str, Any]]
    limits: str


def build_model_tab(pipelines: Pipelines) -> None:
    """Add the contents of the tab to the open ``gr.Tab``."""
    try:
        facts = read_facts(find_weights(pipelines.weights, runtime=pipelines.runtime))
    except EmotionError as error:
        gr.Markdown(f"Nothing is known about the weights: {error}")
        return
    if not facts.metrics:
        gr.Markdown(
            f"The weights **{facts.spec.name}** have no figures to show here (`metrics.json`), so this "
            "page cannot say how good they are. `python evaluate.py --data FILE --json metrics.json` "
            "measures them."
        )
    else:
        _measured(facts)
    if facts.limits:
        gr.Markdown(f"### {CARD_SECTION}\n\n{facts.limits}", elem_id="model-limits")


def read_facts(folder: Path) -> ModelFacts:
    """Read what lies in a weights folder beside the network.

    Raises:
        WeightsError: If its ``config.json`` is not valid.
    """
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    _, _, rest = text.partition(f"## {CARD_SECTION}\n")
    return ModelFacts(
        spec=read_spec(folder),
        metrics=next(iter(read_figures(folder / "metrics.json", METRICS)), {}),
        history=read_history(folder),
        architectures=read_figures(folder / "architectures.json", {"architecture", "weakest"}),
        limits=rest.split("\n## ")[0].strip(),
    )


def _measured(facts: ModelFacts) -> None:
    gr.HTML(headline_html(facts.spec, facts.metrics), elem_id="model-headline", **PLAIN)
    with gr.Row():
        with gr.Column(min_width=420):
            gr.HTML(confusion_html(facts.metrics), elem_id="model-confusion", **PLAIN)
        with gr.Column(min_width=320):
            gr.HTML(class_table_html(facts.spec, facts.metrics), elem_id="model-classes", **PLAIN)
    with gr.Row():
        _reliability_chart(facts.metrics)
        if facts.history:
            _accuracy_chart(facts.history)
            _loss_chart(facts.history)
    if "robustness" in facts.metrics:
        gr.HTML(robustness_html(facts.metrics["robustness"]), elem_id="model-robustness", **PLAIN)
    if facts.architectures:
        gr.HTML(architectures_html(facts.architectures), elem_id="model-architectures", **PLAIN)


def _reliability_chart(metrics: Mapping[str, Any]) -> None:
    """Accuracy over confidence; a calibrated network lies on the diagonal."""
    rows = [
        {"confidence": part["confidence"], "accuracy": part["accuracy"], "line": "this network"}
        for part in metrics["reliability"]
        if part["count"]
    ]
    rows += [{"confidence": p, "accuracy": p, "line": "perfectly calibrated"} for p in (0.0, 1.0)]
    gr.LinePlot(
        pd.DataFrame(rows),
        x="confidence",
        y="accuracy",
        color="line",
        color_map={"this network": "#0072B2", "perfectly calibrated": "#8C8C8C"},
        color_title=" ",
        x_lim=[0, 1],
        y_lim=[0, 1],
        title="Accuracy by confidence",
        height=CHART_HEIGHT,
        elem_id="model-reliability",
    )


def _accuracy_chart(history: Sequence[Mapping[str, float]]) -> None:
    names = {
        "training_accuracy": "training faces",
        "accuracy": "validation faces",
        "ferplus": "validation, FER+",
    }
    gr.LinePlot(
        _curves(history, names, "accuracy"),
        x="epoch",
        y="accuracy",
        color="measured on",
        color_map=dict(zip(names.values(), ("#8C8C8C", "#0072B2", "#D55E00"), strict=True)),
        title="Accuracy during training",
        height=CHART_HEIGHT,
        elem_id="model-accuracy",
    )


def _loss_chart(history: Sequence[Mapping[str, float]]) -> None:
    names = {"loss": "training (both heads)", "validation_loss": "validation"}
    gr.LinePlot(
        _curves(history, names, "loss"),
        x="epoch",
        y="loss",
        color="measured on",
        color_map=dict(zip(names.values(), ("#8C8C8C", "#0072B2"), strict=True)),
        title="Loss during training (nats)",
        height=CHART_HEIGHT,
        elem_id="model-loss",
    )


def _curves(
    history: Sequence[Mapping[str, float]], names: Mapping[str, str], value: str
) -> pd.DataFrame:
    """One row for each figure of each epoch, with gaps where an epoch did not measure it."""
    return pd.DataFrame(
        {"epoch": epoch.get("epoch", number), value: epoch[key], "measured on": name}
        for number, epoch in enumerate(history, start=1)
        for key, name in names.items()
        if key in epoch
    )
