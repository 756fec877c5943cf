"""Setting up on machines that lack something: one line, with its fix."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def make_venv(programs: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a machine whose only programs are those of one folder."""
    environment = {"PATH": str(programs)} | variables
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "make_venv.sh"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    write_program(folder / "uname", "echo Linux")
    return folder


def test_without_python_it_says_what_to_install(programs: Path, tmp_path: Path) -> None:
    result = make_venv(programs, tmp_path / "venv")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "found: no python3" in result.stderr
    assert "sudo apt-get install python3" in result.stderr


def test_a_python_that_is_too_new_is_named(programs: Path, tmp_path: Path) -> None:
    version = 'case "$1" in --version) echo Python 3.14.0;; *) exit 1;; esac'
    write_program(programs / "python3", version)
    result = make_venv(programs, tmp_path / "venv")
    assert result.returncode == 1
    assert "found: Python 3.14.0" in result.stderr


def test_without_ensurepip_it_names_the_package(programs: Path, tmp_path: Path) -> None:
    """Debian keeps ensurepip in python3-venv."""
    real = f'case "$*" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    write_program(programs / "python3", real)
    result = make_venv(programs, tmp_path / "venv")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert f"sudo apt-get install python{VERSION}-venv" in result.stderr


def test_a_command_that_only_complains_is_passed_over(programs: Path, tmp_path: Path) -> None:
    """As a version manager's shim does; the next Python does the work."""
    write_program(programs / "python3.13", "echo no such version >&2; exit 127")
    write_program(programs / "python3", f'exec {os.path.realpath(sys.executable)} "$@"')
    result = make_venv(programs, tmp_path / "venv")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_the_python_that_was_chosen_may_have_spaces_in_its_path(
    programs: Path, tmp_path: Path
) -> None:
    """Nor is another one taken in its place."""
    write_program(programs / "python3", "exit 1")
    chosen = tmp_path / "My Pythons" / "python 3"
    chosen.parent.mkdir()
    write_program(chosen, f'exec {os.path.realpath(sys.executable)} "$@"')
    result = make_venv(programs, tmp_path / "venv", PYTHON=str(chosen))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()
    missing = make_venv(programs, tmp_path / "venv", PYTHON=f"{chosen} python3")
    assert missing.returncode == 1
    assert f"found: no {chosen} python3." in missing.stderr
