"""Weights from a hub: the real client in a process of its own, against a hub on this machine."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hub_client import FETCH, HubClient
from support.local_hub import TOKEN, LocalHub, Repository

from emotion.errors import WeightsError
from emotion.shipped import WEIGHTS
from emotion.weights.find import ABOUT_WEIGHTS, DEFAULT_WEIGHTS
from emotion.weights.hub import HubReference

FILES = {path.name: path.read_bytes() for path in (WEIGHTS / DEFAULT_WEIGHTS).iterdir()}


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        hub.repositories["me/faces"] = Repository()
        hub.repositories["me/faces"].commit(FILES)
        yield hub


@pytest.fixture
def client(hub: LocalHub, tmp_path: Path) -> HubClient:
    return HubClient(tmp_path / "home", hub.url)


def test_only_what_is_needed_is_fetched_and_only_once(hub: LocalHub, client: HubClient) -> None:
    folder = client.fetch("hf://me/faces")
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.tflite", *ABOUT_WEIGHTS}
    assert (folder / "model.tflite").read_bytes() == FILES["model.tflite"]
    asked = len(hub.requests)
    assert client.fetch("hf://me/faces") == folder
    assert len(hub.requests) == asked, "the cache comes before the network"
    client.fetch("hf://me/faces", runtime="keras")
    assert (folder / "model.keras").is_file()


def test_weights_without_figures_are_asked_for_them_once(hub: LocalHub, client: HubClient) -> None:
    commit = hub.repositories["me/faces"].commit({}, deleted=ABOUT_WEIGHTS)
    folder = client.fetch("hf://me/faces")
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.tflite"}
    asked = len(hub.requests)
    assert client.fetch(f"hf://me/faces@{commit}") == folder
    assert len(hub.requests) == asked


def test_a_branch_says_which_commit_it_is_and_a_commit_stays(
    hub: LocalHub, client: HubClient
) -> None:
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
    hub: LocalHub, client: HubClient, cuts: int
) -> None:
    hub.cuts = cuts
    folder = client.fetch("hf://me/faces")
    assert (folder / "model.tflite").read_bytes() == FILES["model.tflite"]
    model = f"GET /store/{hashlib.sha256(FILES['model.tflite']).hexdigest()}"
    assert hub.requests.count(model) == 1 + cuts


def test_rotten_files_are_refused_and_never_kept(hub: LocalHub, client: HubClient) -> None:
    hub.rotten = True
    assert "sha256 must be" in client.refused("hf://me/faces")
    assert client.stored() == []
    hub.rotten = False
    client.fetch("hf://me/faces")


def test_a_damaged_cache_is_replaced(client: HubClient) -> None:
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
def test_refusals_say_what_to_do(hub: LocalHub, client: HubClient, which: str, says: str) -> None:
    hub.repositories["me/private"] = Repository(private=True)
    hub.repositories["me/gated"] = Repository(gated=True)
    hub.repositories["me/other"] = Repository()
    hub.repositories["me/other"].commit({"README.md": b""})
    assert says in client.refused(which)
    assert client.stored() == []


def test_a_token_opens_what_is_private(hub: LocalHub, client: HubClient) -> None:
    hub.repositories["me/faces"].private = True
    assert "HF_TOKEN" in client.refused("hf://me/faces")
    client.fetch("hf://me/faces", HF_TOKEN=TOKEN)


def test_without_a_network(hub: LocalHub, client: HubClient) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert "cannot be reached" in client.refused("hf://me/faces", HF_ENDPOINT=gone)
        assert "HF_HUB_OFFLINE" in client.refused("hf://me/faces", HF_HUB_OFFLINE="1")
        assert hub.requests == []
        folder = client.fetch("hf://me/faces")
        assert client.fetch("hf://me/faces", HF_ENDPOINT=gone) == folder
        assert client.fetch("hf://me/faces", HF_HUB_OFFLINE="1") == folder


def test_a_hub_that_never_answers_is_given_up(client: HubClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = client.refused("hf://me/faces", HF_ENDPOINT=endpoint, HF_HUB_ETAG_TIMEOUT="1")
        assert "cannot be reached" in said


def test_a_hub_that_fails(hub: LocalHub, client: HubClient) -> None:
    hub.broken = 503
    assert "(503)" in client.refused("hf://me/faces")
    assert len(hub.requests) == 1, "no retries, and nothing but what is needed"


def test_too_little_room(hub: LocalHub, client: HubClient) -> None:
    hub.claimed_size = 10**18
    assert "not enough room" in client.refused("hf://me/faces")
    assert client.stored() == []


def test_the_command_line_reads_a_picture_with_weights_of_a_hub(
    client: HubClient, portrait: Path
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


LOAD = """
import sys
from emotion import EmotionPipeline
pipeline = EmotionPipeline.from_pretrained(sys.argv[1], revision=sys.argv[2] or None)
print(pipeline.classifier.spec.files["litert"].path.parent.name)
"""


def test_from_pretrained_takes_owner_name_and_revision(
    hub: LocalHub, client: HubClient, tmp_path: Path
) -> None:
    repository = hub.repositories["me/faces"]
    first = repository.names["main"]
    second = repository.commit({"README.md": b"changed"})
    newest = client.run("-c", LOAD, "me/faces", "")
    assert newest.stdout.strip() == second, newest.stderr
    assert client.run("-c", LOAD, "me/faces", first).stdout.strip() == first
    assert client.run("-c", LOAD, f"hf://me/faces@{first}", "").stdout.strip() == first
    assert "no revision 'v9'" in client.run("-c", LOAD, "me/faces", "v9").stderr
