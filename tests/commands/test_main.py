"""The command line as a whole: help, version, wrong usage."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.places import ROOT

import emotion
from emotion.commands import load_commands


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emotion", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for name in ("analyze", "doctor", *load_commands()):
        assert name in result.stdout


@pytest.mark.parametrize("name", load_commands())
def test_every_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: emotion {name}")


def test_version() -> None:
    assert run("--version").stdout.strip() == f"emotion {emotion.__version__}"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["doctor", "--fly"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: emotion")
