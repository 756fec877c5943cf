"""The model card of a weights folder, in the Hugging Face format, from its measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from emotion.weights.figures import headline_figures

__all__ = ["model_card"]


def model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown with a ``model-index`` front matter.

    Args:
        config: The contents of ``config.json``.
        metrics: From :func:`emotion.training.evaluation.evaluate` on the validation split.
    """
    return f"---\n{_front_matter(config, metrics)}\n---\n\n{_body(config, metrics)}"


def _front_matter(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """What the app shows first, then the head that was trained for each benchmark."""
    shown = metrics["shown"]
    results = [("fer2013", "FER-2013 (PublicTest)", shown["accuracy"], metrics["accuracy"])]
    if metrics["ferplus"]:
        pair = (shown["ferplus"]["accuracy"], metrics["ferplus"]["accuracy"])
        results.append(("ferplus", "FER+ (PublicTest, majority)", *pair))
    data = ModelCardData(
        license=config["licence"].lower(),
        library_name="keras",
        pipeline_tag="image-classification",
        tags=["facial-expression-recognition", "fer2013", "litert"],
        model_name=config["name"],
        eval_results=[
            EvalResult(
                task_type="image-classification",
                task_name="Facial expression recognition",
                dataset_type=identity,
                dataset_name=name,
                dataset_split="validation",
                metric_type="accuracy",
                metric_name=f"accuracy of {what}",
                metric_value=round(value, 4),
            )
            for identity, name, own, head in results
            for what, value in (("what the app shows", own), ("its own head", head))
        ],
    )
    return str(data.to_yaml())


def _headline(metrics: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {figure.name} | {figure.text(figure.shown)} | {figure.text(figure.head)} |"
        for figure in headline_figures(metrics)
    )
    return f"| measured on | what the app shows | its own head |\n|---|---|---|\n{rows}\n"


def _classes(metrics: Mapping[str, Any]) -> str:
    """Posed labels: what of each expression is found."""
    shown = metrics["shown"]["per_class"]
    rows = "\n".join(
        f"| {name} | {shown[name]['recall']:.0%} | {shown[name]['precision']:.0%} | "
        f"{shown[name]['f1']:.3f} | {head['recall']:.0%} | {head['support']:,} |"
        for name, head in metrics["per_class"].items()
    )
    return f"""By FER-2013's labels, most of them posed:

| expression | found | precision | F1 | found by the head alone | faces |
|---|---|---|---|---|---|
{rows}
"""


def _natural(metrics: Mapping[str, Any]) -> str:
    """Natural votes: what is found of each expression that most of ten people saw."""
    if not metrics["shown"]["ferplus"]:
        return ""
    rows = "\n".join(
        f"| {name} | {own['recall']:.0%} | {own['precision']:.0%} | {own['support']:,} |"
        for name, own in metrics["shown"]["ferplus"]["per_class"].items()
    )
    return f"""By the majority of FER+, as people see the same faces:

| expression | found | precision | faces |
|---|---|---|---|
{rows}
"""


def _coverage(metrics: Mapping[str, Any]) -> str:
    """What is left, and how often it is right, if the least sure answers are left out."""
    shown, sure = metrics["shown"], metrics["shown"]["sure"]
    votes = {p["threshold"]: p["accuracy"] for p in (shown["ferplus"] or {}).get("coverage", [])}
    rows = "\n".join(
        f"| {point['threshold']:.0%} | {point['coverage']:.0%} | {point['accuracy']:.1%} | "
        f"{votes[point['threshold']]:.1%} |"
        if point["threshold"] in votes
        else f"| {point['threshold']:.0%} | {point['coverage']:.0%} | {point['accuracy']:.1%} | |"
        for point in shown["coverage"][::2]
    )
    share = "" if sure["accuracy"] is None else f", of which {sure['accuracy']:.0%} are labelled so"
    if sure["ferplus"] is not None:
        share += f" and {sure['ferplus']:.0%} meet the majority where there is one"
    return f"""## When it is sure

From a probability of {sure["above"]:.0%} on, the app calls an answer sure: {sure["coverage"]:.0%} of the
validation faces{share}. Otherwise it names the two
most probable expressions.

| answers from | share of faces | right by FER-2013's labels | right by FER+'s majority |
|---|---|---|---|
{rows}
"""


def _robustness(robustness: Mapping[str, Any]) -> str:
    plain, ten = robustness["unchanged"], robustness["ten_crop"]
    rows = "\n".join(
        f"| {name} | {figures['accuracy']:.1%} | {figures['accuracy'] / plain['accuracy']:.0%} |"
        for name, figures in robustness["changed"].items()
    )
    return f"""## When the picture gets worse

The same faces, changed; accuracy of the head on FER-2013 labels, and the share kept of the
{plain["accuracy"]:.1%} on unchanged faces. Covered means grey. The mean over ten views of a face (four
corners, the centre, and their mirrors) would give {ten["accuracy"]:.1%}; the app uses one view, ten times
faster.

| faces | accuracy | kept |
|---|---|---|
{rows}
"""


def _rows(config: Mapping[str, Any]) -> str:
    """What the columns of the first table are."""
    if "ferplus" not in config["outputs"]:
        return "The network has one head, for FER-2013's labels, which is what the app shows."
    share = config["training"]["label_share"]
    return f"""The network has a head for FER-2013's labels and one for the votes of the ten people of
FER+. What the app shows is a linear map of both, fitted on validation with {share:.0%} of the weight on the
labels (each expression alike) and the rest on the votes. The two pull apart: FER-2013's pictures were found
by searching for a word, many are posed, and people call many of them neutral. More of the labels finds more
acted fear and disgust; more of the votes leaves everyday faces neutral. Each benchmark's own head, in the
last column, shows what is possible for it alone."""


def _recipe(training: Mapping[str, Any]) -> str:
    """Where the recipe stands, and what it does not say."""
    others = []
    if training.get("start_from"):
        others.append("They are those of the last stage: it went on from an earlier run.")
    if training.get("teacher") or training.get("soft_targets"):
        others.append("The targets include other networks' answers.")
    if others:
        others.append("The repository's docs/experiments.md describes them all.")
    return " ".join(["The settings are in `config.json`.", *others])


def _extremes(per_class: Mapping[str, Mapping[str, float]]) -> str:
    """Which expressions are read best and worst."""
    names = sorted(per_class, key=lambda name: per_class[name]["f1"])
    worst, second, *_, almost, best = names
    return f"{worst} and {second} are read least reliably, {almost} and {best} most"


def _body(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    training = config["training"]
    changed = _robustness(metrics["robustness"]) if "robustness" in metrics else ""
    return f"""# {config["name"]}: facial expressions from a {config["input_size"]}-pixel grey face

A convolutional network of {training["parameters"]:,} parameters that reads which of seven expressions
a face shows: {", ".join(config["labels"])}. It reads what a face shows, not what a person feels.

## How good it is

Measured on the validation split (PublicTest) with the LiteRT file that the app runs, one view per face. What
is shown, and each temperature, was fitted on the same split.

{_headline(metrics)}
{_rows(config)} People agree with FER-2013's labels 65 ± 5 % of the time.

{_classes(metrics)}
{_natural(metrics)}
{_coverage(metrics)}
{changed}
## How it is built

![The layers and their shapes: height x width x channels](architecture.png)

Batch normalisation, activations and dropout are not drawn; `summary.txt` lists every layer.

## How it was made

Trained on: {config["data"]}. {_recipe(training)} The figures on the way are in `history.json`. FER-2013
(Goodfellow et al., 2013) was collected from the web for research; FER+ (Barsoum et al., 2016) is under the
MIT licence.

## What it is for, and what not

For demonstrations, teaching, art, accessibility experiments and research, on pictures of people who know
about it. Not for decisions about people: no hiring, proctoring, policing, insurance, lie detection or
medical use, and no monitoring at workplaces or schools, which the European Union's AI Act forbids.

Not measured:

- whether it is as good for people of every age, sex and skin colour: FER-2013 has no such labels;
- faces seen from the side, and children;
- video: that frames of one face agree, and that a changing face is followed;
- what people feel: nothing here knows.

Of the expressions, {_extremes(metrics["shown"]["per_class"])}, and a posed or an ambiguous face has no right
answer: look at all seven probabilities.
"""
