"""What people install, in clean virtual environments: the Space with exactly its files, and the wheel.

These take minutes where pip's cache is empty; ``make test ARGS="-m 'not install'"`` leaves them out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from packaging.requirements import Requirement
from support.places import ROOT
from support.programs import find_program
from support.running_app import running_app

import emotion
from emotion.faces import DETECTORS
from emotion.publishing import stage_space

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("EMOTION", "GRADIO", "HF_", "PYTHON", "VIRTUAL_ENV"))
}
NEVER_LOADED = "ai_edge_litert/vendors/"
"""Plug-ins for accelerators; they want their makers' libraries, and only who asks for them loads them."""

pytestmark = pytest.mark.install


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """What a command prints, started as if nothing of the checkout were around."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=CLEAN, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def make_environment(folder: Path) -> Path:
    """The Python of a new, empty virtual environment."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    return folder / "bin" / "python"


def site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(run(python, "-c", code, cwd=python.parent).strip())


def installed(python: Path) -> dict[str, str]:
    """Version of each distribution by its name, as pip writes it down."""
    said = run(python, "-m", "pip", "list", "--format=json", cwd=python.parent)
    return {entry["name"].lower().replace("_", "-"): entry["version"] for entry in json.loads(said)}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exactly the files that the dry run lists."""
    folder = tmp_path_factory.mktemp("space")
    stage_space(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def serving(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of an environment with exactly the Space's requirements.txt."""
    folder = tmp_path_factory.mktemp("environments")
    python = make_environment(folder / "serving")
    run(
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-compile",
        "-r",
        space / "requirements.txt",
        cwd=space,
    )
    yield python
    shutil.rmtree(folder)  # pytest keeps temporary folders; this one has 700 MB


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("distributions")
    unwanted = (".*", "__pycache__", "build", "dist", "runs", "*.egg-info")
    source = folder / "source"  # building writes into the source folder
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*unwanted))
    run(sys.executable, "-m", "build", "--outdir", folder, source, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def programs(serving: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of an environment with the wheel, which finds its dependencies in ``serving``."""
    python = make_environment(tmp_path_factory.mktemp("environments") / "wheel")
    path_file = site_packages(python) / "dependencies.pth"
    path_file.write_text(f"{site_packages(serving)}\n", encoding="utf-8")
    run(python, "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=wheel.parent)
    return python.parent


def test_the_space_answers_with_only_its_requirements(
    space: Path, serving: Path, portrait: Path, tmp_path: Path
) -> None:
    assert not {"keras", "tensorflow", "tensorflow-cpu", "emotion"} & set(installed(serving))
    nothing = dict.fromkeys(("PYTHONPATH", "EMOTION_WEIGHTS"), "")
    log = tmp_path / "log"
    with running_app(log, environment=nothing, folder=space, python=str(serving)) as app:
        client = Client(app.url, verbose=False)
        assert client.predict(api_name="/health")["ok"]
        for detector in DETECTORS:
            answer = client.predict(handle_file(str(portrait)), detector, 0.5, api_name="/analyze")
            command = ("-m", "emotion", "analyze", portrait, "--json", "--detector", detector)
            here = json.loads(run(sys.executable, *command, cwd=ROOT))
            assert len(answer["faces"]) == 1, log.read_text(encoding="utf-8")
            assert answer["faces"][0]["label"] == here["faces"][0]["label"]


def test_packages_txt_names_what_the_libraries_need(space: Path, serving: Path) -> None:
    """Debian packages of all shared libraries that those in the environment ask the system for."""
    find_program(("dpkg",), "looking up which package owns a library", "dpkg")
    site = site_packages(serving).resolve()
    libraries = [path for path in site.rglob("*.so*") if NEVER_LOADED not in path.as_posix()]
    assert len(libraries) > 100
    said = run("ldd", *libraries, cwd=site)
    assert "not found" not in said
    wanted = {Path(path) for path in re.findall(r"=> (/\S+)", said)}
    outside = {str(path) for path in wanted if not path.resolve().is_relative_to(site)}
    # Where /lib is a link to /usr/lib, dpkg knows a file by one of both names.
    names = {path.removeprefix("/usr") for path in outside}
    search = ["dpkg", "-S", *sorted(names | {f"/usr{name}" for name in names})]
    owners = subprocess.run(search, capture_output=True, text=True).stdout.splitlines()
    assert {owner.rsplit(": ", 1)[1].removeprefix("/usr") for owner in owners} == names
    packages = {owner.split(":")[0] for owner in owners}
    listed = (space / "packages.txt").read_text(encoding="utf-8").split()
    assert packages - {"libc6"} == set(listed), "libc6 is what every program of a system needs"


def test_the_wheel_holds_the_package_the_weights_and_the_examples(wheel: Path) -> None:
    expected = set()
    for folder, pattern, place in (
        ("emotion", "**/*", "emotion"),
        ("weights", "*/*", "emotion/weights_shipped"),
        ("examples", "*", "emotion/examples"),
    ):
        found = [path for path in (ROOT / folder).glob(pattern) if path.is_file()]
        kept = [p for p in found if "__pycache__" not in p.parts and p.suffix != ".pyi"]
        expected |= {f"{place}/{p.relative_to(ROOT / folder).as_posix()}" for p in kept}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected
    for name in ("emotion/weights_shipped/compact/model.tflite", "emotion/examples/astronaut.jpg"):
        assert name in names
    assert [name for name in names if name.startswith("emotion/faces/models/") and "tflite" in name]


def test_the_wheel_asks_for_what_was_tried_and_has_the_version(wheel: Path, serving: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        (metadata,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        about = HeaderParser().parsestr(file.read(metadata).decode())
    assert about["Version"] == emotion.__version__
    assert wheel.name.startswith(f"emotion-{emotion.__version__}-")
    versions = installed(serving)
    for requirement in map(Requirement, about.get_all("Requires-Dist", [])):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            version = versions[requirement.name.lower().replace("_", "-")]
            assert requirement.specifier.contains(version), requirement


def test_the_installed_package_answers(programs: Path, tmp_path: Path, portrait: Path) -> None:
    picture = shutil.copy(portrait, tmp_path / "astronaut.jpg")
    code = "import sys, emotion; print(emotion.__file__, emotion.__version__, *sys.path, sep='\\n')"
    place, version, *path = run(programs / "python", "-I", "-c", code, cwd=tmp_path).splitlines()
    assert Path(place).is_relative_to(programs.parent)
    assert version == emotion.__version__
    assert str(ROOT) not in path
    command = programs / "emotion"
    assert version in run(command, "--version", cwd=tmp_path)
    (face,) = json.loads(run(command, "analyze", picture, "--json", cwd=tmp_path))["faces"]
    assert face["label"] in list(emotion.Emotion)
    report = run(command, "doctor", cwd=tmp_path)
    assert "No faults found." in report
    assert "weights compact" in report


def test_keras_is_an_extra_that_is_named_when_it_is_missing(
    programs: Path, tmp_path: Path, portrait: Path
) -> None:
    command = (programs / "emotion", "analyze", portrait, "--runtime", "keras")
    said = run(*command, cwd=tmp_path, status=1)
    assert 'pip install "emotion[train]"' in said
    assert "Traceback" not in said
