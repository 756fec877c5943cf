"""Check the installation and say how to fix each fault.

Nothing is sent anywhere. The exit status is 1 if there is a fault.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata, util
from pathlib import Path

from emotion.commands import no_chatter
from emotion.litert import how_to_get_litert
from emotion.shipped import EXAMPLES
from emotion.weights.config import DEFAULT_RUNTIME, ModelSpec, read_spec
from emotion.weights.find import find_weights, shipped_weights

__all__ = ["Check", "FaultError", "add_arguments", "examine", "run"]

REINSTALL = "run `make clean run`, or: pip install --force-reinstall -r requirements.txt"
ENOUGH_DISK = 500 * 2**20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KERAS_TRIAL = """
import numpy
from emotion.classifier import load_classifier
from emotion.weights.find import find_weights
from emotion.weights.config import read_spec
spec = read_spec(find_weights())
load_classifier(spec, "keras").classify([numpy.zeros((spec.input_size,) * 2, numpy.uint8)])
"""


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, what was found, and how to fix it (empty if there is nothing to fix)."""

    name: str
    ok: bool
    found: str
    fix: str = ""


class FaultError(Exception):
    """A check found something wrong: what, and its fix."""

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.fix = fix


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``emotion doctor``."""
    parser.add_argument("--json", action="store_true", help="one JSON object per check and line")


def run(args: argparse.Namespace) -> int:
    """Examine the installation and print one line for each check."""
    faults = 0
    for check in examine():
        faults += not check.ok
        if args.json:
            print(json.dumps(asdict(check)), flush=True)
            continue
        print(f"{'OK   ' if check.ok else 'FAULT'}  {check.name:20} {check.found}", flush=True)
        if check.fix:
            print(f"{'':7}{'':20} fix: {check.fix}", flush=True)
    if not args.json:
        print(f"{faults or 'No'} fault{'s' * (faults != 1)} found.")
    return 1 if faults else 0


def examine() -> Iterator[Check]:
    """Run every check, even if others fail."""
    for name, look, fix in _checks():
        try:
            with no_chatter():
                found = look()
            yield Check(name, True, found)
        except FaultError as fault:
            yield Check(name, False, str(fault), fault.fix)
        except Exception as error:  # whatever breaks in a library is reported, not raised
            yield Check(name, False, f"{type(error).__name__}: {error}".splitlines()[0], fix)


def _checks() -> Iterator[tuple[str, Callable[[], str], str]]:
    """Name, function and usual fix of each check, in the order in which they build on each other."""
    from emotion.faces import DETECTORS

    yield "python", _python, "install Python 3.11, 3.12 or 3.13, then: make clean run"
    yield "opencv", _opencv, REINSTALL
    yield "gradio", partial(_version, "gradio", "6."), REINSTALL
    for detector in DETECTORS:
        yield f"detector {detector}", partial(_detector, detector), REINSTALL
    restore = "restore the folder from the repository: git checkout -- weights"
    yield "weights", _default_weights, restore
    for name in shipped_weights():
        yield f"weights {name}", partial(_weights, name), restore
    yield "runtime litert", _litert, how_to_get_litert()
    yield "runtime keras", _keras, REINSTALL
    yield (
        "disk",
        _disk,
        f"free some space in {tempfile.gettempdir()}, or set TMPDIR to another place",
    )
    yield "browser", _browser, ""


def _python() -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise FaultError(
            f"{platform.python_version()} is not supported",
            "install Python 3.11, 3.12 or 3.13, then: make clean run",
        )
    return f"{platform.python_version()} on {platform.platform(terse=True)}"


def _opencv() -> str:
    providers = sorted(set(metadata.packages_distributions().get("cv2", [])))
    if len(providers) != 1:
        raise FaultError(
            f"cv2 must come from one distribution; found: {', '.join(providers) or 'none'}",
            f"pip uninstall -y {' '.join(providers)}; pip install -r requirements.txt",
        )
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        raise FaultError(f"cv2 {cv2.__version__} has no CascadeClassifier", REINSTALL)
    gui = [line for line in cv2.getBuildInformation().splitlines() if "GUI:" in line]
    if not any("NONE" in line for line in gui):
        raise FaultError(
            f"cv2 {cv2.__version__} was built with a GUI and may need libGL", REINSTALL
        )
    folder = Path(cv2.__file__).parent / "data"
    cascades = list(folder.glob("haarcascade_*.xml"))
    if not cascades:
        raise FaultError(f"no cascade files in {folder}", REINSTALL)
    return f"{providers[0]} {cv2.__version__}, no GUI, {len(cascades)} cascades"


def _version(distribution: str, expected: str) -> str:
    found = metadata.version(distribution)
    if not found.startswith(expected):
        raise FaultError(f"{found} was not tried; {expected} is", REINSTALL)
    return found


def _detector(name: str) -> str:
    from emotion.faces import load_detector
    from emotion.images import read_image

    picture = _example_portrait()
    detector = load_detector(name)
    try:
        faces = detector.detect(read_image(picture))
    finally:
        detector.close()
    found = sum(face.score >= detector.default_min_score for face in faces)
    if found != 1:
        raise FaultError(f"found {found} faces in {picture.name}, which shows 1", REINSTALL)
    return f"finds the face in {picture.name}"


def _example_portrait() -> Path:
    """The shipped picture with one face, in a checkout or in an installed package."""
    if (path := EXAMPLES / "astronaut.jpg").is_file():
        return path
    raise FaultError("the picture examples/astronaut.jpg is missing", "git checkout -- examples")


def _default_weights() -> str:
    from emotion.classifier import RUNTIMES

    folder = find_weights()
    if not RUNTIMES.keys() & read_spec(folder).files.keys():
        raise FaultError(
            f"{folder} has no file for {' or '.join(RUNTIMES)}", "name others in EMOTION_WEIGHTS"
        )
    return f"used by default: {folder}"


def _weights(name: str) -> str:
    spec = read_spec(find_weights(name))
    parts = [part.verified().name for file in spec.files.values() for part in file.parts]
    return f"sha256 of {', '.join(parts)} right"


def _default_spec() -> ModelSpec:
    return read_spec(find_weights())


def _litert() -> str:
    import numpy as np

    from emotion.classifier import load_classifier

    spec = _default_spec()
    if "litert" not in spec.files:
        return f"not tried: the weights {spec.name} have no file for it"
    face = np.zeros((spec.input_size, spec.input_size), np.uint8)
    load_classifier(spec, "litert").classify([face])
    return f"ai-edge-litert {metadata.version('ai-edge-litert')} answers"


def _keras() -> str:
    """In a process of its own: TensorFlow is large, and on an old processor it crashes without a message."""
    spec = _default_spec()
    if not util.find_spec("keras"):
        if spec.runtime(DEFAULT_RUNTIME) == "keras":
            raise FaultError(
                f"not installed, and the weights {spec.name} have a file for nothing else",
                'pip install "emotion[train]", or pip install -r requirements.txt in a clone',
            )
        return "not installed; only needed for training and --runtime keras"
    if "keras" not in spec.files:
        return f"not tried: the weights {spec.name} have no file for it"
    trial = subprocess.run(
        [sys.executable, "-c", KERAS_TRIAL], capture_output=True, text=True, timeout=300
    )
    if trial.returncode:
        last = (trial.stderr.strip() or f"exit status {trial.returncode}").splitlines()[-1]
        raise FaultError(last, REINSTALL)
    return f"keras {metadata.version('keras')} answers"


def _disk() -> str:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ENOUGH_DISK:
        raise FaultError(
            f"{free / 2**20:.0f} MB free in {tempfile.gettempdir()}, where uploads are kept",
            "free some space, or set TMPDIR to another place",
        )
    return f"{free / 2**30:.1f} GB free in {tempfile.gettempdir()}"


def _browser() -> str:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    return path or "no Chromium; only the project's own browser tests need one"
