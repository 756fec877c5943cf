"""Version, changelog and extras say what the code is: read from the files, without installing anything."""

from __future__ import annotations

import datetime
import functools
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from support.places import ROOT
from support.source import MODULES, PACKAGE, SCRIPTS, imports, parse

import emotion

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSIONS = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", CHANGELOG, re.MULTILINE)

OF_TRAINING = (
    PACKAGE / "training",
    PACKAGE / "keras_files",
    PACKAGE / "commands" / "export.py",
    ROOT / "train.py",
    ROOT / "evaluate.py",
)
ONNX_HOME = ROOT / "emotion" / "training" / "export.py"
BATCH = PACKAGE / "batch"
BROUGHT_ALONG = {"torch"}
"""Used if it is there: whoever wants to train on it has chosen a build of it."""


def is_of_training(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in OF_TRAINING)


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """The distributions that provide each importable name. Asking takes half a second."""
    return metadata.packages_distributions()


def needs(paths: Iterable[Path]) -> set[str]:
    """The distributions that some files import from."""
    homes = distributions()
    libraries = {name.split(".")[0] for path in paths for name in imports(parse(path))}
    foreign = libraries - sys.stdlib_module_names - BROUGHT_ALONG - {"emotion"}
    return {normal(home) for library in foreign for home in homes[library]}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def names(requirements: Iterable[str]) -> set[str]:
    """The distributions that some requirements install on this machine."""
    wanted = map(Requirement, requirements)
    return {normal(r.name) for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})}


def test_the_dependencies_are_what_serving_imports() -> None:
    serving = [
        path
        for path in [*MODULES, *SCRIPTS]
        if not is_of_training(path) and not path.is_relative_to(BATCH)
    ]
    # Parquet is one of the forms of an export of records; the extra brings its library.
    optional = names(EXTRAS["records"])
    assert needs(serving) - optional == names(PROJECT["project"]["dependencies"])


def test_the_extras_are_what_their_parts_import() -> None:
    training = [path for path in [*MODULES, *SCRIPTS] if is_of_training(path)]
    more = needs(training) - names(PROJECT["project"]["dependencies"])
    assert more == names(EXTRAS["train"]) | names(EXTRAS["onnx"])
    assert not names(EXTRAS["train"]) & names(EXTRAS["onnx"])
    assert needs([path for path in training if path != ONNX_HOME]).isdisjoint(names(EXTRAS["onnx"]))


def test_the_extra_for_batches_is_what_they_import() -> None:
    batch = needs(path for path in MODULES if path.is_relative_to(BATCH))
    more = batch - names(PROJECT["project"]["dependencies"])
    # Ray's own extra for data brings fsspec; without that extra there would be none.
    assert more - {"fsspec"} == names(EXTRAS["ray"])
    assert "data" in next(r.extras for r in map(Requirement, EXTRAS["ray"]) if r.name == "ray")


def test_the_extra_for_mcp_is_what_gradio_asks_for() -> None:
    """Only Gradio imports it, when its MCP server is switched on."""
    asked = [Requirement(r) for r in metadata.requires("gradio") or []]
    (theirs,) = (r for r in asked if r.name == "mcp")
    (ours,) = map(Requirement, EXTRAS["mcp"])
    assert ours.name == "mcp"
    assert theirs.marker is not None
    assert theirs.marker.evaluate({"extra": "mcp"})
    assert theirs.specifier.contains(metadata.version("mcp"))
    assert ours.specifier.contains(metadata.version("mcp"))


def test_every_extra_is_accounted_for() -> None:
    assert set(EXTRAS) == {"train", "onnx", "mcp", "ray", "records"}


def test_every_folder_of_code_is_packaged() -> None:
    folders = {path.parent.relative_to(ROOT) for path in MODULES}
    packaged = PROJECT["tool"]["setuptools"]["packages"]
    assert {".".join(folder.parts) for folder in folders} <= set(packaged)


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "emotion.__version__"}
    assert VERSIONS[0][0] == emotion.__version__


def test_the_changelog_is_in_order() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    released = [heading for heading in headings if heading != "[Unreleased]"]
    assert len(released) == len(VERSIONS), "write: ## [1.2.3] - 2026-12-31"
    assert "[Unreleased]" not in headings[1:]
    numbers = [tuple(map(int, version.split("."))) for version, _ in VERSIONS]
    dates = [datetime.date.fromisoformat(date) for _, date in VERSIONS]
    assert numbers == sorted(set(numbers), reverse=True)
    assert dates == sorted(dates, reverse=True)
