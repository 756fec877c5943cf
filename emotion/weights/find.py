"""Find trained weights: in a folder, in the repository, or on a Hugging Face Hub."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from emotion import shipped
from emotion.errors import WeightsError
from emotion.weights import hub
from emotion.weights.config import read_spec

__all__ = [
    "ABOUT_WEIGHTS",
    "DEFAULT_WEIGHTS",
    "WEIGHTS_VARIABLE",
    "find_weights",
    "name_pretrained",
    "shipped_weights",
]

WEIGHTS_VARIABLE = "EMOTION_WEIGHTS"
"""Environment variable that names the weights when nothing else does."""

DEFAULT_WEIGHTS = "compact"
"""The shipped weights that are used unless others are asked for."""

ABOUT_WEIGHTS = (
    *("README.md", "metrics.json", "history.json", "architectures.json"),
    *("architecture.png", "summary.txt"),
)
"""Optional files beside the model files: the card and the figures, which the model tab shows."""


def shipped_weights() -> list[str]:
    """Names of the weights in the repository's ``weights/`` folder, the default one first."""
    names = sorted(path.parent.name for path in shipped.WEIGHTS.glob("*/config.json"))
    return sorted(names, key=lambda name: name != DEFAULT_WEIGHTS)


def find_weights(
    which: str | os.PathLike[str] | None = None, *, runtime: str | None = None
) -> Path:
    """The folder of some weights.

    Args:
        which: A folder, a name in ``weights/``, or ``hf://owner/name[@revision]``. None means the
            environment variable ``EMOTION_WEIGHTS`` or, without it, the shipped default. The network is
            touched only for ``hf://``, and only if the weights are not in the cache.
        runtime: Of weights on a hub, only what this runtime needs is fetched; by default all files.

    Raises:
        WeightsError: If there are no such weights; lists what there is. Without trained weights the program
            does not answer.
    """
    text = os.fspath(which or os.environ.get(WEIGHTS_VARIABLE) or DEFAULT_WEIGHTS)
    if text.startswith(hub.SCHEME):
        return _find_on_hub(hub.HubReference.parse(text), runtime)
    wanted = Path(text)
    for folder in (wanted, shipped.WEIGHTS / wanted):
        if (folder / "config.json").is_file():
            return folder
    raise WeightsError(
        "Weights must be a folder with a config.json, one of the shipped ones "
        f"({', '.join(shipped_weights()) or 'none here'}), or hf://owner/name[@revision]. "
        f"Received: {text!r}. Train some with: python train.py --data FOLDER"
    )


def name_pretrained(
    which: str | os.PathLike[str] | None, revision: str | None = None
) -> str | os.PathLike[str] | None:
    """Translate the argument of ``from_pretrained`` into that of :func:`find_weights`.

    ``owner/name`` without ``hf://``, as the Hub's own libraries write it, means a repository unless a file
    or folder has that name. Everywhere else (command line, ``EMOTION_WEIGHTS``) a repository needs its
    ``hf://``: a mistyped path must not be looked up on the network.

    Args:
        which: A folder, a name in ``weights/``, or a repository with or without ``hf://``.
        revision: A commit, tag or branch of the repository.

    Raises:
        WeightsError: If a revision is given without a repository, or twice.
    """
    text = os.fspath(which) if which else ""
    local = not isinstance(which, str) or any(
        p.exists() for p in (Path(text), shipped.WEIGHTS / text)
    )
    if hub.REPOSITORY.fullmatch(text) and not local:
        text = hub.SCHEME + text
    if revision is None:
        return text if text.startswith(hub.SCHEME) else which
    if not text.startswith(hub.SCHEME) or "@" in text:
        raise WeightsError(
            "A revision belongs to a repository owner/name and is given once. "
            f"Received: {which!r} with revision {revision!r}."
        )
    return f"{text}@{revision}"


def _find_on_hub(reference: hub.HubReference, runtime: str | None) -> Path:
    """The folder of weights in the hub's cache, after downloading what is missing there.

    The commit vouches for ``config.json``, and the hashes in there for the model files.
    """
    folder = hub.fetch(reference, "config.json").parent
    pinned = reference.at(commit=folder.name)
    if not reference.is_pinned:
        logging.getLogger(__name__).warning(
            "%s is now commit %s. To use exactly these weights always: %s",
            *(reference, pinned.revision, pinned),
        )
    spec = read_spec(folder)
    chosen = spec.files.keys() if runtime is None else {spec.runtime(runtime)} & spec.files.keys()
    parts = [part for name in sorted(chosen) for part in spec.files[name].parts]
    complete = all((folder / part.path.name).is_file() for part in parts)
    for part in parts:
        hub.fetch(pinned, part.path.name, sha256=part.sha256)
    if not complete:
        _fetch_about(pinned)
    return folder


def _fetch_about(reference: hub.HubReference) -> None:
    """Fetch card and figures, along with the model files only, so that no later start waits for the hub.

    If the weights have none, or the hub fails meanwhile, only the model tab's figures are missing.
    """
    for name in ABOUT_WEIGHTS:
        try:
            hub.fetch(reference, name)
        except WeightsError as error:
            logging.getLogger(__name__).info("%s", error)
