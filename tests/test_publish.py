"""Publishing: the listing is exactly what is sent, by the real client to a hub on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from local_hub import TOKEN, LocalHub, Repository

from emotion.errors import EmotionError
from emotion.publishing import SPACE_SECTIONS, space_uploads
from emotion.weights import ABOUT_WEIGHTS, DEFAULT_WEIGHTS

ROOT = Path(__file__).resolve().parent.parent


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


def space_files() -> dict[str, str]:
    """The files of a Space; what is no text is unreadable here."""
    return {u.path: u.content.decode(errors="replace") for u in space_uploads(ROOT)}


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
        assert f"]({hub.url}/me/faces)" in files["README.md"].decode(), (
            "the card is where the weights are"
        )
        assert hub.variables == [{"key": "EMOTION_WEIGHTS", "value": weights}]
        publish(hub, tmp_path, "space", "me/app")
        assert f"weights/{DEFAULT_WEIGHTS}/model.tflite" in received.files()
        assert hub.variables == [], "the Space runs the shipped weights again"
    with pytest.raises(EmotionError, match="by commit"):
        space_uploads(ROOT, "hf://me/faces@main")


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


def test_the_app_starts_from_exactly_the_files_of_the_space(tmp_path: Path) -> None:
    for upload in space_uploads(ROOT):
        path = tmp_path / upload.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(upload.content)
    code = (
        "import app; from emotion.web.page import build_page; from emotion.web.pipelines import Pipelines;"
        "p = Pipelines(None, 'litert'); build_page(p); p.get('haar'); p.get('mediapipe'); print(app.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "app.py")


def test_the_front_matter_names_what_requirements_install() -> None:
    files = space_files()
    matter = yaml.safe_load(files["README.md"].split("---\n")[1])
    assert matter["sdk"] == "gradio"
    assert f"gradio=={matter['sdk_version']}" in files["requirements.txt"].splitlines()
    assert matter["python_version"] in ("3.11", "3.12", "3.13")
    assert matter["app_file"] in files


def test_a_space_installs_what_serving_needs_only() -> None:
    wanted = space_files()["requirements.txt"].splitlines()[1:]
    assert set(wanted) < set((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    assert not [line for line in wanted if line.startswith(("keras", "tensorflow", "h5py"))]


def test_the_licence_of_a_model_travels_with_it() -> None:
    models = {name for name in space_files() if name.startswith("emotion/faces/models/")}
    assert {Path(name).suffix for name in models} >= {".tflite", ".xml", ".txt", ".md"}


def test_every_link_and_picture_of_a_space_is_there() -> None:
    files = space_files()
    assert "docs/screenshots/image-tab.png" in files
    for name, text in files.items():
        if name.endswith(".md"):
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
                place = os.path.normpath(Path(name).parent / target)
                assert target.startswith("https:") or place in files, f"{name}: {target}"


def test_the_sections_for_visitors_are_in_the_readme() -> None:
    headings = re.findall(r"^## (.+)$", space_files()["README.md"], re.MULTILINE)
    assert tuple(headings) == SPACE_SECTIONS


def test_a_space_is_made_in_the_clone(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match=r"packages\.txt"):
        space_uploads(tmp_path)
