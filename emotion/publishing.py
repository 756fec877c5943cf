"""What goes to a Hugging Face Hub: weights as a model repository, the app as a Space.

Both are first put together in an empty folder, so that what ``--dry-run`` lists is what is sent.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path

from emotion.errors import EmotionError
from emotion.weights.config import read_spec
from emotion.weights.find import ABOUT_WEIGHTS, DEFAULT_WEIGHTS, WEIGHTS_VARIABLE, find_weights
from emotion.weights.hub import HubReference

__all__ = ["stage_space", "stage_weights", "upload"]

FRONT_PAGE = "space/README.md"
"""The first page of the Space. Its links are relative to the Space, not to the folder it lies in."""

SPACE_FILES = ("app.py", "packages.txt", "LICENSE")
SPACE_FOLDERS = ("emotion/**/*", "examples/*", f"weights/{DEFAULT_WEIGHTS}/*")

LEFT_OUT = (".keras", ".pyc", ".pyi")
"""Endings of what only training needs, and of what Python and Gradio write beside the code."""


def stage_weights(folder: Path, into: Path) -> None:
    """Copy what is published of some weights: config, model files, card and figures.

    Args:
        folder: The weights. The hashes of their model files are checked.
        into: An empty folder.

    Raises:
        WeightsError: If the weights are damaged or not described.
    """
    files = read_spec(folder).files.values()
    models = [part.verified() for file in files for part in file.parts]
    about = [folder / name for name in ABOUT_WEIGHTS if (folder / name).is_file()]
    _copy((folder / "config.json", *models, *about), folder, into)


def stage_space(root: Path, into: Path, weights: str | None = None) -> None:
    """Put the app together as a Space: the code, what serving installs, and the Space's front page.

    Args:
        root: The repository.
        into: An empty folder.
        weights: ``hf://owner/name@commit``: the Space takes its weights from there, preloaded when it is
            built. By default the shipped ones travel along.

    Raises:
        EmotionError: If ``root`` is not the repository, or ``weights`` is not pinned to a commit.
        WeightsError: If the weights cannot be found.
    """
    root = root.resolve()
    missing = [name for name in (*SPACE_FILES, FRONT_PAGE) if not (root / name).is_file()]
    if missing:
        raise EmotionError(
            f"A Space is made from a clone of the repository: no {', '.join(missing)} in {root}. "
            "Run this in the clone."
        )
    own = [
        folder for folder in SPACE_FOLDERS if weights is None or not folder.startswith("weights")
    ]
    found = (path for folder in own for path in root.glob(folder))
    _copy([root / name for name in SPACE_FILES], root, into)
    _copy((path for path in found if path.is_file() and not _left_out(path)), root, into)
    shutil.copyfile(root / FRONT_PAGE, into / "README.md")
    (into / "requirements.txt").write_text(_serving_requirements(root), encoding="utf-8")
    if weights is not None:
        _preload(into / "README.md", HubReference.parse(weights))


def _copy(paths: Iterable[Path], root: Path, into: Path) -> None:
    """Copy files to the same places below another folder."""
    for path in paths:
        target = into / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _left_out(path: Path) -> bool:
    return path.suffix in LEFT_OUT or path.name.startswith(".")


def _serving_requirements(root: Path) -> str:
    """The lines of ``requirements.txt`` for what serving imports: no Keras, no TensorFlow."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    serving = {_distribution(requirement) for requirement in project["dependencies"]}
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if _distribution(line) in serving]
    return "\n".join(["# What the app needs to answer; training needs more.", *kept, ""])


def _distribution(requirement: str) -> str:
    """The name in front of a requirement's version; empty for comments."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _preload(page: Path, reference: HubReference) -> None:
    """Name the model in the front matter of a Space's page, and preload it at its commit."""
    from huggingface_hub import SpaceCard

    if not reference.is_pinned:
        raise EmotionError(
            "A Space must name its weights by commit, hf://owner/name@<40 hexadecimal digits>, so that they "
            f"never change under it. Received: {reference}"
        )
    folder = find_weights(str(reference), runtime="litert")
    spec = read_spec(folder)
    if "litert" not in spec.files:
        raise EmotionError(
            f"A Space runs weights on LiteRT. Received: {reference}, which has files for "
            f"{', '.join(spec.files) or 'nothing'} only."
        )
    about = [name for name in ABOUT_WEIGHTS if (folder / name).is_file()]
    files = ",".join(["config.json", spec.files["litert"].path.name, *about])
    card = SpaceCard.load(page)
    card.data["models"] = [reference.repository]
    card.data["preload_from_hub"] = [f"{reference.repository} {files} {reference.revision}"]
    card.save(page)


def upload(folder: Path, repository: str, *, space: bool, weights: str | None = None) -> str:
    """Create the repository if there is none, and send a folder in one commit.

    Files of an earlier version below ``emotion/`` that are no longer part of a Space are removed from it.

    Args:
        folder: From :func:`stage_weights` or :func:`stage_space`.
        repository: ``owner/name``.
        space: Whether it is a Space rather than a model repository.
        weights: As given to :func:`stage_space`. The Space's variable ``EMOTION_WEIGHTS`` names them;
            without any, what an earlier publication set is removed.

    Returns:
        The address of the commit.

    Raises:
        EmotionError: If the Hub cannot be reached or refuses; says why.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    api = HfApi()
    kind = "space" if space else "model"
    try:
        api.create_repo(
            repository, repo_type=kind, space_sdk="gradio" if space else None, exist_ok=True
        )
        if weights is not None:
            api.add_space_variable(repository, WEIGHTS_VARIABLE, weights)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type=kind,
            commit_message="Publish",
            delete_patterns="emotion/*" if space else None,
        )
        # Only now: before the commit, a Space that took its weights from a hub had none of its own.
        shipped = space and weights is None
        if shipped and WEIGHTS_VARIABLE in api.get_space_variables(repository):
            api.delete_space_variable(repository, WEIGHTS_VARIABLE)
    except (httpx2.HTTPError, HFValidationError, OSError, RuntimeError, ValueError) as error:
        raise EmotionError(
            f"{repository} cannot be published: {error}. Set HF_TOKEN to a token that may write there."
        ) from error
    return str(commit.commit_url)
