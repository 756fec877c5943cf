"""What goes to a Hugging Face Hub: weights as a model repository, the app as a Space."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.errors import EmotionError
from emotion.hub import HubReference
from emotion.weights import (
    ABOUT_WEIGHTS,
    DEFAULT_WEIGHTS,
    WEIGHTS_VARIABLE,
    find_weights,
    read_spec,
)

__all__ = ["SPACE_SECTIONS", "Upload", "space_uploads", "upload", "weights_uploads"]

SPACE_FILES = ("app.py", "packages.txt", "LICENSE")
SPACE_FOLDERS = ("emotion/**/*", "examples/*", f"weights/{DEFAULT_WEIGHTS}/*")
SPACE_SECTIONS = ("How good it is", "What it is not", "Licences and credits")
"""Sections of the README that visitors of a Space read; the others are about the repository."""

LEFT_OUT = (".keras", ".pyc", ".pyi")
"""Endings of what only training needs, and of what Python and Gradio write beside the code."""

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to send: its path in the repository, and its content."""

    path: str
    content: bytes


def weights_uploads(folder: Path) -> list[Upload]:
    """The files of some weights: config, model files (their hashes are checked), card and metrics.

    Raises:
        WeightsError: If the weights are damaged or not described.
    """
    files = read_spec(folder).files.values()
    models = [part.verified() for file in files for part in file.parts]
    about = [folder / name for name in ABOUT_WEIGHTS if (folder / name).is_file()]
    return [Upload(p.name, p.read_bytes()) for p in (folder / "config.json", *models, *about)]


def space_uploads(root: Path, weights: str | None = None) -> list[Upload]:
    """The files of the app as a Space: the code, what serving installs, and a README that fits.

    Args:
        root: The repository.
        weights: ``hf://owner/name@commit``: the Space takes its weights from there, preloaded when it is
            built. By default the shipped ones travel along.

    Raises:
        EmotionError: If ``root`` is not the repository, or ``weights`` is not pinned to a commit.
        WeightsError: If the weights cannot be found.
    """
    root = root.resolve()
    missing = [name for name in (*SPACE_FILES, "README.md") if not (root / name).is_file()]
    if missing:
        raise EmotionError(
            f"A Space is made from a clone of the repository: no {', '.join(missing)} in {root}. "
            "Run this in the clone."
        )
    readme = _visitors_readme((root / "README.md").read_text(encoding="utf-8"))
    folders: tuple[str, ...] = SPACE_FOLDERS
    if weights is not None:
        folders = tuple(folder for folder in folders if not folder.startswith("weights"))
        readme = _preloading(readme, HubReference.parse(weights))
    paths = {root / name for name in SPACE_FILES}
    for folder in folders:
        paths |= {p for p in root.glob(folder) if p.is_file() and not _left_out(p)}
    paths |= _linked(readme, root)
    made = [
        Upload("README.md", readme.encode()),
        Upload("requirements.txt", _serving_requirements(root).encode()),
    ]
    return made + [Upload(p.relative_to(root).as_posix(), p.read_bytes()) for p in sorted(paths)]


def _left_out(path: Path) -> bool:
    return path.suffix in LEFT_OUT or path.name.startswith(".")


def _visitors_readme(text: str) -> str:
    """The README's front matter, its beginning, and the sections for visitors."""
    beginning, *sections = text.split("\n## ")
    kept = [section for section in sections if section.startswith(SPACE_SECTIONS)]
    return "\n## ".join([beginning, *kept])


def _linked(text: str, folder: Path) -> set[Path]:
    """The files that a text in some folder links to or shows, and those that these link to."""
    found: set[Path] = set()
    waiting = [(folder, text)]
    while waiting:
        place, text = waiting.pop()
        for path in {(place / target).resolve() for target in _LINK.findall(text)} - found:
            found.add(path)
            if path.suffix == ".md":
                waiting.append((path.parent, path.read_text(encoding="utf-8")))
    return found


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


def _preloading(readme: str, reference: HubReference) -> str:
    """The README with a front matter that names the model and preloads it at its commit."""
    from huggingface_hub.constants import ENDPOINT

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
    start, matter, rest = readme.split("---\n", 2)
    wanted = f"{reference.repository} {files} {reference.revision}"
    matter += f"models:\n- {reference.repository}\npreload_from_hub:\n- {wanted}\n"
    # The card of the weights is there, too.
    shipped, hub = (
        f"](weights/{DEFAULT_WEIGHTS}/README.md)",
        f"]({ENDPOINT}/{reference.repository})",
    )
    return "---\n".join((start, matter, rest.replace(shipped, hub)))


def upload(
    uploads: Sequence[Upload], repository: str, *, space: bool, weights: str | None = None
) -> str:
    """Create the repository if there is none, and send the files in one commit.

    Modules of an earlier version that are in the Space but not among the files are removed from it.
    Large and binary files go the way the Hub asks for (LFS or Xet); the client asks it for each file.

    Args:
        uploads: From :func:`weights_uploads` or :func:`space_uploads`.
        repository: ``owner/name``.
        space: Whether it is a Space rather than a model repository.
        weights: As given to :func:`space_uploads`. The Space's variable ``EMOTION_WEIGHTS`` names them;
            without any, what an earlier publication set is removed.

    Returns:
        The address of the commit.

    Raises:
        EmotionError: If the Hub cannot be reached or refuses; says why.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HFValidationError

    api = HfApi()
    kind = "space" if space else "model"
    try:
        api.create_repo(
            repository, repo_type=kind, space_sdk="gradio" if space else None, exist_ok=True
        )
        if weights is not None:
            api.add_space_variable(repository, WEIGHTS_VARIABLE, weights)
        sent = {upload.path for upload in uploads}
        there = api.list_repo_files(repository, repo_type=kind) if space else []
        gone = [path for path in there if path.startswith("emotion/") and path not in sent]
        commit = api.create_commit(
            repository,
            [
                *(CommitOperationAdd(upload.path, upload.content) for upload in uploads),
                *(CommitOperationDelete(path) for path in gone),
            ],
            commit_message="Publish",
            repo_type=kind,
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
