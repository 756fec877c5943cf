"""The rules of docs/architecture.md, checked on the source without running it."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "emotion"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted(ROOT.glob("*.py"))

ROWS = (
    {"errors"},
    {"types", "network_files"},
    {"preprocess", "images", "drawing", "tracking", "video", "regions", "metrics", "hub", "plots"}
    | {"keras_files"},
    {"weights", "model", "torch_layers", "datasets", "augment", "moments"},
    {"faces", "classifier", "exports"},
    {"pipeline", "records", "session", "timeline", "film", "evaluation", "card", "publishing"}
    | {"foreign", "data_report"},
    {"web", "commands", "robustness"},
    {"packing"},
    {"__main__"},
)
"""Lowest first. A module may import from rows below its own only, or from its own folder."""

TRAINING_ONLY = {
    "model",
    "torch_layers",
    "exports",
    "packing",
    "datasets",
    "data_report",
    "augment",
    "plots",
    "card",
    "robustness",
}
"""What serving never imports: the app, the command line and the pipeline work without them."""

TRAINING_COMMANDS = {PACKAGE / "commands" / "export.py"}
"""They import such modules when they run, so that the other commands still work without."""

FOREIGN = {
    "gradio": {"web", "app"},
    "keras": {"model", "torch_layers", "exports", "packing", "keras_files", "train"},
    "tensorflow": {"exports", "packing"},
    "h5py": {"keras_files"},
    "onnx": {"exports"},
    "tf2onnx": {"exports"},
    "torch": {"torch_layers"},
    "jax": set[str](),
    "matplotlib": {"plots"},
    "pyarrow": {"datasets"},
    "mediapipe": {"faces"},
    "ai_edge_litert": {"classifier", "faces"},
}
"""Heavy libraries, and the only modules or folders that may import them."""

MODULE_LINES = 250
FUNCTION_LINES = 60
LAYOUT_LINES = 120
"""A tab's ``build_`` function lists widgets and wires them; cutting the list up makes it no clearer."""
PARAMETERS = 5


def identify(path: Path) -> str:
    """``path`` as people say it, for test names and messages."""
    return str(path.relative_to(ROOT))


def unit(path: Path) -> str:
    """The module or folder directly under ``emotion`` (or the script) that a file belongs to."""
    if not path.is_relative_to(PACKAGE):
        return path.stem
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of all modules that are imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def row(name: str) -> int:
    """The row of a module or folder of the package."""
    found = [index for index, names in enumerate(ROWS) if name in names]
    assert found, f"emotion/{name} has no row: give it one in this file and in docs/architecture.md"
    return found[0]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_modules_import_from_rows_below_only(path: Path) -> None:
    me = unit(path)
    if me == "__init__":
        return
    for name in imports(parse(path)):
        package, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if package != "emotion" or target in (me, "__version__"):
            continue
        assert row(target) < row(me), f"{identify(path)} must not import emotion.{target}"


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=identify)
def test_heavy_libraries_stay_where_they_belong(path: Path) -> None:
    for name in imports(parse(path)):
        library = name.split(".")[0]
        allowed = FOREIGN.get(library)
        assert allowed is None or unit(path) in allowed, (
            f"{identify(path)} must not import {library}"
        )


