"""Weights from a hub: the real client in a process of its own, against a hub on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_hub import TOKEN, LocalHub, Repository

from emotion.errors import WeightsError
from emotion.hub import HubReference
from emotion.weights import ABOUT_WEIGHTS, DEFAULT_WEIGHTS, WEIGHTS_FOLDER

FILES = {path.name: path.read_bytes() for path in (WEIGHTS_FOLDER / DEFAULT_WEIGHTS).iterdir()}
FETCH = """
import sys
from emotion.weights import find_weights, read_spec
folder = find_weights(sys.argv[1], runtime=sys.argv[2] or None)
read_spec(folder).files[sys.argv[2] or "litert"].verified()
print(folder)
"""


class Client:
    """Runs our code with a cache of its own, and a hub instead of huggingface.co."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home = home
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("HF_", "EMOTION"))
        } | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1"}

    def run(self, *command: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            env=self.environment | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def fetch(self, which: str, runtime: str = "litert", **extra: str) -> Path:
        done = self.run("-c", FETCH, which, runtime, **extra)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    def refused(self, which: str, **extra: str) -> str:
        """The last line of what is said when it fails."""
        done = self.run("-c", FETCH, which, "litert", **extra)
        assert done.returncode == 1, done.stdout
        assert "emotion.errors.WeightsError" in done.stderr
        return done.stderr.strip().splitlines()[-1]

    def stored(self) -> list[Path]:
        """Everything in the cache that has the size of a piece of a model file."""
        return [p for p in self.home.rglob("*") if p.is_file() and p.stat().st_size > 50_000]


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        hub.repositories["me/faces"] = Repository()
        hub.repositories["me/faces"].commit(FILES)
        yield hub


@pytest.fixture
def client(hub: LocalHub, tmp_path: Path) -> Client:
    return Client(tmp_path / "home", hub.url)


def test_only_what_is_needed_is_fetched_and_only_once(hub: LocalHub, client: Client) -> None:
    folder = client.fetch("hf://me/faces")
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.tflite", *ABOUT_WEIGHTS}
    assert (folder / "model.tflite").read_bytes() == FILES["model.tflite"]
    asked = len(hub.requests)
    assert client.fetch("hf://me/faces") == folder
    assert len(hub.requests) == asked, "the cache comes before the network"
    client.fetch("hf://me/faces", runtime="keras")
    assert (folder / "model.keras").is_file()


def test_weights_without_figures_are_asked_for_them_once(hub: LocalHub, client: Client) -> None:
    commit = hub.repositories["me/faces"].commit({}, deleted=ABOUT_WEIGHTS)
    folder = client.fetch("hf://me/faces")
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.tflite"}
    asked = len(hub.requests)
    assert client.fetch(f"hf://me/faces@{commit}") == folder
    assert len(hub.requests) == asked


def test_a_branch_says_which_commit_it_is_and_a_commit_stays(hub: LocalHub, client: Client) -> None:
    repository = hub.repositories["me/faces"]
    first = repository.names["main"]
    repository.commit({"README.md": b"changed"})
    repository.commit(FILES | {"README.md": b"tagged"}, "v1")
    assert client.fetch(f"hf://me/faces@{first}").name == first
    assert client.fetch("hf://me/faces@v1").name == repository.names["v1"]
    said = client.run("-c", FETCH, "hf://me/faces", "litert").stderr
    assert f"hf://me/faces@{repository.names['main']}" in said
    assert repository.names["main"] != first


@pytest.mark.parametrize("cuts", [1, 2])
def test_a_download_that_breaks_off_goes_on_where_it_was(
    hub: LocalHub, client: Client, cuts: int
) -> None:
    hub.cuts = cuts
    folder = client.fetch("hf://me/faces")
    assert (folder / "model.tflite").read_bytes() == FILES["model.tflite"]
    assert len([line for line in hub.requests if line.startswith("GET /store/")]) == 1 + cuts


def test_rotten_files_are_refused_and_never_kept(hub: LocalHub, client: Client) -> None:
    hub.rotten = True
    assert "sha256 must be" in client.refused("hf://me/faces")
    assert client.stored() == []
    hub.rotten = False
    client.fetch("hf://me/faces")


def test_a_damaged_cache_is_mended(client: Client) -> None:
    path = (client.fetch("hf://me/faces") / "model.tflite").resolve()
    path.write_bytes(path.read_bytes()[:1000])
    folder = client.fetch("hf://me/faces")
    assert (folder / "model.tflite").read_bytes() == FILES["model.tflite"]


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("hf://me/nothing", "not found"),
        ("hf://me/faces@v9", "no revision 'v9'"),
        ("hf://me/faces@../x", "no revision"),
        ("hf://me/private", "HF_TOKEN"),
        ("hf://me/gated", "grants access on request"),
        ("hf://me/other", "no file config.json"),
        ("hf://me", "hf://owner/name"),
    ],
)
def test_refusals_say_what_to_do(hub: LocalHub, client: Client, which: str, says: str) -> None:
    hub.repositories["me/private"] = Repository(private=True)
    hub.repositories["me/gated"] = Repository(gated=True)
    hub.repositories["me/other"] = Repository()
    hub.repositories["me/other"].commit({"README.md": b""})
    assert says in client.refused(which)
    assert client.stored() == []


