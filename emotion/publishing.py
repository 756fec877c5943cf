"""What goes to a Hugging Face Hub: weights as a model repository, the app as a Space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.errors import EmotionError
from emotion.hub import HubReference
from emotion.weights import DEFAULT_WEIGHTS, find_weights, read_spec

__all__ = ["Upload", "space_uploads", "upload", "weights_uploads"]

ABOUT_WEIGHTS = ("README.md", "metrics.json", "history.json")
SPACE_FILES = ("app.py", "requirements.txt", "LICENSE")
SPACE_FOLDERS = ("emotion", "examples", f"weights/{DEFAULT_WEIGHTS}")
CODE = (".py", ".css", ".js", ".html", ".svg", ".png", ".jpg", ".md", ".json", ".tflite", ".xml")


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
    models = [file.verified() for file in read_spec(folder).files.values()]
    about = [folder / name for name in ABOUT_WEIGHTS if (folder / name).is_file()]
    return [Upload(p.name, p.read_bytes()) for p in (folder / "config.json", *models, *about)]


def space_uploads(root: Path, weights: str | None = None) -> list[Upload]:
    """The files of the app as a Space.

    Args:
        root: The repository.
        weights: ``hf://owner/name@commit``: the Space takes its weights from there, preloaded when it is
            built. By default the shipped ones travel along.

    Raises:
        EmotionError: If ``root`` is not the repository, or ``weights`` is not pinned to a commit.
        WeightsError: If the weights cannot be found.
    """
    readme = root / "README.md"
    if not (root / "app.py").is_file() or not readme.is_file():
        raise EmotionError(
            f"A Space is made from a clone of the repository: no app.py and README.md in {root}. "
            "Run this in the clone."
        )
    folders = [name for name in SPACE_FOLDERS if weights is None or not name.startswith("weights")]
    paths = [root / name for name in SPACE_FILES if (root / name).is_file()]
    for folder in folders:
        found = (p for p in (root / folder).rglob("*") if p.is_file() and p.suffix in CODE)
        paths += sorted(p for p in found if "__pycache__" not in p.parts)
    text = readme.read_text(encoding="utf-8")
    if weights is not None:
        text = _preloading(text, HubReference.parse(weights))
    files = [Upload(p.relative_to(root).as_posix(), p.read_bytes()) for p in paths]
    return [Upload("README.md", text.encode()), *files]


def _preloading(readme: str, reference: HubReference) -> str:
    """The README with a front matter that names the model and preloads it at its commit."""
    if not reference.is_pinned:
        raise EmotionError(
            "A Space must name its weights by commit, hf://owner/name@<40 hexadecimal digits>, so that they "
            f"never change under it. Received: {reference}"
        )
    file = read_spec(find_weights(str(reference), runtime="litert")).files["litert"].path.name
    start, matter, rest = readme.split("---\n", 2)
    wanted = f"{reference.repository} config.json,{file} {reference.revision}"
    matter += f"models:\n- {reference.repository}\npreload_from_hub:\n- {wanted}\n"
    return "---\n".join((start, matter, rest))


def upload(
    uploads: Sequence[Upload], repository: str, *, space: bool, weights: str | None = None
) -> str:
    """Create the repository if there is none, and send the files in one commit.

    Large and binary files go the way the Hub asks for (LFS or Xet); the client asks it for each file.

    Args:
        uploads: From :func:`weights_uploads` or :func:`space_uploads`.
        repository: ``owner/name``.
        space: Whether it is a Space rather than a model repository.
        weights: As given to :func:`space_uploads`.

    Returns:
        The address of the commit.

    Raises:
        EmotionError: If the Hub cannot be reached or refuses; says why.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HFValidationError

    api = HfApi()
    kind = "space" if space else "model"
    try:
        api.create_repo(
            repository, repo_type=kind, space_sdk="gradio" if space else None, exist_ok=True
        )
        if weights is not None:
            api.add_space_variable(repository, "EMOTION_WEIGHTS", weights)
        commit = api.create_commit(
            repository,
            [CommitOperationAdd(upload.path, upload.content) for upload in uploads],
            commit_message="Publish",
            repo_type=kind,
        )
    except (httpx2.HTTPError, HFValidationError, OSError, RuntimeError, ValueError) as error:
        raise EmotionError(
            f"{repository} cannot be published: {error}. Set HF_TOKEN to a token that may write there."
        ) from error
    return str(commit.commit_url)
