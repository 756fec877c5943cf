"""Environments of their own for the peers, outside the repository."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "Peer", "installed_mb", "prepare"]

PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that people would install instead.

    Attributes:
        program: The file in ``programs/`` that reads pictures with it.
        packages: What pip or npm installs, at fixed versions.
        arguments: Of the program, beside the folder.
        node: Whether it runs under Node.js.
        same_as: The name of the peer whose environment it shares.
    """

    program: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    node: bool = False
    same_as: str | None = None


PEERS = {
    "fer": Peer("fer_default.py", ("fer==25.10.3",)),
    "fer-mtcnn": Peer("fer_default.py", ("fer==25.10.3",), ("mtcnn",), same_as="fer"),
    "deepface": Peer("deepface_default.py", ("deepface==0.0.103", "tf-keras")),
    "face-api": Peer(
        "face_api.mjs",
        (
            "@vladmandic/face-api@1.7.15",
            "@tensorflow/tfjs@4.22.0",
            "@tensorflow/tfjs-backend-wasm@4.22.0",
            "pngjs@7.0.0",
        ),
        node=True,
    ),
    # Compiles dlib, which takes half an hour on two cores and needs a C++ compiler.
    "face-analysis-kit": Peer("face_analysis_kit.py", ("face-analysis-kit==1.0.0",)),
}


def prepare(name: str, root: Path) -> tuple[Path, list[str]]:
    """Install a peer where it is not yet; its folder, and the command that runs its program.

    Raises:
        subprocess.CalledProcessError: If it cannot be installed.
    """
    peer = PEERS[name]
    folder = root / (peer.same_as or name)
    program = str(PROGRAMS / peer.program)
    mark = folder / ".installed"
    if not mark.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if peer.node:
            _run(["npm", "init", "-y"], folder)
            _run(["npm", "install", "--silent", *peer.packages], folder)
        else:
            _run([sys.executable, "-m", "venv", str(folder)], folder)
            _run(
                [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *peer.packages],
                folder,
            )
        mark.touch()
    start = ["node"] if peer.node else [str(folder / "bin" / "python")]
    return folder, [*start, program]


def installed_mb(folder: Path) -> float:
    """Megabytes of a folder, each file once."""
    sizes = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            about = path.stat()
            sizes[about.st_ino] = about.st_size
    return round(sum(sizes.values()) / 1e6, 1)


def _run(words: list[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
