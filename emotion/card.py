"""The model card of a weights folder, in the Hugging Face format, from its measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["model_card"]


def model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown with a ``model-index`` front matter.

    Args:
        config: The contents of ``config.json``.
        metrics: From :func:`emotion.evaluation.evaluate` on the validation split.
    """
    return "\n".join([_front_matter(config, metrics), _body(config, metrics)])


def _front_matter(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    results = [("fer2013", "FER-2013 (PublicTest)", metrics["accuracy"])]
    if metrics["ferplus"]:
        results.append(("ferplus", "FER+ (PublicTest, majority)", metrics["ferplus"]["accuracy"]))
    lines = [
        "---",
        f"license: {config['licence'].lower()}",
        "library_name: keras",
        "pipeline_tag: image-classification",
        "tags: [facial-expression-recognition, fer2013, litert]",
        "model-index:",
        f"- name: {config['name']}",
        "  results:",
    ]
    for identity, name, accuracy in results:
        lines += [
            "  - task: {type: image-classification, name: Facial expression recognition}",
            f"    dataset: {{type: {identity}, name: '{name}', split: validation}}",
            f"    metrics: [{{type: accuracy, value: {accuracy:.4f}}}]",
        ]
    return "\n".join([*lines, "---", ""])


def _robustness(robustness: Mapping[str, Any]) -> str:
    plain, ten = robustness["unchanged"], robustness["ten_crop"]
    rows = "\n".join(
        f"| {name} | {figures['accuracy']:.1%} | {figures['accuracy'] / plain['accuracy']:.0%} |"
        for name, figures in robustness["changed"].items()
    )
    return f"""## When the picture gets worse

The same faces, changed; accuracy on FER-2013 labels, and the share kept of the {plain["accuracy"]:.1%} on
unchanged faces. Covered means grey. The mean over ten views of a face (four corners, the centre, and their
mirrors) would give {ten["accuracy"]:.1%}; the app uses one view, ten times faster.

| faces | accuracy | kept |
|---|---|---|
{rows}
"""


def _heads(config: Mapping[str, Any]) -> str:
    """What the columns of the first table are."""
    if "ferplus" not in config["outputs"]:
        return "The network has one head, for FER-2013's labels, which is what the app shows."
    return f"""The network has a head for FER-2013's labels and one for the votes of the ten people of
FER+; the second column scores each benchmark with its own head. The app shows a mix of both
({config["training"]["vote_share"]:.0%} of the vote head), scored in the last column."""


def _recipe(training: Mapping[str, Any]) -> str:
    """Where the recipe stands, and what it does not say."""
    others = []
    if training.get("start_from"):
        others.append("They are those of the last stage: it went on from an earlier run.")
    if training.get("teacher"):
        others.append("Other trained networks had a say in the targets.")
    if others:
        others.append("The repository's docs/experiments.md tells of all of them.")
    return " ".join(["The settings are in `config.json`.", *others])


def _extremes(per_class: Mapping[str, Mapping[str, float]]) -> str:
    """Which expressions are read best and worst."""
    names = sorted(per_class, key=lambda name: per_class[name]["f1"])
    worst, second, *_, almost, best = names
    return f"Of the expressions, {worst} and {second} are read least reliably, {almost} and {best} most"


def _body(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    training = config["training"]
    shown = metrics["shown"]
    ferplus = metrics["ferplus"]
    rows = "\n".join(
        f"| {name} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['support']:,} | "
        f"{shown['recall'][name]:.3f} |"
        for name, c in metrics["per_class"].items()
    )
    alone = metrics["accuracy_without_duplicates"]
    more = ""
    if alone is not None:
        count = metrics["n_without_duplicates"]
        more += f"| FER-2013 labels, without duplicated images | {alone:.1%} | {count:,} | |\n"
    if ferplus:
        more += (
            f"| FER+ strict majority | {ferplus['accuracy']:.1%} | {ferplus['n']:,} | "
            f"{shown['ferplus']['accuracy']:.1%} |\n"
        )
    return f"""# {config["name"]}: facial expressions from a {config["input_size"]}-pixel grey face

A convolutional network of {training["parameters"]:,} parameters that reads which of seven expressions
a face shows: {", ".join(config["labels"])}. It reads what a face shows, not what a person feels.

## How good it is

Measured on the validation split (PublicTest) with the int8 LiteRT file that the app runs, one view per
face, no test-time augmentation. Temperatures were fitted on the same split.

| measured on | accuracy | faces | what the app shows |
|---|---|---|---|
| FER-2013 labels | {metrics["accuracy"]:.1%} | {metrics["n"]:,} | {shown["accuracy"]:.1%} |
{more}
{_heads(config)} People agree with FER-2013's labels 65 ± 5 % of the time.

Expected calibration error (15 bins): {metrics["ece"]:.3f}; of what the app shows: {shown["ece"]:.3f}.
Negative log-likelihood: {metrics["nll"]:.3f}. Macro F1: {metrics["macro_f1"]:.3f}.

| expression | precision | recall | F1 | faces | recall of what the app shows |
|---|---|---|---|---|---|
{rows}

{_robustness(metrics["robustness"])}
## How it was made

Trained by `train.py` of this repository on: {config["data"]}. {_recipe(training)} The
figures of every epoch are in `history.json`. FER-2013 (Goodfellow et al., 2013) was collected from the web
for research; FER+ (Barsoum et al., 2016) is under the MIT licence.

## What it is for, and what not

For demonstrations, teaching, art, accessibility experiments and research, on pictures of people who know
about it. Not for decisions about people: no hiring, proctoring, policing, insurance, lie detection or
medical use, and no monitoring at workplaces or schools, which the European Union's AI Act forbids.

Not measured: fairness across age, sex or skin colour, because FER-2013 has no such labels; faces seen from
the side; children; video. {_extremes(metrics["per_class"])},
and a posed or an ambiguous face has no right answer: look at all seven probabilities.
"""