def test_a_token_opens_what_is_private(hub: LocalHub, client: Client) -> None:
    hub.repositories["me/faces"].private = True
    assert "HF_TOKEN" in client.refused("hf://me/faces")
    client.fetch("hf://me/faces", HF_TOKEN=TOKEN)


def test_without_a_network(hub: LocalHub, client: Client) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert "cannot be reached" in client.refused("hf://me/faces", HF_ENDPOINT=gone)
        assert "HF_HUB_OFFLINE" in client.refused("hf://me/faces", HF_HUB_OFFLINE="1")
        assert hub.requests == []
        folder = client.fetch("hf://me/faces")
        assert client.fetch("hf://me/faces", HF_ENDPOINT=gone) == folder
        assert client.fetch("hf://me/faces", HF_HUB_OFFLINE="1") == folder


def test_a_hub_that_never_answers_is_given_up(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = client.refused("hf://me/faces", HF_ENDPOINT=endpoint, HF_HUB_ETAG_TIMEOUT="1")
        assert "cannot be reached" in said


def test_a_hub_that_fails(hub: LocalHub, client: Client) -> None:
    hub.broken = 503
    assert "(503)" in client.refused("hf://me/faces")
    assert len(hub.requests) == 1, "no retries, and nothing but what is needed"


def test_too_little_room(hub: LocalHub, client: Client) -> None:
    hub.claimed_size = 10**18
    assert "not enough room" in client.refused("hf://me/faces")
    assert client.stored() == []


def test_the_command_line_reads_a_picture_with_weights_of_a_hub(
    client: Client, portrait: Path
) -> None:
    command = ("-m", "emotion", "analyze", str(portrait), "--json")
    done = client.run(*command, EMOTION_WEIGHTS="hf://me/faces")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert len(found["faces"]) == 1
    assert found == json.loads(client.run(*command).stdout), "the same weights, the same answer"


@pytest.mark.parametrize("text", ["hf://", "hf://a/b/c", "hf://a/b@", "hf://a b/c", "hf://a/b@c@d"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="hf://owner/name"):
        HubReference.parse(text)


def test_forms() -> None:
    assert HubReference.parse("hf://a/b.c") == HubReference("a/b.c", "main")
    assert HubReference.parse("hf://a/b@refs/pr/1").revision == "refs/pr/1"
    assert not HubReference.parse("hf://a/b@v1").is_pinned
    assert HubReference.parse("hf://a/b@" + "0123456789" * 4).is_pinned
