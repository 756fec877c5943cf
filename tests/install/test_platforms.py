"""On which machines the requirements can be installed, tried by letting pip resolve them for each.

pip takes wheels for another platform, but evaluates conditions such as ``sys_platform == "darwin"`` for the
machine it runs on. So ours are evaluated here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support.places import ROOT

pytestmark = pytest.mark.install

OLDER_LINUX = ("2_27", "2_24", "2_17", "2014")
PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64", [f"manylinux_{v}_x86_64" for v in ("2_28", *OLDER_LINUX)]),
    "Linux arm64": ("linux", "aarch64", [f"manylinux_{v}_aarch64" for v in ("2_28", *OLDER_LINUX)]),
    "Windows x86-64": ("win32", "AMD64", ["win_amd64"]),
    "macOS arm64": ("darwin", "arm64", ["macosx_14_0_arm64"]),
    "macOS Intel": ("darwin", "x86_64", ["macosx_14_0_x86_64"]),
}
"""What Python calls each system and its processor, and the tags of wheels that run there."""

LEFT_OUT = {"macOS Intel": {"ai-edge-litert", "tensorflow", "tensorflow-cpu"}}
"""What has no wheel for a platform: there Haar finds faces, but nothing reads them."""


def requirements(platform: str, python: str) -> dict[str, str]:
    """What ``requirements.txt`` asks for on a platform, by name and without conditions."""
    system, machine, _ = PLATFORMS[platform]
    there = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    wanted = {}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(there):
            wanted[requirement.name] = f"{requirement.name}{requirement.specifier}"
    return wanted


@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_asked_for_has_wheels(tmp_path: Path, platform: str, python: str) -> None:
    wanted = requirements(platform, python)
    tags = [
        word
        for tag in PLATFORMS[platform][2]
        for word in ("--platform", tag.replace("_2014", "2014"))
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--dry-run",
        "-q",
    ]
    command += ["--ignore-installed", "--target", str(tmp_path), "--only-binary", ":all:"]
    command += ["--python-version", python, *tags, *wanted.values()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_what_has_no_wheel_is_left_out(platform: str) -> None:
    everything = {Requirement(r).name for p in PLATFORMS for r in requirements(p, "3.12").values()}
    missing = everything - set(requirements(platform, "3.12"))
    tensorflow = {"tensorflow", "tensorflow-cpu"}
    assert missing - tensorflow == LEFT_OUT.get(platform, set()) - tensorflow
    assert (tensorflow <= missing) == (platform in LEFT_OUT)