@pytest.mark.parametrize("path", [*MODULES, ROOT / "app.py"], ids=identify)
def test_serving_imports_nothing_of_training(path: Path) -> None:
    if unit(path) in TRAINING_ONLY or unit(path) in ("evaluation", "__init__"):
        return
    if path in TRAINING_COMMANDS:
        return
    for name in imports(parse(path)):
        package, _, rest = name.partition(".")
        if package == "emotion":
            assert rest.split(".")[0] not in TRAINING_ONLY, f"{identify(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_all_names_what_a_module_offers(path: Path) -> None:
    """Present, true, and complete for functions and classes; ruff keeps it sorted (RUF022)."""
    tree = parse(path)
    exported: list[str] | None = None
    defined: set[str] = set()
    offered: set[str] = set()
    for node in ast.walk(ast.Module([n for n in tree.body if not _is_definition(n)], [])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            offered |= set() if node.name.startswith("_") else {node.name}
        elif (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and node.value
            and "__all__"
            in (
                ast.unparse(node.target)
                if isinstance(node, ast.AnnAssign)
                else ast.unparse(node.targets[0])
            )
        ):
            exported = ast.literal_eval(node.value)
    assert exported is not None, f"{identify(path)} needs __all__"
    assert len(exported) == len(set(exported))
    assert set(exported) - defined - offered == set(), "named in __all__ but not defined"
    assert offered - set(exported) == set(), "public, but not in __all__: add it or start it with _"


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree), f"{identify(path)} needs a docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            public = not node.name.startswith("_")
            assert ast.get_docstring(node) or not public, f"{identify(path)}: {node.name}"


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=identify)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    if unit(path) != "train":  # one sitting, top to bottom
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES
    for function in functions(parse(path)):
        length = (function.end_lineno or 0) - function.lineno + 1
        layout = unit(path) == "web" and function.name.startswith("build_")
        limit = LAYOUT_LINES if layout else FUNCTION_LINES
        assert length <= limit, f"{function.name} has {length} lines"


@pytest.mark.parametrize("path", [p for p in MODULES if unit(p) != "web"], ids=identify)
def test_functions_take_few_positional_parameters(path: Path) -> None:
    """The rest is keyword-only. Handlers of the web app take one for each widget."""
    for function in functions(parse(path)):
        positional = [*function.args.posonlyargs, *function.args.args]
        own = [a for a in positional if a.arg not in ("self", "cls")]
        assert len(own) <= PARAMETERS, f"{identify(path)}: {function.name}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_only_the_command_line_prints(path: Path) -> None:
    if unit(path) in ("commands", "__main__"):
        return
    calls = [n for n in ast.walk(parse(path)) if isinstance(n, ast.Call)]
    assert not [n.lineno for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]


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
    named = project["dependencies"] + extras["train"] + extras["mcp"]
    declared = [Requirement(r) for r in named]
    assert set(map(_key, declared)) == set(pinned)
    for requirement in declared:
        exact = pinned[_key(requirement)]
        pins = [s.version for s in exact.specifier if s.operator == "=="]
        if pins:
            assert requirement.specifier.contains(pins[0]), f"{requirement} excludes {exact}"
        else:
            assert requirement.specifier == exact.specifier


def test_the_onnx_extra_is_what_development_tries_out() -> None:
    """ONNX is optional: not part of requirements.txt, but every test run writes and runs a file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tried = read_requirements(ROOT / "requirements-dev.txt")
    for requirement in map(Requirement, project["optional-dependencies"]["onnx"]):
        (pin,) = tried[_key(requirement)].specifier
        assert requirement.specifier.contains(pin.version)


def test_what_is_installed_is_what_requirements_ask_for() -> None:
    for requirement in read_requirements(ROOT / "requirements.txt").values():
        if requirement.marker is None or requirement.marker.evaluate():
            installed = metadata.version(requirement.name)
            assert requirement.specifier.contains(installed), (
                f"{requirement}: {installed} installed"
            )


def test_one_distribution_provides_cv2() -> None:
    assert set(metadata.packages_distributions()["cv2"]) == {"opencv-python-headless"}


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=identify)
def test_every_library_that_is_imported_is_required(path: Path) -> None:
    """What happens to be there because another package wants it may be gone tomorrow."""
    homes = metadata.packages_distributions()
    wanted = {r.name.lower() for r in read_requirements(ROOT / "requirements.txt").values()}
    optional = {"torch", "emotion", "onnx", "tf2onnx"}
    for name in imports(parse(path)):
        library = name.split(".")[0]
        if library in sys.stdlib_module_names or library in optional:
            continue
        homes_of_it = {home.lower().replace("_", "-") for home in homes.get(library, [])}
        known = {name.replace("_", "-") for name in wanted}
        assert homes_of_it & known, (
            f"{identify(path)} imports {library}: add it to requirements.txt"
        )
