"""What ``python -m emotion video`` may write to, and whose fault it is when that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emotion.__main__ import main
from emotion.commands.video import _table
from emotion.moments import CSV_COLUMNS

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("option", ["--out", "--csv"])
def test_a_folder_as_target_is_refused_before_the_film_is_opened(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no film, which would otherwise be what is said."""
    folder = tmp_path / "results.mp4"
    folder.mkdir()
    assert main(["video", str(tmp_path / "film.mp4"), option, str(folder)]) == 1
    said = capsys.readouterr().err
    assert f"{option} must name a file. Received: {folder}, which is a folder." in said
    assert str(folder / "film.") in said


def test_what_fails_elsewhere_is_not_blamed_on_the_table(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"^the disk of the copy is full$"),
        _table(tmp_path / "t.csv"),
    ):
        raise OSError("the disk of the copy is full")
    assert list(tmp_path.iterdir()) == []


def test_a_complete_table_takes_its_name(tmp_path: Path) -> None:
    with _table(tmp_path / "t.csv") as add_rows:
        add_rows([[1, "a"], [2, "b"]])
        assert not (tmp_path / "t.csv").exists()
    assert (tmp_path / "t.csv").read_text() == ",".join(CSV_COLUMNS) + "\n1,a\n2,b\n"
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


TABLE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from emotion.commands.video import _table
from emotion.errors import VideoError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with _table(Path(sys.argv[1])) as add_rows:
        for number in range(int(sys.argv[2])):
            add_rows([["x" * 100]])
except VideoError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit for files stands in for a full disk")
@pytest.mark.parametrize("rows", [20, 2000], ids=["when it is closed", "in the middle"])
def test_a_table_on_a_full_disk_is_explained_and_leaves_nothing(tmp_path: Path, rows: int) -> None:
    words = [sys.executable, "-W", "error", "-c", TABLE_ON_A_FULL_DISK, tmp_path / "t.csv", rows]
    done = subprocess.run(
        list(map(str, words)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith(f"{tmp_path / 't.csv'} cannot be written: ")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
