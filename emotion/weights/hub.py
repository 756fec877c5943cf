"""Fetch single files from a Hugging Face Hub, pinned to a commit: ``hf://owner/name[@revision]``.

The cache is tried before the network, and requests have short time-outs. What is cached, where, and with
which token follows huggingface_hub's own rules (``HF_HOME``, ``HF_TOKEN``, ``HF_ENDPOINT``,
``HF_HUB_OFFLINE``). A file becomes visible in the cache only when it is complete.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.errors import WeightsError
from emotion.weights.files import sha256_of

__all__ = ["REPOSITORY", "SCHEME", "HubReference", "fetch"]

SCHEME = "hf://"

REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
"""``owner/name``, as the Hub allows it."""

TIMEOUT_S = 4
"""Time-out for each answer of the Hub; ``HF_HUB_ETAG_TIMEOUT`` overrides it."""

SPARE_BYTES = 16 * 2**20
"""Space that must remain free on the disk after a download."""

_FORM = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([^@\s]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model repository at a revision.

    Attributes:
        repository: ``owner/name``.
        revision: A branch, a tag, or a commit's 40 hexadecimal digits.
    """

    repository: str
    revision: str = "main"

    @classmethod
    def parse(cls, text: str) -> HubReference:
        """Read ``hf://owner/name`` or ``hf://owner/name@revision``.

        Raises:
            WeightsError: If ``text`` has another form.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise WeightsError(
                "Weights on a hub are written hf://owner/name or hf://owner/name@revision. "
                f"Received: {text!r}"
            )
        return cls(match[1], match[2] or "main")

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str) -> HubReference:
        """The same repository at another commit."""
        return replace(self, revision=commit)

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}@{self.revision}"


def fetch(reference: HubReference, filename: str, *, sha256: str | None = None) -> Path:
    """The path of one file in the local cache; downloaded if it is not there yet.

    A branch or tag that is in the cache is taken as it was then; ``hf download owner/name`` brings the
    cache up to date. The parent folder of the result is named by the commit.

    Args:
        reference: Where from.
        filename: A file in the root of the repository.
        sha256: What the file must hash to. A cached file that does not is downloaded once more.

    Raises:
        WeightsError: Not found, gated, no network, damaged, or no room: says which, and what to do.
    """
    # Before it is imported: without this the library also asks the Hub for things that we do not need.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx2
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(reference.repository, filename, revision=reference.revision)
        if isinstance(cached, str):
            if _has_hash(Path(cached), sha256):
                return Path(cached)
            _forget(Path(cached))
        path = _download(reference, filename)
        if _has_hash(path, sha256):
            return path
        _forget(path)
    except (httpx2.HTTPError, HFValidationError, OSError) as error:
        raise WeightsError(_explain(error, reference, filename)) from error
    raise WeightsError(
        f"{filename} of {reference} is not the file that its config.json describes: the sha256 must be "
        f"{sha256}. It was thrown away. Ask the owner of the repository, or name another revision."
    )


def _download(reference: HubReference, filename: str) -> Path:
    """Download one file into the cache, after one request without retries that shows whether it can work."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

    chosen = constants.HF_HUB_ETAG_TIMEOUT
    timeout = chosen if chosen != constants.DEFAULT_ETAG_TIMEOUT else TIMEOUT_S
    url = hf_hub_url(reference.repository, filename, revision=reference.revision)
    # hf_hub_download alone would try for 20 seconds and more before it said that there is no network.
    _check_room(get_hf_file_metadata(url, timeout=timeout).size or 0)
    return Path(
        hf_hub_download(
            reference.repository, filename, revision=reference.revision, etag_timeout=timeout
        )
    )


def _check_room(size: int) -> None:
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE).expanduser().resolve()
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < size + SPARE_BYTES:
        raise WeightsError(
            f"There is not enough room for the weights: {size / 1e6:,.1f} MB are needed and "
            f"{free / 1e6:,.1f} MB are free in {place}. Free some, or set HF_HOME to a folder elsewhere."
        )


def _has_hash(path: Path, sha256: str | None) -> bool:
    return sha256 is None or sha256_of(path) == sha256


def _forget(path: Path) -> None:
    """Remove a file from the cache: the blob, and the link to it."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _explain(error: Exception, reference: HubReference, filename: str) -> str:
    """What went wrong and what to do, for people."""
    import httpx2
    from huggingface_hub import constants, errors

    hub, where = constants.ENDPOINT, f"https://huggingface.co/{reference.repository}"
    cause: BaseException = error
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__:
        cause = error.__cause__
    match cause:
        case errors.OfflineModeIsEnabled():
            return (
                f"{filename} of {reference} is not in the cache ({constants.HF_HUB_CACHE}) and "
                "HF_HUB_OFFLINE forbids to fetch it. Unset it once, or choose weights on this machine."
            )
        case errors.GatedRepoError():
            return (
                f"The owner of {reference} grants access on request. Ask for it at {where}, then set "
                "HF_TOKEN to a token of your account."
            )
        case errors.RevisionNotFoundError():
            return (
                f"{reference.repository} on {hub} has no revision {reference.revision!r}. "
                "It must be a branch, a tag or a commit."
            )
        case errors.EntryNotFoundError() if not isinstance(cause, errors.LocalEntryNotFoundError):
            return f"{reference} on {hub} has no file {filename}: these are not weights of this program."
        case errors.HfHubHTTPError() if cause.response.status_code in (401, 403, 404):
            return (
                f"{reference.repository} was not found on {hub}, or it is private. Check the spelling; for a "
                "private one set HF_TOKEN to a token that may read it."
            )
        case errors.HfHubHTTPError():
            return (
                f"{hub} answered with an error ({cause.response.status_code}). Try again later, or choose "
                "weights on this machine."
            )
        case httpx2.HTTPError() | ConnectionError():
            return (
                f"{hub} cannot be reached, and {filename} of {reference} is not complete in the cache "
                f"({type(cause).__name__}: {cause}). Check the network, or choose weights on this machine."
            )
    return f"{filename} of {reference} cannot be fetched from {hub}: {cause}"
