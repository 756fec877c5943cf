"""The rules of docs/architecture.md that neither import-linter nor ruff can check (``make lint``)."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support.places import ROOT
from support.source import MODULES, PACKAGE, SCRIPTS, functions, identify, imports, parse

MODULE_LINES = 250
FUNCTION_LINES = 60
LAYOUT_LINES = 120
"""A tab's ``build_`` function lists widgets and wires them; cutting the list up makes it no clearer."""

TORCH_HOME = ROOT / "emotion" / "training"
ONNX_HOME = TORCH_HOME / "export.py"
BATCH_HOME = ROOT / "emotion" / "batch"
OPTIONAL = {
    "torch": TORCH_HOME,
    "onnx": ONNX_HOME,
    "tf2onnx": ONNX_HOME,
    "ray": BATCH_HOME,
    "fsspec": BATCH_HOME,
}
"""Libraries that requirements.txt leaves to those who want them, and where they may be imported."""


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_all_names_what_a_module_offers(path: Path) -> None:
    """``__all__`` is there and lists every public function and class; ruff checks that the names exist."""
    exported = [
        ast.literal_eval(node.value)
        for node in parse(path).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value
        and "__all__" in ast.unparse(node).partition("=")[0]
    ]
    assert len(exported) == 1, f"{identify(path)} needs one __all__"
    offered = {
        node.name
        for node in parse(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    }
    assert offered <= set(exported[0]), "public, but not in __all__: add it or start it with _"


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=identify)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES
    for function in functions(parse(path)):
        length = (function.end_lineno or 0) - function.lineno + 1
        layout = path.parent == PACKAGE / "web" and function.name.startswith("build_")
        limit = LAYOUT_LINES if layout else FUNCTION_LINES
        assert length <= limit, f"{function.name} has {length} lines"


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert not [identify(path) for path in MODULES if path.stem in drawers]


def test_importing_the_package_does_nothing() -> None:
    """No framework, no thread, no socket, no file of weights, no logging configured."""
    program = """
import logging, sys, threading
events = []
sys.addaudithook(lambda event, args: events.append((event, args)))
import emotion
heavy = {"numpy", "cv2", "gradio", "keras", "tensorflow", "torch", "mediapipe", "ai_edge_litert",
         "huggingface_hub", "matplotlib"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert threading.active_count() == 1
assert not logging.getLogger().handlers
assert not [e for e in events if e[0].startswith("socket.")]
assert not [e for e in events if e[0] == "open" and "weights" in str(e[1][0])]
assert emotion.EmotionPipeline.__module__ == "emotion.pipeline"
assert set(emotion.__all__) <= set(dir(emotion)) | set(emotion._HOMES)
for name in emotion.__all__:
    assert getattr(emotion, name).__name__ == name
assert not {"keras", "tensorflow", "torch", "gradio"} & set(sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr


def _key(requirement: Requirement) -> str:
    """Name and condition: TensorFlow has another name on other machines."""
    return f"{requirement.name}; {requirement.marker or ''}"


def read_requirements(path: Path) -> dict[str, Requirement]:
    """The requirements of a file by name and condition."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    return {_key(requirement): requirement for requirement in wanted}


def test_pyproject_and_requirements_agree() -> None:
    """requirements.txt is the tried-out set; pyproject's ranges must contain it and name nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = read_requirements(ROOT / "requirements.txt")
    extras = project["optional-dependencies"]
    named = project["dependencies"] + extras["train"] + extras["mcp"] + extras["records"]
    declared = [Requirement(r) for r in named]
    assert set(map(_key, declared)) == set(pinned)
    for requirement in declared:
        exact = pinned[_key(requirement)]
        pins = [s.version for s in exact.specifier if s.operator == "=="]
        if pins:
            assert requirement.specifier.contains(pins[0]), f"{requirement} excludes {exact}"
        else:
            assert requirement.specifier == exact.specifier


@pytest.mark.parametrize("extra", ["onnx", "ray"])
def test_optional_extras_are_what_development_tries_out(extra: str) -> None:
    """They are not part of requirements.txt, but every test run uses them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tried = read_requirements(ROOT / "requirements-dev.txt")
    tried |= read_requirements(ROOT / "requirements.txt")
    for requirement in map(Requirement, project["optional-dependencies"][extra]):
        versions = tried[_key(requirement)].specifier
        pins = [pin.version for pin in versions if pin.operator == "=="]
        assert (
            requirement.specifier.contains(pins[0]) if pins else requirement.specifier == versions
        )


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """The distributions that provide each importable name. Asking takes half a second."""
    return metadata.packages_distributions()


def test_what_is_installed_is_what_requirements_ask_for() -> None:
    for requirement in read_requirements(ROOT / "requirements.txt").values():
        if requirement.marker is None or requirement.marker.evaluate():
            installed = metadata.version(requirement.name)
            assert requirement.specifier.contains(installed), (
                f"{requirement}: {installed} installed"
            )


def test_one_distribution_provides_cv2() -> None:
    assert set(distributions()["cv2"]) == {"opencv-python-headless"}


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=identify)
def test_every_library_that_is_imported_is_required(path: Path) -> None:
    """What happens to be there because another package wants it may be gone tomorrow."""
    homes = distributions()
    required = {name(key) for key in read_requirements(ROOT / "requirements.txt")}
    for library in {imported.split(".")[0] for imported in imports(parse(path))}:
        if library in sys.stdlib_module_names or library == "emotion":
            continue
        if library in OPTIONAL and path.is_relative_to(OPTIONAL[library]):
            continue
        assert {home.lower().replace("_", "-") for home in homes.get(library, [])} & required, (
            f"{identify(path)} imports {library}: add it to requirements.txt"
        )


def name(key: str) -> str:
    """The distribution's name as pip compares it, without the condition."""
    return key.partition(";")[0].lower().replace("_", "-")
