"""Parquet files of a data set on a Hugging Face Hub: ``hf://datasets/owner/name[@revision]``.

They are kept in the Hub's own cache and asked for once. All come from one commit.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath

from emotion.errors import DatasetError, WeightsError
from emotion.training.datasets.faces import Split
from emotion.weights.hub import SCHEME, TIMEOUT_S, HubReference

__all__ = ["DATASET_SCHEME", "fetch_parquet_files"]

DATASET_SCHEME = f"{SCHEME}datasets/"

NAMES = ("{split}.parquet", "data/{split}-00000-of-00001.parquet")
"""Where the file of a split may lie: as we write it, and as the library ``datasets`` uploads it."""


def fetch_parquet_files(source: str) -> Path:
    """Bring the splits of a data set into the cache; the folder there.

    Raises:
        DatasetError: If the address is not one, or the data set cannot be found or reached.
    """
    try:
        reference = HubReference.parse(SCHEME + source.removeprefix(DATASET_SCHEME))
    except WeightsError:
        raise DatasetError(
            f"A data set on a hub is written {DATASET_SCHEME}owner/name or "
            f"{DATASET_SCHEME}owner/name@revision. Received: {source!r}"
        ) from None
    folder: Path | None = None
    for split in Split:
        for name in (pattern.format(split=split) for pattern in NAMES):
            path = _fetch(reference, name)
            if path is not None:
                folder = path.parents[len(PurePosixPath(name).parts) - 1]
                reference = reference.at(folder.name)  # the rest from the same commit
                break
    if folder is None:
        raise DatasetError(
            f"{source} must have a file for each split: train.parquet, validation.parquet, or "
            "data/train-00000-of-00001.parquet and so on. Received: none of them. Download the data set "
            "(hf download --repo-type dataset owner/name) and read its folder instead."
        )
    return folder


def _fetch(reference: HubReference, name: str) -> Path | None:
    """One file in the cache, or None if the repository has none of this name."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is imported
    import httpx2
    from huggingface_hub import (
        constants,
        errors,
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )

    repository, revision = reference.repository, reference.revision
    try:
        cached = try_to_load_from_cache(repository, name, repo_type="dataset", revision=revision)
        if cached is not None:
            return Path(cached) if isinstance(cached, str) else None
        # One request without retries: the download alone would try for 20 seconds without a network.
        # What is not there it notes in the cache, so that later no network is needed.
        url = hf_hub_url(repository, name, repo_type="dataset", revision=revision)
        with contextlib.suppress(errors.RemoteEntryNotFoundError):
            get_hf_file_metadata(url, timeout=TIMEOUT_S)
        return Path(
            hf_hub_download(
                repository, name, repo_type="dataset", revision=revision, etag_timeout=TIMEOUT_S
            )
        )
    except errors.LocalEntryNotFoundError as error:
        cause: Exception = error
    except errors.EntryNotFoundError:
        return None
    except (httpx2.HTTPError, errors.HFValidationError, OSError) as error:
        cause = error
    where = f"{DATASET_SCHEME}{reference.repository}@{reference.revision}"
    match cause:
        case errors.GatedRepoError():
            text = "access is granted on request. Ask for it there, then set HF_TOKEN."
        case errors.RevisionNotFoundError():
            text = f"there is no revision {reference.revision!r}. Name a branch, a tag or a commit."
        case errors.RepositoryNotFoundError():
            text = "not found, or private. Check the spelling; for a private one set HF_TOKEN."
        case errors.OfflineModeIsEnabled():
            text = f"{name} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it. Unset it once."
        case _:
            text = (
                f"{name} cannot be fetched ({type(cause).__name__}: {cause}). Check the network, or "
                "read a folder on this machine."
            )
    raise DatasetError(f"{where} on {constants.ENDPOINT}: {text}") from cause
