"""Publishing: the listing is exactly what is sent, by the real client to a hub on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gradio_client import Client
from support.local_hub import TOKEN, LocalHub, Repository
from support.places import ROOT
from support.running_app import running_app

from emotion.errors import EmotionError
from emotion.publishing import stage_space
from emotion.weights.find import ABOUT_WEIGHTS, DEFAULT_WEIGHTS


def publish(hub: LocalHub, home: Path, *arguments: str, token: str = TOKEN, status: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "EMOTION"))}
    done = subprocess.run(
        [sys.executable, "-m", "emotion", "publish", *arguments],
        cwd=ROOT,
        env=environment
        # Xet has a server of its own kind; without it the client sends large files by LFS.
        | {
            "HF_HOME": str(home),
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Space with the shipped weights."""
    folder = tmp_path_factory.mktemp("space")
    stage_space(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def space_files(space: Path) -> dict[str, str]:
    """The files of a Space; what is no text is unreadable here."""
    paths = [path for path in space.rglob("*") if path.is_file()]
    return {p.relative_to(space).as_posix(): p.read_text("utf-8", "replace") for p in paths}


def listed(text: str) -> dict[str, int]:
    lines = re.findall(r"^ *([\d,]+)  (\S+)$", text, re.MULTILINE)
    return {path: int(size.replace(",", "")) for size, path in lines}


@pytest.mark.parametrize(
    "what", [("weights", DEFAULT_WEIGHTS), ("space",)], ids=["weights", "space"]
)
def test_the_dry_run_lists_exactly_what_is_sent(what: tuple[str, ...], tmp_path: Path) -> None:
    with LocalHub() as hub:
        promised = listed(publish(hub, tmp_path, *what, "me/it", "--dry-run"))
        assert hub.requests == []
        assert promised
        publish(hub, tmp_path, *what, "me/it")
        repository = hub.repositories["me/it"]
        received = repository.commits[repository.names["main"]]
        assert {path: len(data) for path, data in received.items()} == promised
        assert hub.created[0].get("sdk") == ("gradio" if what == ("space",) else None)
        assert any(line.startswith("PUT /store/") for line in hub.requests), "binaries go by LFS"


def test_published_weights_can_be_used_and_pinned_in_a_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalHub() as hub:
        publish(hub, tmp_path, "weights", DEFAULT_WEIGHTS, "me/faces")
        commit = hub.repositories["me/faces"].names["main"]
        weights = f"hf://me/faces@{commit}"
        publish(hub, tmp_path, "space", "me/app", "--weights", weights)
        received = hub.repositories["me/app"]
        files = received.commits[received.names["main"]]
        assert not any(path.startswith("weights/") for path in files)
        matter = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
        assert matter["models"] == ["me/faces"]
        preloaded = ",".join(["config.json", "model.tflite", *ABOUT_WEIGHTS])
        assert matter["preload_from_hub"] == [f"me/faces {preloaded} {commit}"]
        assert hub.variables == [{"key": "EMOTION_WEIGHTS", "value": weights}]
        publish(hub, tmp_path, "space", "me/app")
        assert f"weights/{DEFAULT_WEIGHTS}/model.tflite" in received.files()
        assert hub.variables == [], "the Space runs the shipped weights again"
    (tmp_path / "space").mkdir()
    with pytest.raises(EmotionError, match="by commit"):
        stage_space(ROOT, tmp_path / "space", "hf://me/faces@main")


def test_publishing_again_removes_modules_that_are_gone(tmp_path: Path) -> None:
    with LocalHub() as hub:
        before = {"emotion/gone.py": b"", "notes.md": b"mine"}
        hub.repositories["me/app"] = Repository()
        hub.repositories["me/app"].commit(before)
        promised = listed(publish(hub, tmp_path, "space", "me/app"))
        files = hub.repositories["me/app"].files()
        assert set(files) == set(promised) | {"notes.md"}


def test_a_wrong_token_is_named(tmp_path: Path) -> None:
    with LocalHub() as hub:
        text = publish(hub, tmp_path, "space", "me/app", token="hf_wrong", status=1)
        assert "HF_TOKEN" in text
        assert hub.repositories == {}


def test_the_app_starts_from_exactly_the_files_of_the_space(space: Path, tmp_path: Path) -> None:
    shutil.copytree(space, tmp_path / "space")
    with running_app(tmp_path / "log", folder=tmp_path / "space") as app:
        health = Client(app.url, verbose=False).predict(api_name="/health")
    assert health["ok"], health


def test_the_front_matter_names_what_requirements_install(space_files: dict[str, str]) -> None:
    files = space_files
    matter = yaml.safe_load(files["README.md"].split("---\n")[1])
    assert matter["sdk"] == "gradio"
    assert f"gradio=={matter['sdk_version']}" in files["requirements.txt"].splitlines()
    assert matter["python_version"] in ("3.11", "3.12", "3.13")
    assert matter["app_file"] in files


def test_a_space_installs_what_serving_needs_only(space_files: dict[str, str]) -> None:
    wanted = space_files["requirements.txt"].splitlines()[1:]
    assert set(wanted) < set((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    assert not [line for line in wanted if line.startswith(("keras", "tensorflow", "h5py"))]


def test_the_licence_of_a_model_travels_with_it(space_files: dict[str, str]) -> None:
    models = {name for name in space_files if name.startswith("emotion/faces/models/")}
    assert {Path(name).suffix for name in models} >= {".tflite", ".xml", ".txt", ".md"}


def test_every_link_of_the_front_page_is_there(space_files: dict[str, str]) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", space_files["README.md"])
    assert "LICENSE" in targets
    assert [t for t in targets if not t.startswith("https:") and t not in space_files] == []


def test_a_space_is_made_in_the_clone(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match=r"packages\.txt"):
        stage_space(tmp_path, tmp_path)
